/**
 * Keeps a peer connected to everyone it knows of: dials the bootstrap addresses until they answer, asks whoever is
 * connected whom they know, dials those, and dials again whoever was lost, ever more slowly. libp2p itself tries a
 * peer once and forgets it.
 */
import type { Random } from '../../aggregation/random.ts'
import {
  DIALLED_PEERS_MAX,
  PEER_ADDRESSES,
  PEER_EXCHANGE_INTERVAL_MS,
  PEER_EXCHANGE_PEERS,
  PEER_FORGET_MS,
  REDIAL_MAX_MS,
  REDIAL_MIN_MS
} from '../../protocols/limits.ts'
import type { KnownPeer } from '../../protocols/peer-exchange.ts'
import type { Clock, PeerId } from '../../protocols/ports.ts'

export interface PeerKeeperPorts {
  readonly self: PeerId
  readonly clock: Clock
  /** Spreads the dials of many peers over time. */
  readonly random: Random
  /** Resolves with whoever answered (`peer`, if it is known) once that peer is among the connected ones. */
  dial(peer: PeerId | null, addresses: readonly string[]): Promise<PeerId>
  /** The peers that are connected now and speak our protocols. */
  connected(): PeerId[]
  /** Whether a connected peer is here straight, and not through a relay. */
  isDirect(peer: PeerId): boolean
  /** Where a connected peer says that it listens. */
  addressesOf(peer: PeerId): Promise<readonly string[]>
  /** Peer exchange with a connected peer. */
  ask(peer: PeerId): Promise<readonly KnownPeer[]>
  log(message: string): void
}

interface Target {
  peer: PeerId | null
  addresses: readonly string[]
  readonly permanent: boolean
  failures: number
  /** Whether it was ever connected. */
  met: boolean
  /** Tries in vain to replace its relayed connection by a straight one. */
  detours: number
  /** Last time that it was connected, or named by someone. */
  heardMs: number
  dialling: boolean
  cancel: () => void
}

/** Connected peers asked at each interval: enough for news to spread, and the bytes do not grow with the network. */
const ASKED_PER_INTERVAL = 2

/** Of two peers that learn of each other at the same moment one waits this long, so that they meet only once. */
const POLITE_WAIT_MS = 400

/**
 * A bootstrap peer is asked again this soon after it was met: those who came with us have by then found a relay, and can
 * be reached.
 */
const EARLY_ASKS_MS = [1_500, 4_000]

/**
 * A peer that was named and never reached: behind a wall, or in a private network that is not ours. The others go on naming
 * it, so it is not forgotten; tried as often as one that was lost, it would cost both sides a handshake every few seconds.
 */
const STRANGER_MAX_MS = 2 * 60_000

/** A relayed connection is tried to be replaced after this long; doubles up to DETOUR_MAX_MS. */
const DETOUR_MIN_MS = 5_000

/** Two address translators that do not let each other through today will hardly do so in a minute. */
const DETOUR_MAX_MS = 5 * 60_000

export class PeerKeeper {
  readonly #ports: PeerKeeperPorts
  readonly #targets = new Set<Target>()
  readonly #early = new Set<() => void>()
  #stopped = false
  #cancelInterval = (): void => {}

  constructor(ports: PeerKeeperPorts, bootstrapAddresses: readonly string[]) {
    this.#ports = ports
    for (const address of bootstrapAddresses) {
      const peer = /\/p2p\/([^/]+)$/.exec(address)?.[1] ?? null
      // Its own address among the bootstrap addresses: one configuration serves every peer of a network.
      if (peer !== ports.self) this.#targets.add(this.#target(peer, [address], true))
    }
  }

