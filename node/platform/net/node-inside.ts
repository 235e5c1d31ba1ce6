/** What libp2p hands to its services, and to nobody else: a service of ours that does nothing but hold on to it. */
import type { Libp2pEvents, TypedEventTarget } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

interface InnerListener {
  getAddrs(): Multiaddr[]
}

export interface NodeInside {
  readonly transportManager: {
    getAddrs(): Multiaddr[]
    getListeners(): InnerListener[]
    listen(addresses: Multiaddr[]): Promise<void>
  }
  readonly events: TypedEventTarget<Libp2pEvents>
}

/** A libp2p service. */
export function nodeInside(): (components: NodeInside) => NodeInside {
  // libp2p's components are reached through a proxy that throws on what is missing: these two are always there.
  return ({ transportManager, events }) => ({ transportManager, events })
}
