/** Both sides of `/fedpeft/peers/1`: whom do you know, and where are they? */
import { PEER_EXCHANGE_BYTES, REQUEST_TIMEOUT_MS } from '../../../protocols/limits.ts'
import {
  decodeKnownPeers,
  encodeKnownPeers,
  type KnownPeer,
  PEERS_PROTOCOL
} from '../../../protocols/peer-exchange.ts'
import type { Network, PeerId } from '../../../protocols/ports.ts'
import type { AddressBook } from './address-book.ts'

export interface PeerExchangePorts {
  readonly network: Pick<Network, 'request' | 'peers'>
  readonly book: Pick<AddressBook, 'of' | 'isUsable'>
  /** Whether that peer may be dialled at all. */
  isWelcome(peer: PeerId): boolean
  /** It answered what no peer answers. */
  blame(peer: PeerId, reason: string): void
}

export class PeerExchange {
  readonly #ports: PeerExchangePorts

  constructor(ports: PeerExchangePorts) {
    this.#ports = ports
  }

  /** @throws NetworkError; ProtocolError BAD_MESSAGE */
  async ask(peer: PeerId): Promise<KnownPeer[]> {
    const { network, book, isWelcome } = this.#ports
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: PEER_EXCHANGE_BYTES }
    const known: KnownPeer[] = []
    for await (const frame of network.request(peer, PEERS_PROTOCOL, new Uint8Array(0), options)) {
      known.push(...this.#decoded(peer, frame))
      break
    }
    return known
      .filter(entry => isWelcome(entry.peer))
      .map(entry => ({
        peer: entry.peer,
        addresses: entry.addresses.filter(address => book.isUsable(entry.peer, address))
      }))
  }

  async *answer(from: PeerId): AsyncGenerator<Uint8Array> {
    const { network, book } = this.#ports
    const known = network
      .peers()
      .filter(peer => peer !== from)
      .map(async peer => ({ peer, addresses: await book.of(peer).catch(() => []) }))
    yield encodeKnownPeers((await Promise.all(known)).filter(({ addresses }) => addresses.length > 0))
  }

  #decoded(from: PeerId, frame: Uint8Array): KnownPeer[] {
    try {
      return decodeKnownPeers(frame)
    } catch (error) {
      this.#ports.blame(from, error instanceof Error ? error.message : String(error))
      throw error
    }
  }
}
