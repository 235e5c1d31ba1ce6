/**
 * Places on relays. A peer that cannot be dialled keeps a place on every relay that it is connected to, up to a few, and is
 * reached through it. libp2p takes a place once and forgets the relay when the connection breaks (js-libp2p#3601); here
 * it is taken again for as long as the relay is there.
 */
import type { Connection, PeerId as Libp2pPeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Clock, PeerId } from '../../../protocols/ports.ts'
import { hostOf } from './addresses.ts'

/** Of which libp2p's relay transport is one. */
export interface RelayTransport {
  readonly reservationStore: {
    hasReservation(peer: Libp2pPeerId): boolean
    addRelay(peer: Libp2pPeerId, type: 'configured'): Promise<unknown>
  }
}

export interface RelayPorts {
  readonly clock: Clock
  transport(): RelayTransport | null
  /** Starts a listener there; the first place on a relay is taken by it. */
  listen(address: Multiaddr): Promise<void>
  /** The open connections to that peer. */
  connections(peer: Libp2pPeerId): readonly Connection[]
  log(message: string): void
}

/** Two bootstrap peers side by side, and as many again: more places are more addresses that others must try. */
const RELAYS_MAX = 4

/** A place that was lost without the connection is taken again within this time. */
const CHECK_INTERVAL_MS = 5_000

/** A relay that has no place left is asked again this much later. */
const REFUSED_WAIT_MS = 30_000

/** Of STUN servers: more than one is asked in case it is gone, not for better answers. */
const STUN_MAX = 4

interface Relay {
  readonly id: Libp2pPeerId
  /** Once it has one, libp2p's listener takes up every later place on that relay. */
  hasListener: boolean
  trying: boolean
  notBeforeMs: number
}

export class RelayReservations {
  readonly #ports: RelayPorts
  readonly #relays = new Map<PeerId, Relay>()
  #stopped = false
  #cancel = (): void => {}

  constructor(ports: RelayPorts) {
    this.#ports = ports
  }

  start(): void {
    this.#check()
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  /** Tell it of every peer that offers to relay, each time that it is met. */
  met(id: Libp2pPeerId): void {
    const peer = id.toString()
    if (!this.#relays.has(peer)) {
      this.#relays.set(peer, { id, hasListener: false, trying: false, notBeforeMs: 0 })
    }
    void this.#take(this.#relays.get(peer)!)
  }

  /** The relays that are connected now, straight. */
  connected(): PeerId[] {
    return [...this.#relays].filter(([, relay]) => this.#straight(relay) !== undefined).map(([peer]) => peer)
  }

  /**
   * `host:port` where the connected relays answer STUN: a bootstrap peer does so on the UDP port of the same number as
   * the TCP port on which it was dialled.
   */
  stunServers(): string[] {
    const servers = [...this.#relays.values()].flatMap(relay => {
      const dialled = this.#ports
        .connections(relay.id)
        .find(({ direction, limits }) => direction === 'outbound' && limits === undefined)
      const named = dialled === undefined ? null : hostOf(dialled.remoteAddr)
      return named === null || named.port === null ? [] : [stunServer(named.host, named.port)]
    })
    return [...new Set(servers)].slice(0, STUN_MAX)
  }

  #check(): void {
    for (const relay of this.#relays.values()) void this.#take(relay)
    this.#cancel = this.#ports.clock.after(CHECK_INTERVAL_MS, () => this.#check())
  }

  async #take(relay: Relay): Promise<void> {
    const store = this.#ports.transport()?.reservationStore
    const straight = this.#straight(relay)
    if (this.#stopped || store === undefined || straight === undefined || relay.trying) return
    if (store.hasReservation(relay.id) || this.#ports.clock.nowMs() < relay.notBeforeMs) return
    const held = [...this.#relays.values()].filter(({ id, trying }) => trying || store.hasReservation(id))
    if (held.length >= RELAYS_MAX) return
    relay.trying = true
    try {
      if (relay.hasListener) await store.addRelay(relay.id, 'configured')
      else {
        await this.#ports.listen(circuitAt(straight))
        relay.hasListener = true
      }
      this.#ports.log(`reachable through the relay ${relay.id}`)
    } catch (error) {
      relay.notBeforeMs = this.#ports.clock.nowMs() + REFUSED_WAIT_MS
      const reason = error instanceof Error ? error.message : error
      this.#ports.log(`the relay ${relay.id} gives no place: ${reason}`)
    } finally {
      relay.trying = false
    }
  }

  #straight({ id }: Relay): Connection | undefined {
    return this.#ports.connections(id).find(({ limits, status }) => limits === undefined && status === 'open')
  }
}

function circuitAt({ remoteAddr, remotePeer }: Connection): Multiaddr {
  const named = remoteAddr.getComponents().some(({ name }) => name === 'p2p')
  return multiaddr(`${remoteAddr}${named ? '' : `/p2p/${remotePeer}`}/p2p-circuit`)
}

function stunServer(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
