/** The commands of Linux behind hosts.ts, and what is left of them when a test has crashed. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

export interface Namespaces {
  /** Carries the id of the process that made them. */
  readonly prefix: string
}

const FOLDER = '/run/netns'

export function namespaceOf({ prefix }: Namespaces, name: string): string {
  return `${prefix}${name}`
}

/** @throws Error with what the command wrote to standard error */
export function runIn(
  spaces: Namespaces,
  name: string,
  [command, ...args]: readonly string[],
  input?: string
): string {
  const all = ['netns', 'exec', namespaceOf(spaces, name), command!, ...args]
  return execFileSync('ip', all, {
    encoding: 'utf8',
    stdio: 'pipe',
    ...(input === undefined ? {} : { input })
  })
}

/** Lines of `ip` in one go. */
export function spell(spaces: Namespaces, name: string, lines: readonly string[]): void {
  const args = ['-n', namespaceOf(spaces, name), '-batch', '-']
  execFileSync('ip', args, { stdio: 'pipe', input: `${lines.join('\n')}\n` })
}

/**
 * How to remove each namespace with that prefix; by default those whose test has died. What still runs in one was
 * started by that test, which nobody else can end any more.
 */
export function leftovers(prefix?: string): Array<() => void> {
  if (!existsSync(FOLDER)) return []
  return readdirSync(FOLDER)
    .filter(name => (prefix === undefined ? isOrphan(name) : name.startsWith(prefix)))
    .map(name => () => {
      for (const pid of execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n')) {
        if (pid !== '') kill(Number(pid))
      }
      execFileSync('ip', ['netns', 'del', name], { stdio: 'pipe' })
    })
}

function isOrphan(name: string): boolean {
  const pid = /^fedpeft-(\d+)-/.exec(name)?.[1]
  return pid !== undefined && !existsSync(`/proc/${pid}`)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}

/** Why this machine has no hosts to offer, in words; null if it has. */
export function whyNoHosts(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  if (process.getuid?.() !== 0) return 'only root may make network namespaces'
  for (const [tool, ...args] of [
    ['ip', '-V'],
    ['nft', '-v'],
    ['sysctl', '-V']
  ] as const) {
    try {
      execFileSync(tool, args, { stdio: 'pipe' })
    } catch {
      return `there is no ${tool} (packages iproute2, nftables, procps)`
    }
  }
  const trial: Namespaces = { prefix: `fedpeft-${process.pid}-try-` }
  try {
    execFileSync('ip', ['netns', 'add', namespaceOf(trial, 'a')], { stdio: 'pipe' })
    spell(trial, 'a', ['link add try type veth peer name eth0'])
    const rules = 'table inet t { chain c { type nat hook postrouting priority 100; masquerade\n}\n}'
    runIn(trial, 'a', ['nft', '-f', '-'], rules)
    return null
  } catch (error) {
    const text = (error as { stderr?: Buffer | string }).stderr ?? error
    return `this machine forbids network namespaces, or address translation in them: ${String(text).trim()}`
  } finally {
    for (const remove of leftovers(trial.prefix)) remove()
  }
}
