/** Where peers are: what libp2p remembers of their own words, as far as this peer can use it. */
import type { PeerStore } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../../protocols/ports.ts'
import { kindOf, parseAddress, peerOf, type TransportSet } from './addresses.ts'

export class AddressBook {
  readonly #peerStore: Pick<PeerStore, 'get'>
  readonly #transports: TransportSet

  constructor(peerStore: Pick<PeerStore, 'get'>, transports: TransportSet) {
    this.#peerStore = peerStore
    this.#transports = transports
  }

  /** Where a peer says that it listens. @throws if it was never met */
  async of(peer: PeerId): Promise<string[]> {
    const { addresses } = await this.#peerStore.get(peerIdFromString(peer))
    return addresses.map(({ multiaddr }) => String(multiaddr)).filter(address => this.isUsable(peer, address))
  }

  /**
   * These addresses and those that the peer has told us since, with its id behind each, so that nobody else can answer there.
   * @throws NetworkError BAD_ADDRESS
   */
  async dialable(peer: PeerId | null, addresses: readonly string[]): Promise<Multiaddr[]> {
    const parsed = addresses.map(address => parseAddress(address, this.#transports))
    if (peer === null) return parsed
    const told = await this.of(peer).catch(() => [])
    const all = new Map<string, Multiaddr>()
    for (const address of [...told.map(text => multiaddr(text)), ...parsed]) {
      const whole = peerOf(address) === peer ? address : address.encapsulate(`/p2p/${peer}`)
      all.set(whole.toString(), whole)
    }
    return [...all.values()]
  }

  /** Whether that is an address of this peer, for a transport of ours. */
  isUsable(peer: PeerId, address: string): boolean {
    try {
      const parsed = multiaddr(address)
      const kind = kindOf(parsed)
      if (kind === null || (kind === 'memory') !== (this.#transports === 'memory')) return false
      return (peerOf(parsed) ?? peer) === peer
    } catch {
      return false
    }
  }
}