  start(): void {
    for (const target of this.#targets) this.#schedule(target, 0)
    this.#repeat()
  }

  stop(): void {
    this.#stopped = true
    this.#cancelInterval()
    for (const target of this.#targets) target.cancel()
    for (const cancel of this.#early) cancel()
  }

  /** Tell it of every peer that comes. */
  async connected(peer: PeerId): Promise<void> {
    const addresses = await this.#ports.addressesOf(peer).catch(() => [])
    if (this.#stopped) return
    const target = this.#find(peer) ?? this.#remember(peer, addresses)
    if (target !== undefined) {
      target.cancel()
      target.met = true
      target.failures = 0
      target.detours = 0
      target.heardMs = this.#ports.clock.nowMs()
      target.addresses = merged(addresses, target.addresses)
      this.#straighten(target)
      if (target.permanent) this.#askEarly(peer)
    }
    await this.#exchange(peer)
  }

  /** Tell it of every peer that goes. */
  disconnected(peer: PeerId): void {
    const target = this.#find(peer)
    if (target !== undefined) this.#schedule(target, this.#spread(REDIAL_MIN_MS))
  }

  /** Tell it that everything may have changed: whoever is not here is dialled now. */
  hurry(): void {
    const connected = new Set(this.#ports.connected())
    for (const target of this.#targets) {
      if (target.peer !== null && connected.has(target.peer) && this.#ports.isDirect(target.peer)) continue
      target.failures = 0
      target.detours = 0
      this.#schedule(target, this.#spread(REDIAL_MIN_MS))
    }
  }

  /** Peers heard of from elsewhere. */
  learn(known: readonly KnownPeer[]): void {
    const connected = new Set(this.#ports.connected())
    for (const { peer, addresses } of known) {
      if (peer === this.#ports.self || addresses.length === 0 || this.#stopped) continue
      const old = this.#find(peer)
      const target = old ?? this.#remember(peer, addresses)
      if (target === undefined) continue
      target.heardMs = this.#ports.clock.nowMs()
      const news = addresses.some(address => !target.addresses.includes(address))
      target.addresses = merged(addresses, target.addresses)
      if (connected.has(peer) || (old !== undefined && !news)) continue
      target.failures = 0
      this.#schedule(target, this.#ports.self < peer ? 0 : this.#spread(POLITE_WAIT_MS))
    }
  }

  #askEarly(peer: PeerId): void {
    for (const delayMs of EARLY_ASKS_MS) {
      const cancel = this.#ports.clock.after(delayMs, () => {
        this.#early.delete(cancel)
        if (this.#ports.connected().includes(peer)) void this.#exchange(peer)
      })
      this.#early.add(cancel)
    }
  }

  #repeat(): void {
    this.#cancelInterval = this.#ports.clock.after(this.#spread(PEER_EXCHANGE_INTERVAL_MS), () => {
      const peers = this.#ports.connected()
      for (let i = 0; i < ASKED_PER_INTERVAL && peers.length > 0; i++) {
        const [peer] = peers.splice(this.#ports.random.nextUint32() % peers.length, 1)
        void this.#exchange(peer!)
      }
      this.#repeat()
    })
  }

  async #exchange(peer: PeerId): Promise<void> {
    try {
      this.learn(await this.#ports.ask(peer))
    } catch (error) {
      this.#ports.log(`${peer} named no peers: ${error instanceof Error ? error.message : error}`)
    }
  }

  #schedule(target: Target, delayMs: number): void {
    target.cancel()
    // One that listens nowhere comes back by itself or not at all.
    if (this.#stopped || target.addresses.length === 0) return
    target.cancel = this.#ports.clock.after(delayMs, () => void this.#dial(target))
  }

  async #dial(target: Target): Promise<void> {
    const { clock, log } = this.#ports
    const connected = this.#ports.connected()
    const isHere = target.peer !== null && connected.includes(target.peer)
    if (this.#stopped || target.dialling || (isHere && this.#ports.isDirect(target.peer!))) return
    if (!target.permanent && clock.nowMs() - target.heardMs > PEER_FORGET_MS) {
      this.#targets.delete(target)
      return
    }
    if (!target.permanent && connected.length >= DIALLED_PEERS_MAX) {
      this.#schedule(target, this.#spread(REDIAL_MAX_MS))
      return
    }
    target.dialling = true
    try {
      // A bootstrap address without an id: whoever answers there is the one to come back to.
      target.peer = await this.#ports.dial(target.peer, target.addresses)
    } catch (error) {
      log(
        `cannot reach ${target.peer ?? target.addresses[0]}: ${error instanceof Error ? error.message : error}`
      )
      if (isHere) this.#straighten(target)
      else {
        const maxMs = target.met || target.permanent ? REDIAL_MAX_MS : STRANGER_MAX_MS
        this.#schedule(target, this.#spread(Math.min(maxMs, REDIAL_MIN_MS * 2 ** target.failures++)))
      }
    } finally {
      target.dialling = false
    }
  }

  /** Tries again, ever more slowly, to reach a peer straight that is here through a relay. */
  #straighten(target: Target): void {
    if (target.peer === null || !this.#ports.connected().includes(target.peer)) return
    if (this.#ports.isDirect(target.peer)) return
    const delayMs = Math.min(DETOUR_MAX_MS, DETOUR_MIN_MS * 2 ** target.detours++)
    this.#schedule(target, this.#spread(delayMs))
  }

  #remember(peer: PeerId, addresses: readonly string[]): Target | undefined {
    if (this.#targets.size >= PEER_EXCHANGE_PEERS) return undefined
    const target = this.#target(peer, addresses, false)
    this.#targets.add(target)
    return target
  }

  #target(peer: PeerId | null, addresses: readonly string[], permanent: boolean): Target {
    const heardMs = this.#ports.clock.nowMs()
    return {
      peer,
      addresses,
      permanent,
      met: false,
      failures: 0,
      detours: 0,
      heardMs,
      dialling: false,
      cancel: () => {}
    }
  }

  #find(peer: PeerId): Target | undefined {
    return [...this.#targets].find(target => target.peer === peer)
  }

  /** Between 3/4 and 5/4 of the delay. */
  #spread(delayMs: number): number {
    return delayMs * (0.75 + this.#ports.random.nextUint32() / 2 ** 33)
  }
}

/** The newest addresses first, each once. */
function merged(newer: readonly string[], older: readonly string[]): readonly string[] {
  return [...new Set([...newer, ...older])].slice(0, PEER_ADDRESSES)
}
