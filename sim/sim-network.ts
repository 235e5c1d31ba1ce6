/**
 * A network in memory under virtual time: the same port as libp2p, with latency, loss, duplicates and partitions
 * that a seed decides. Gossip reaches every subscriber that is connected to the publisher; streams are reliable
 * and ordered until they break.
 */
import { type Random, seededRandom } from '../aggregation/random.ts'
import { NetworkError } from '../protocols/errors.ts'
import { GossipHandlers } from '../protocols/gossip-handlers.ts'
import { GOSSIP_MESSAGE_BYTES } from '../protocols/limits.ts'
import type { Clock, GossipVerdict, Network, PeerId } from '../protocols/ports.ts'
import { TrafficCounters, type TrafficRecorder, type TrafficTally } from '../protocols/traffic.ts'
import { SimExchange } from './sim-exchange.ts'

export interface SimWorldOptions {
  readonly clock: Clock
  readonly seed: number
  /** One trip between two peers is drawn uniformly from here. Default 5 to 50. */
  readonly latencyMs?: { readonly min: number; readonly max: number }
  /** Chance, for each subscriber, that a gossip message never reaches it. Default 0. */
  readonly lossRate?: number
  /** Chance, for each subscriber, that a gossip message reaches it twice. Default 0. */
  readonly duplicateRate?: number
  /** Told of every verdict, for checkers. */
  readonly onVerdict?: (publisher: PeerId, receiver: PeerId, topic: string, verdict: GossipVerdict) => void
}

export interface SimNetwork extends Network {
  bytes(): TrafficTally
}

export interface SimWorld {
  /** @throws RangeError if that peer is here already */
  join(peerId: PeerId, recorder?: TrafficRecorder): SimNetwork
  /** The peer vanishes without a word, as if its machine lost power. */
  kill(peerId: PeerId): void
  /** From now on only peers of the same group reach each other; one that is named nowhere reaches nobody. */
  partition(...groups: PeerId[][]): void
  heal(): void
  setLossRate(lossRate: number): void
}

type Handler = Parameters<Network['serve']>[2]
type PeerWatcher = Parameters<Network['onPeer']>[0]

interface SimPeer {
  readonly peerId: PeerId
  readonly gossip: GossipHandlers
  readonly served: Map<string, { readonly maxBodyBytes: number; readonly handle: Handler }>
  readonly watchers: Set<{ readonly handle: PeerWatcher }>
  /** Whom this peer believes to be connected. */
  readonly connected: Set<PeerId>
  readonly traffic: TrafficCounters
}

export function createSimWorld(options: SimWorldOptions): SimWorld {
  return new World(options)
}

class World implements SimWorld {
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: SimWorldOptions
  readonly #peers = new Map<PeerId, SimPeer>()
  readonly #exchanges = new Set<SimExchange>()
  #groups: ReadonlyArray<ReadonlySet<PeerId>> | null = null
  #lossRate: number

  constructor(options: SimWorldOptions) {
    this.#clock = options.clock
    this.#random = seededRandom(options.seed)
    this.#options = options
    this.#lossRate = options.lossRate ?? 0
  }

  join(peerId: PeerId, recorder?: TrafficRecorder): SimNetwork {
    if (this.#peers.has(peerId)) throw new RangeError(`${peerId} is in this world already`)
    const peer: SimPeer = {
      peerId,
      gossip: new GossipHandlers(() => {}),
      served: new Map(),
      watchers: new Set(),
      connected: new Set(),
      traffic: new TrafficCounters(recorder)
    }
    this.#peers.set(peerId, peer)
    this.#reconnect()
    return this.#networkOf(peer)
  }

  kill(peerId: PeerId): void {
    const peer = this.#peers.get(peerId)
    if (peer === undefined) return
    this.#peers.delete(peerId)
    peer.gossip.clear()
    peer.watchers.clear()
    this.#reconnect()
  }

  partition(...groups: PeerId[][]): void {
    this.#groups = groups.map(group => new Set(group))
    this.#reconnect()
  }

  heal(): void {
    this.#groups = null
    this.#reconnect()
  }

  setLossRate(lossRate: number): void {
    this.#lossRate = lossRate
  }

  #linked(a: PeerId, b: PeerId): boolean {
    if (a === b || !this.#peers.has(a) || !this.#peers.has(b)) return false
    return this.#groups === null || this.#groups.some(group => group.has(a) && group.has(b))
  }

  #latencyMs(): number {
    const { min, max } = this.#options.latencyMs ?? { min: 5, max: 50 }
    return min + (max - min) * this.#chance()
  }

