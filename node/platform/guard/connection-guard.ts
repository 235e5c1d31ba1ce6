/**
 * The door: who may connect, decided before any work is spent. A banned address, or one from which too many come, is
 * refused before the handshake; a banned peer id right after it, when it is known.
 */
import type { ConnectionGater, PeerId as Libp2pPeerId, MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock, PeerId } from '../../../protocols/ports.ts'
import type { BanList } from './ban-list.ts'
import type { GuardLimits } from './guard-limits.ts'
import { blockOf, ipOf, isLoopback } from './ip-address.ts'
import { TokenBucket } from './token-bucket.ts'

export interface ConnectionGuardInit {
  readonly clock: Clock
  readonly limits: GuardLimits
  readonly bans: BanList
  /** Above what one peer may do at this door. */
  readonly onTooMany: (peer: PeerId) => void
  /** Told of the first refusal of an address, and again when a minute has passed. */
  readonly log: (message: string) => void
}

interface AddressState {
  readonly arrivals: TokenBucket
  pending: number
  established: number
}

const QUIET_MS = 60_000

export class ConnectionGuard {
  readonly #init: ConnectionGuardInit
  readonly #addresses = new Map<string, AddressState>()
  readonly #arrivals = new Map<PeerId, TokenBucket>()
  readonly #toldMs = new Map<string, number>()
  /** Connections that are not through the handshake, and how to forget them. */
  readonly #pending = new Map<MultiaddrConnection, () => void>()
  #established = 0

  constructor(init: ConnectionGuardInit) {
    this.#init = init
  }

  /** libp2p's hooks; each answers whether to refuse. */
  readonly gater: ConnectionGater = {
    denyDialPeer: peer => this.#isBanned(peer),
    denyDialMultiaddr: address => this.#isBannedAddress(address),
    denyInboundConnection: connection => this.#refusesArrival(connection),
    denyInboundEncryptedConnection: peer => this.#refusesPeer(peer),
    denyOutboundEncryptedConnection: peer => this.#isBanned(peer),
    denyInboundUpgradedConnection: (_peer, connection) => this.#establish(connection),
    denyInboundRelayReservation: peer => this.#isBanned(peer),
    denyOutboundRelayedConnection: (source, destination) =>
      this.#isBanned(source) || this.#isBanned(destination),
    denyInboundRelayedConnection: (relay, peer) => this.#isBanned(relay) || this.#isBanned(peer)
  }

  /** Of what it remembers; for tests. */
  get size(): { readonly pending: number; readonly established: number; readonly addresses: number } {
    return { pending: this.#pending.size, established: this.#established, addresses: this.#addresses.size }
  }

  /** Forgets what says nothing any more. Call it now and then. */
  sweep(): void {
    for (const [block, { arrivals, pending, established }] of this.#addresses) {
      if (pending + established === 0 && arrivals.isFull) this.#addresses.delete(block)
    }
    for (const [peer, bucket] of this.#arrivals) if (bucket.isFull) this.#arrivals.delete(peer)
    const nowMs = this.#init.clock.nowMs()
    for (const [block, atMs] of this.#toldMs) if (nowMs - atMs > QUIET_MS) this.#toldMs.delete(block)
  }

  #refusesArrival(connection: MultiaddrConnection): boolean {
    const { limits, bans } = this.#init
    const ip = ipOf(connection.remoteAddr)
    if (ip !== null && bans.ofAddress(ip) !== null) return this.#refuse(ip, 'it is banned')
    if (this.#pending.size >= limits.pending) return this.#refuse(ip, 'too many handshakes are under way')
    // What comes over a relay or in memory has no address of its own; what is on this machine is one's own.
    const state = ip === null || isLoopback(ip) ? null : this.#stateOf(blockOf(ip))
    if (state !== null) {
      if (!state.arrivals.take(1)) return this.#refuse(ip, 'connections come too fast')
      if (state.pending >= limits.pendingPerAddress) return this.#refuse(ip, 'too many handshakes from there')
      if (state.established >= limits.connectionsPerAddress) return this.#refuse(ip, 'too many connections')
      state.pending++
    }
    this.#pending.set(connection, () => {
      if (state !== null) state.pending--
    })
    connection.addEventListener('close', () => this.#leave(connection), { once: true })
    return false
  }

  #leave(connection: MultiaddrConnection): void {
    this.#pending.get(connection)?.()
    this.#pending.delete(connection)
  }

  #establish(connection: MultiaddrConnection): boolean {
    this.#leave(connection)
    if (connection.status !== 'open') return true
    const ip = ipOf(connection.remoteAddr)
    const state = ip === null || isLoopback(ip) ? null : this.#stateOf(blockOf(ip))
    this.#established++
    if (state !== null) state.established++
    connection.addEventListener(
      'close',
      () => {
        this.#established--
        if (state !== null) state.established--
      },
      { once: true }
    )
    return false
  }

  #refusesPeer(remote: Libp2pPeerId): boolean {
    if (this.#isBanned(remote)) return true
    const peer = remote.toString()
    let bucket = this.#arrivals.get(peer)
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#init.limits.arrivalsPerPeer, this.#init.clock)
      this.#arrivals.set(peer, bucket)
    }
    if (bucket.take(1)) return false
    this.#init.onTooMany(peer)
    return true
  }

  #stateOf(block: string): AddressState {
    const known = this.#addresses.get(block)
    if (known !== undefined) return known
    const { limits, clock } = this.#init
    const state = { arrivals: new TokenBucket(limits.arrivalsPerAddress, clock), pending: 0, established: 0 }
    this.#addresses.set(block, state)
    return state
  }

  #isBanned(peer: Libp2pPeerId): boolean {
    return this.#init.bans.ofPeer(peer.toString()) !== null
  }

  #isBannedAddress(address: Multiaddr): boolean {
    const ip = ipOf(address)
    return ip !== null && this.#init.bans.ofAddress(ip) !== null
  }

  #refuse(ip: string | null, why: string): true {
    const from = ip === null ? 'a relay' : blockOf(ip)
    const { clock, log } = this.#init
    if (!this.#toldMs.has(from)) {
      log(`refused a connection from ${from}: ${why}`)
      this.#toldMs.set(from, clock.nowMs())
    }
    return true
  }
}
