import type { Hosts } from './hosts.ts'
import type { Program } from './program.ts'
import { type NetworkSettings, type Places, ProgramNetwork } from './program-network.ts'

/** One port, whatever address the host has and will have. */
export const HOST_PORT = 4001
const TCP = `/ip4/0.0.0.0/tcp/${HOST_PORT}`

/** Every process in the host of its name. Those behind a router can be reached by WebRTC only. */
function placesOn(hosts: Hosts): Places {
  return {
    launcher: name => hosts.launcher(name),
    listen: name => (hosts.isPublic(name) ? [TCP] : [TCP, '/webrtc'])
  }
}

/** For rounds that go on without a member again and again: it is not waited for long. */
const BRIEF_DEADLINES = {
  keysMs: 3_000,
  trainingMs: 6_000,
  inputsMs: 4_000,
  unmaskingMs: 5_000,
  viewMs: 1_000
}

/** A bootstrap and these peers, the first of them the author, each on a public host of its own. */
export async function startOnPublicHosts(
  hosts: Hosts,
  network: ProgramNetwork,
  peers: readonly string[]
): Promise<{ readonly bootstrap: Program; readonly peers: Program[] }> {
  for (const name of ['bootstrap', ...peers]) hosts.addPublic(name)
  await network.prepare(peers, peers[0]!)
  const bootstrap = await network.bootstrap()
  return { bootstrap, peers: peers.map(name => network.join(name, network.at('run.yaml'))) }
}

/** A network of processes over the hosts that `withHosts()` gives. */
export function networkOn(hosts: () => Hosts, settings: NetworkSettings): ProgramNetwork {
  return new ProgramNetwork({ deadlines: BRIEF_DEADLINES, ...settings }, () => placesOn(hosts()))
}