  /** Uniform in [0, 1). */
  #chance(): number {
    return this.#random.nextUint32() / 2 ** 32
  }

  /** Breaks what no longer holds together and lets every peer see, one trip later, who came and who went. */
  #reconnect(): void {
    for (const exchange of this.#exchanges) {
      if (!this.#linked(exchange.from, exchange.to)) exchange.break('RESET')
    }
    for (const peer of this.#peers.values()) {
      for (const other of new Set([...this.#peers.keys(), ...peer.connected])) {
        if (other !== peer.peerId) this.#clock.after(this.#latencyMs(), () => this.#notice(peer, other))
      }
    }
  }

  #notice(peer: SimPeer, other: PeerId): void {
    const linked = this.#peers.get(peer.peerId) === peer && this.#linked(peer.peerId, other)
    if (linked === peer.connected.has(other)) return
    if (linked) peer.connected.add(other)
    else peer.connected.delete(other)
    for (const { handle } of peer.watchers) handle(other, linked)
  }

  #networkOf(peer: SimPeer): SimNetwork {
    const open = (): boolean => this.#peers.get(peer.peerId) === peer
    const ensureOpen = (): void => {
      if (!open()) throw new NetworkError('CLOSED')
    }
    return {
      peerId: peer.peerId,
      publish: async (topic, data) => {
        ensureOpen()
        this.#publish(peer, topic, data)
      },
      subscribe: (topic, handle) => {
        ensureOpen()
        return peer.gossip.add(topic, handle)
      },
      peers: () => (open() ? [...peer.connected] : []),
      request: (to, protocol, body, requestOptions) =>
        this.#request(peer, to, protocol, body, requestOptions),
      serve: (protocol, maxBodyBytes, handle) => {
        ensureOpen()
        if (peer.served.has(protocol)) throw new RangeError(`${protocol} is served already`)
        peer.served.set(protocol, { maxBodyBytes, handle })
        return () => void peer.served.delete(protocol)
      },
      onPeer: handle => {
        const entry = { handle }
        peer.watchers.add(entry)
        return () => void peer.watchers.delete(entry)
      },
      close: async () => {
        if (open()) this.kill(peer.peerId)
      },
      bytes: () => peer.traffic.tally()
    }
  }

  #publish(from: SimPeer, topic: string, data: Uint8Array): void {
    if (data.length > GOSSIP_MESSAGE_BYTES) {
      throw new NetworkError('TOO_LARGE', { topic, bytes: data.length, maxBytes: GOSSIP_MESSAGE_BYTES })
    }
    const copy = data.slice()
    from.traffic.record({ direction: 'out', kind: 'gossip', peer: from.peerId, label: topic, bytes: copy })
    for (const to of this.#peers.values()) {
      if (!this.#linked(from.peerId, to.peerId)) continue
      const copies =
        this.#chance() < this.#lossRate ? 0 : this.#chance() < (this.#options.duplicateRate ?? 0) ? 2 : 1
      for (let i = 0; i < copies; i++) {
        this.#clock.after(this.#latencyMs(), () => void this.#arrive(from.peerId, to, topic, copy.slice()))
      }
    }
  }

  async #arrive(from: PeerId, to: SimPeer, topic: string, data: Uint8Array): Promise<void> {
    if (!this.#linked(from, to.peerId) || !to.gossip.has(topic)) return
    to.traffic.record({ direction: 'in', kind: 'gossip', peer: from, label: topic, bytes: data })
    const verdict = await to.gossip.verdict(topic, from, data)
    this.#options.onVerdict?.(from, to.peerId, topic, verdict)
  }

  async *#request(
    peer: SimPeer,
    to: PeerId,
    protocol: string,
    body: Uint8Array,
    options: Parameters<Network['request']>[3]
  ): AsyncGenerator<Uint8Array> {
    if (this.#peers.get(peer.peerId) !== peer) throw new NetworkError('CLOSED')
    const server = this.#peers.get(to)
    const { traffic } = peer
    const exchange = new SimExchange({
      clock: this.#clock,
      from: peer.peerId,
      to,
      protocol,
      options,
      latencyMs: () => this.#latencyMs(),
      onFrame: bytes => traffic.record({ direction: 'in', kind: 'answer', peer: to, label: protocol, bytes })
    })
    const copy = body.slice()
    traffic.record({ direction: 'out', kind: 'request', peer: to, label: protocol, bytes: copy })
    this.#exchanges.add(exchange)
    try {
      this.#clock.after(this.#latencyMs(), () => this.#arriveRequest(exchange, server, protocol, copy))
      yield* exchange.read()
    } finally {
      this.#exchanges.delete(exchange)
    }
  }

  #arriveRequest(
    exchange: SimExchange,
    server: SimPeer | undefined,
    protocol: string,
    body: Uint8Array
  ): void {
    const service = server?.served.get(protocol)
    if (server === undefined || service === undefined || !this.#linked(exchange.from, exchange.to)) {
      exchange.break('UNREACHABLE')
      return
    }
    if (body.length > service.maxBodyBytes) {
      exchange.break('TOO_LARGE', { bytes: body.length, maxBytes: service.maxBodyBytes })
      return
    }
    const { traffic } = server
    const record = { peer: exchange.from, label: protocol }
    traffic.record({ direction: 'in', kind: 'request', ...record, bytes: body })
    async function* recorded(answer: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const frame of answer) {
        traffic.record({ direction: 'out', kind: 'answer', ...record, bytes: frame })
        yield frame
      }
    }
    void exchange.serve(recorded(service.handle(exchange.from, body)))
  }
}
