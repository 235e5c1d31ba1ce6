/**
 * Finds connections that are dead though nobody closed them: an address was taken away, a router forgot its translation,
 * a cable was cut. TCP itself gives such a connection up after a quarter of an hour; until then its peer counts as
 * connected, and nobody dials it.
 */
import type { Connection, Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../protocols/ports.ts'

const PING_PROTOCOL = '/ipfs/ping/1.0.0'

/** Pings of libp2p's own monitor and of this watch may be under way at once on one connection. */
export const PINGS_AT_ONCE = 4

/** Every connection is pinged so often by libp2p's monitor. */
export const PING_INTERVAL_MS = 5_000

/**
 * A ping not answered for this long ends its connection. Far above what an event loop is held for on a busy machine, and
 * below what a round waits for; more pings than PINGS_AT_ONCE are not under way meanwhile.
 */
export const SILENCE_MS = 15_000

/** The same for a connection that there is a reason to doubt: being wrong costs one more dial. */
const DOUBT_MS = 5_000

/** How often the addresses of this machine are looked at. */
const LOOK_INTERVAL_MS = 3_000

/** What libp2p hands to a service, as far as it is used here. */
export interface WatchComponents {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly connectionManager: {
    getConnections(peer?: PeerId): Connection[]
    closeConnections(peer: PeerId): Promise<void>
  }
  readonly addressManager: {
    getAddressesWithMetadata(): Array<{ readonly multiaddr: Multiaddr; readonly type: string }>
    confirmObservedAddr(address: Multiaddr, options: { readonly type: 'transport' }): void
  }
}

/** A libp2p service: it starts and stops with the node. */
export class ConnectionWatch {
  readonly #components: WatchComponents
  readonly #log: (message: string) => void
  readonly #doubted = new WeakSet<Connection>()
  #own: ReadonlySet<string> = new Set()
  #cancelLook = (): void => {}

  readonly #clock: Clock
  readonly #onMoved: () => void

  /** @param onMoved - called when this machine has other addresses than before */
  constructor(
    components: WatchComponents,
    log: (message: string) => void,
    clock: Clock,
    onMoved: () => void = () => {}
  ) {
    this.#components = components
    this.#log = log
    this.#clock = clock
    this.#onMoved = onMoved
  }

  start(): void {
    const { events } = this.#components
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('transport:listening', this.#look)
    this.#lookOn()
  }

  stop(): void {
    this.#cancelLook()
    const { events } = this.#components
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('transport:listening', this.#look)
  }

  #lookOn(): void {
    this.#cancelLook = this.#clock.after(LOOK_INTERVAL_MS, () => {
      this.#look()
      this.#lookOn()
    })
  }

  /**
   * libp2p announces an address of the public internet only after strangers have dialled it, and there may be none: the
   * first peer of a network would have no address to tell. One of an interface of this machine is announced at once.
   */
  readonly #look = (): void => {
    const { addressManager, connectionManager } = this.#components
    const own = new Map(
      addressManager
        .getAddressesWithMetadata()
        // A relay's address is not this machine's.
        .filter(
          ({ type, multiaddr }) =>
            type === 'transport' && /^\/ip[46]\/(?!.*\/p2p-circuit)/.test(String(multiaddr))
        )
        .map(({ multiaddr }) => [String(multiaddr), multiaddr])
    )
    const before = this.#own
    this.#own = new Set(own.keys())
    for (const [text, address] of own) {
      if (!before.has(text)) addressManager.confirmObservedAddr(address, { type: 'transport' })
    }
    const gone = [...before].filter(address => !this.#own.has(address))
    if (before.size > 0 && (gone.length > 0 || own.size > before.size)) this.#onMoved()
    if (gone.length === 0) return
    this.#log(
      `this machine has no longer the address ${gone.join(', ')}: looking which connections still stand`
    )
    for (const connection of connectionManager.getConnections()) this.#doubt(connection)
  }

  /** Whoever connects once more has perhaps lost the connection that we still hold to be good. */
  readonly #onOpen = ({ detail: opened }: CustomEvent<Connection>): void => {
    for (const connection of this.#components.connectionManager.getConnections(opened.remotePeer)) {
      if (connection !== opened) this.#doubt(connection)
    }
  }

  #doubt(connection: Connection): void {
    if (this.#doubted.has(connection)) return
    this.#doubted.add(connection)
    void this.#answers(connection).then(async isAlive => {
      this.#doubted.delete(connection)
      if (isAlive || connection.status !== 'open') return
      const peer = connection.remotePeer
      this.#log(`the connection to ${peer} at ${connection.remoteAddr} is dead`)
      connection.abort(new Error('no answer on this connection'))
      // gossip had its stream on it and opens no other while one connection is left: a clean start.
      await this.#components.connectionManager.closeConnections(peer)
    })
  }

  /** Whether a stream can be opened there, which takes an answer. */
  async #answers(connection: Connection): Promise<boolean> {
    const doubt = new AbortController()
    const { signal } = doubt
    const cancel = this.#clock.after(DOUBT_MS, () => doubt.abort())
    try {
      const stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true })
      stream.abort(new Error('that was all'))
      return true
    } catch {
      // Refused is an answer too.
      return !signal.aborted
    } finally {
      cancel()
    }
  }
}
