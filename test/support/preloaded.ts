/** Peers' processes that load a file of this folder before the program: where faults are made inside a process. */
import type { Places } from './program-network.ts'

/** @param env - by the name of the peer; a bootstrap runs as it is */
export function preloaded(
  file: URL,
  env: (name: string) => Readonly<Record<string, string>>,
  isPeer: (name: string) => boolean
): Places {
  const variables = (name: string): string[] =>
    Object.entries(env(name)).map(([key, value]) => `${key}=${value}`)
  return {
    launcher: name => (isPeer(name) ? ['env', `NODE_OPTIONS=--import=${file.href}`, ...variables(name)] : []),
    listen: () => ['/ip4/127.0.0.1/tcp/0']
  }
}
