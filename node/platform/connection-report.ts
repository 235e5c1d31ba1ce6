/** How this peer is connected to others, for an operator: over what, straight or through a relay, since when. */
import type { Connection } from '@libp2p/interface'
import type { PeerId } from '../../protocols/ports.ts'
import type { FedpeftNode } from './libp2p-node.ts'

export interface ConnectionReport {
  readonly peer: PeerId
  /** Where the other side is, as this side sees it. */
  readonly address: string
  readonly transport: Transport
  /** Through a third peer that passes the bytes on. */
  readonly relayed: boolean
  readonly direction: 'inbound' | 'outbound'
  readonly sinceMs: number
}

export type Transport = 'tcp' | 'websocket' | 'webrtc' | 'memory' | 'other'

export function connectionsOf(node: Pick<FedpeftNode, 'getConnections'>): ConnectionReport[] {
  return node.getConnections().map(({ remotePeer, remoteAddr, direction, limits, timeline }) => {
    const { transport, relayed } = kindOf(remoteAddr)
    return {
      peer: remotePeer.toString(),
      address: remoteAddr.toString(),
      transport,
      relayed: relayed || limits !== undefined,
      direction,
      sinceMs: timeline.open
    }
  })
}

/** Who holds a place at this relay; null if this node is none. */
export function relayedPeersOf(node: FedpeftNode): PeerId[] | null {
  // The service is there only where it was asked for, so the node's type does not name it.
  const { relay } = node.services as { relay?: { readonly reservations: { keys(): Iterable<unknown> } } }
  return relay === undefined ? null : [...relay.reservations.keys()].map(String)
}

/** Addresses that others say they see this peer at, not all of them proven. */
export function observedAddressesOf(node: FedpeftNode): string[] {
  // Part of every libp2p node, and of no type that it exports.
  const { addressManager } = (node as unknown as { components: Components }).components
  return addressManager.getObservedAddrs().map(String)
}

interface Components {
  readonly addressManager: { getObservedAddrs(): ReadonlyArray<{ toString(): string }> }
}

function kindOf(address: Connection['remoteAddr']): { transport: Transport; relayed: boolean } {
  const names = address.getComponents().map(({ name }) => name)
  const relayed = names.includes('p2p-circuit')
  // Behind the relay's own address, `webrtc` is how the two talk in the end.
  if (names.includes('webrtc') || names.includes('webrtc-direct'))
    return { transport: 'webrtc', relayed: false }
  if (names.includes('ws') || names.includes('wss')) return { transport: 'websocket', relayed }
  if (names.includes('tcp')) return { transport: 'tcp', relayed }
  return { transport: names.includes('memory') ? 'memory' : 'other', relayed }
}
