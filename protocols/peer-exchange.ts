/**
 * `/fedpeft/peers/1`: who is connected to you, and where do they listen? Anyone answers, the bootstrap peer as well
 * as an ordinary one, so that nobody is needed once two peers know each other. The request is empty; the answer is
 * one frame. Addresses are hints only: a connection is encrypted to the peer id, so a false one costs a dial.
 */
import { lengthPrefixed } from '../aggregation/canonical-bytes.ts'
import { ProtocolError } from './errors.ts'
import { fieldText, readFields } from './field-list.ts'
import { PEER_ADDRESSES, PEER_EXCHANGE_BYTES, PEER_EXCHANGE_PEERS } from './limits.ts'
import { isPeerId } from './peer-id.ts'
import type { PeerId } from './ports.ts'

export const PEERS_PROTOCOL = '/fedpeft/peers/1'

export interface KnownPeer {
  readonly peer: PeerId
  /** Multiaddrs, at most `PEER_ADDRESSES` of them. */
  readonly addresses: readonly string[]
}

/** A length prefix: canonical-bytes.ts. */
const LENGTH_BYTES = 4

/** Longer than any multiaddr of a transport that we speak. */
const ADDRESS_CHARACTERS = 256

/**
 * At most `PEER_EXCHANGE_PEERS` peers are written, with at most `PEER_ADDRESSES` addresses each, and no more than fit into
 * `PEER_EXCHANGE_BYTES`: an address through a relay names two peers and is twice as long as another.
 */
export function encodeKnownPeers(known: readonly KnownPeer[]): Uint8Array {
  const entries: Uint8Array[] = []
  let bytes = LENGTH_BYTES
  for (const { peer, addresses } of known.slice(0, PEER_EXCHANGE_PEERS)) {
    const entry = lengthPrefixed(peer, ...addresses.slice(0, PEER_ADDRESSES))
    bytes += LENGTH_BYTES + entry.length
    if (bytes > PEER_EXCHANGE_BYTES) break
    entries.push(entry)
  }
  return lengthPrefixed(...entries)
}

/** @throws ProtocolError BAD_MESSAGE */
export function decodeKnownPeers(bytes: Uint8Array): KnownPeer[] {
  const entries = readFields(bytes, PEER_EXCHANGE_PEERS)
  if (entries === null) throw new ProtocolError('BAD_MESSAGE', { reason: 'not a list of peers' })
  return entries.map(entry => {
    const [peer, ...addresses] = (readFields(entry, 1 + PEER_ADDRESSES) ?? []).map(fieldText)
    if (typeof peer !== 'string' || !isPeerId(peer)) {
      throw new ProtocolError('BAD_MESSAGE', { reason: 'a peer without a valid id' })
    }
    if (!addresses.every(isShortText)) {
      throw new ProtocolError('BAD_MESSAGE', { reason: `an address of ${peer} is no short text` })
    }
    return { peer, addresses }
  })
}

function isShortText(text: string | null): text is string {
  return text !== null && text.length <= ADDRESS_CHARACTERS
}
