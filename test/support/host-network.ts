import type { Hosts } from './hosts.ts'
import type { Places } from './program-network.ts'

/** Every process in the host of its name, on one port, whatever address the host has and will have. */
export function placesOn(hosts: Hosts): Places {
  return { launcher: name => hosts.launcher(name), listen: () => '/ip4/0.0.0.0/tcp/4001' }
}
