/**
 * The network of a real peer: libp2p over TCP (or in memory, for tests), noise, yamux and gossipsub, behind the
 * `Network` port. It stays connected by itself: see peer-keeper.ts.
 */
import type { Metrics, PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { pEvent } from 'p-event'
import { seededRandom } from '../../aggregation/random.ts'
import { NetworkError } from '../../protocols/errors.ts'
import { DIAL_TIMEOUT_MS, PEER_EXCHANGE_BYTES, REQUEST_TIMEOUT_MS } from '../../protocols/limits.ts'
import {
  decodeKnownPeers,
  encodeKnownPeers,
  type KnownPeer,
  PEERS_PROTOCOL
} from '../../protocols/peer-exchange.ts'
import type { Clock, Network, PeerId, RequestOptions } from '../../protocols/ports.ts'
import { TrafficCounters, type TrafficRecorder, type TrafficTally } from '../../protocols/traffic.ts'
import { type ConnectionReport, connectionsOf, observedAddressesOf } from './connection-report.ts'
import { BanList } from './guard/ban-list.ts'
import { GUARD_LIMITS } from './guard/guard-limits.ts'
import type { Offence } from './guard/offences.ts'
import { PeerGuard } from './guard/peer-guard.ts'
import { Libp2pGossip } from './libp2p-gossip.ts'
import { type FedpeftNode, type NodeInit, parseAddress, startNode } from './libp2p-node.ts'
import { type RequestPorts, requestFrames, type ServeHandler, serveFrames } from './libp2p-requests.ts'
import { PeerKeeper } from './peer-keeper.ts'
import { systemClock } from './system-clock.ts'
import { WireBytes, type WireTally } from './wire-bytes.ts'

export interface Libp2pNetworkInit {
  /** An Ed25519 key. */
  readonly identity: PrivateKey
  /** Multiaddrs; none makes a peer that only dials. */
  readonly listen: readonly string[]
  readonly transports: 'tcp' | 'memory'
  /** Dialled now, and again whenever they are lost. */
  readonly bootstrapAddresses?: readonly string[]
  readonly log?: (message: string) => void
  /** Sees every plaintext above the encryption. */
  readonly recorder?: TrafficRecorder
  /** Another metrics service for libp2p; it must pass on to `wire` what it tracks. */
  readonly metrics?: (wire: Metrics) => NodeInit['metrics']
  /** Who is kept out; what is added to it holds at once. By default a list that ends with the network. */
  readonly bans?: BanList
  /** Told of what remote peers do wrong. */
  readonly onOffence?: (offence: Offence) => void
}

export interface Libp2pNetwork extends Network {
  /** Where others can dial this peer, with its peer id. */
  addresses(): string[]
  /**
   * Connects to an address and waits until the peer there is known to speak our protocols.
   * @throws NetworkError BAD_ADDRESS, UNREACHABLE
   */
  dial(address: string): Promise<PeerId>
  bytes(): TrafficTally & { readonly wire: WireTally }
  connections(): ConnectionReport[]
  /** Where others say that they see this peer. */
  observedAddresses(): string[]
}

/** How often connections are looked at that are up but of no use. */
const REPAIR_INTERVAL_MS = 10_000

/** @throws NetworkError BAD_ADDRESS, PORT_TAKEN */
export async function createLibp2pNetwork(init: Libp2pNetworkInit): Promise<Libp2pNetwork> {
  for (const address of init.bootstrapAddresses ?? []) parseAddress(address, init.transports)
  const wire = new WireBytes()
  const guard = new PeerGuard({
    clock: systemClock,
    limits: GUARD_LIMITS,
    bans: init.bans ?? new BanList(systemClock),
    onOffence: init.onOffence,
    log: init.log ?? (() => {})
  })
  try {
    const node = await startNode({
      identity: init.identity,
      listen: init.listen,
      transports: init.transports,
      metrics: init.metrics?.(wire.metrics()) ?? (() => wire.metrics()),
      gossipScore: peer => guard.gossipScoreOf(peer),
      connectionGater: guard.gater,
      log: init.log ?? (() => {})
    })
    return new NetworkOverLibp2p(init, node, wire, guard)
  } catch (error) {
    guard.close()
    throw error
  }
}

class NetworkOverLibp2p implements Libp2pNetwork {
  readonly peerId: PeerId
  readonly #init: Libp2pNetworkInit
  readonly #node: FedpeftNode
  readonly #wire: WireBytes
  readonly #guard: PeerGuard
  readonly #traffic: TrafficCounters
  readonly #gossip: Libp2pGossip
  readonly #keeper: PeerKeeper
  readonly #log: (message: string) => void
  readonly #speaking = new Set<PeerId>()
  readonly #watchers = new Set<{ readonly handle: (peer: PeerId, connected: boolean) => void }>()
  readonly #stops = new Map<string, () => void>()
  #closing: Promise<void> | null = null
  #useless = new Set<PeerId>()
  #cancelRepair = (): void => {}

  constructor(init: Libp2pNetworkInit, node: FedpeftNode, wire: WireBytes, guard: PeerGuard) {
    this.peerId = node.peerId.toString()
    this.#init = init
    this.#node = node
    this.#wire = wire
    this.#log = init.log ?? (() => {})
    this.#traffic = new TrafficCounters(init.recorder)
    this.#guard = guard
    this.#gossip = new Libp2pGossip(node, guard, this.#traffic.record, this.#log)
    this.#keeper = this.#createKeeper(systemClock)
    this.#open()
  }

  async publish(topic: string, data: Uint8Array): Promise<void> {
    this.#ensureOpen()
    await this.#gossip.publish(topic, data)
  }

  subscribe(topic: string, handle: Parameters<Network['subscribe']>[1]): () => void {
    this.#ensureOpen()
    return this.#gossip.subscribe(topic, handle)
  }

  peers(): PeerId[] {
    return [...this.#speaking]
  }

  async *request(
    to: PeerId,
    protocol: string,
    body: Uint8Array,
    options: RequestOptions
  ): AsyncGenerator<Uint8Array> {
    this.#ensureOpen()
    yield* requestFrames(this.#requestPorts(), to, protocol, body, options)
  }

  serve(protocol: string, maxBodyBytes: number, handle: ServeHandler): () => void {
    this.#ensureOpen()
    if (this.#stops.has(protocol)) throw new RangeError(`${protocol} is served already`)
    const stop = serveFrames(this.#requestPorts(), protocol, maxBodyBytes, handle)
    this.#stops.set(protocol, stop)
    return () => {
      if (this.#stops.get(protocol) !== stop) return
      this.#stops.delete(protocol)
      stop()
    }
  }

  onPeer(handle: (peer: PeerId, connected: boolean) => void): () => void {
    const entry = { handle }
    this.#watchers.add(entry)
    return () => void this.#watchers.delete(entry)
  }

  blame(peer: PeerId, why: string): void {
    this.#guard.offend(peer, 'wrong-answer', why)
  }

  addresses(): string[] {
    return this.#node.getMultiaddrs().map(String)
  }

  async dial(address: string): Promise<PeerId> {
    this.#ensureOpen()
    return this.#connect(null, [parseAddress(address, this.#init.transports)])
  }

  bytes(): TrafficTally & { readonly wire: WireTally } {
    return { ...this.#traffic.tally(), wire: this.#wire.tally() }
  }

  connections(): ConnectionReport[] {
    return connectionsOf(this.#node)
  }

  observedAddresses(): string[] {
    return observedAddressesOf(this.#node)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#keeper.stop()
    this.#cancelRepair()
    this.#watchers.clear()
    for (const stop of this.#stops.values()) stop()
    this.#stops.clear()
    this.#speaking.clear()
    this.#guard.close()
    await this.#node.stop()
  }

  #open(): void {
    // Whoever speaks this protocol is one of us; libp2p tells us once it has asked the other side.
    const joining = this.#node.register(PEERS_PROTOCOL, {
      onConnect: peer => this.#come(peer.toString()),
      onDisconnect: peer => this.#go(peer.toString())
    })
    // Whoever was quicker than this line comes again.
    for (const connection of this.#node.getConnections()) connection.abort(new Error('not ready yet'))
    this.#node.addEventListener('connection:open', ({ detail }) => this.#guard.opened(detail))
    joining.catch(error => this.#log(`cannot watch for peers: ${error}`))
    this.serve(PEERS_PROTOCOL, 0, from => this.#answerPeers(from))
    this.#keeper.start()
    this.#scheduleRepair()
  }

  #come(peer: PeerId): void {
    if (this.#closing !== null || this.#speaking.has(peer)) return
    this.#speaking.add(peer)
    this.#tell(peer, true)
    void this.#keeper.connected(peer)
  }

  #go(peer: PeerId): void {
    if (!this.#speaking.delete(peer)) return
    this.#tell(peer, false)
    this.#keeper.disconnected(peer)
  }

  #tell(peer: PeerId, connected: boolean): void {
    for (const { handle } of [...this.#watchers]) {
      try {
        handle(peer, connected)
      } catch (error) {
        this.#log(`a peer watcher failed: ${error instanceof Error ? error.stack : error}`)
      }
    }
  }

  /** @throws NetworkError UNREACHABLE */
  async #connect(expected: PeerId | null, addresses: Multiaddr[]): Promise<PeerId> {
    const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS)
    const address = addresses.join(', ')
    try {
      const { remotePeer } = await this.#node.dial(addresses, { signal })
      const peer = remotePeer.toString()
      while (!this.#speaking.has(peer)) {
        await pEvent(this.#node, 'peer:identify', { signal })
        // libp2p tells the topologies about a peer just after this event.
        await new Promise(resolve => setImmediate(resolve))
      }
      return peer
    } catch (cause) {
      const reason = signal.aborted ? `no answer within ${DIAL_TIMEOUT_MS / 1000} s` : messageOf(cause)
      throw new NetworkError(
        'UNREACHABLE',
        { address, ...(expected === null ? {} : { peer: expected }) },
        `cannot reach a peer at ${address}: ${reason}`,
        { cause }
      )
    }
  }

  #createKeeper(clock: Clock): PeerKeeper {
    return new PeerKeeper(
      {
        self: this.peerId,
        clock,
        random: seededRandom(this.#node.peerId.toMultihash().bytes),
        dial: (peer, addresses) => this.#connect(peer, this.#dialable(peer, addresses)),
        connected: () => this.peers(),
        addressesOf: peer => this.#addressesOf(peer),
        ask: peer => this.#askPeers(peer),
        log: this.#log
      },
      this.#init.bootstrapAddresses ?? []
    )
  }

  /** With the peer's id behind each address, so that nobody else can answer there. */
  #dialable(peer: PeerId | null, addresses: readonly string[]): Multiaddr[] {
    const parsed = addresses.map(address => parseAddress(address, this.#init.transports))
    if (peer === null) return parsed
    return parsed.map(address => {
      const named = address.getComponents().find(({ name }) => name === 'p2p')
      return named === undefined ? address.encapsulate(`/p2p/${peer}`) : address
    })
  }

  async #addressesOf(peer: PeerId): Promise<string[]> {
    const { addresses } = await this.#node.peerStore.get(peerIdFromString(peer))
    return addresses
      .map(({ multiaddr }) => String(multiaddr))
      .filter(address => this.#isUsable(peer, address))
  }

  async #askPeers(peer: PeerId): Promise<KnownPeer[]> {
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: PEER_EXCHANGE_BYTES }
    const known: KnownPeer[] = []
    for await (const frame of this.request(peer, PEERS_PROTOCOL, new Uint8Array(0), options)) {
      known.push(...this.#decodedPeers(peer, frame))
      break
    }
    // Whom it knows may be kept out here.
    const welcome = known.filter(entry => !this.#guard.isBanned(entry.peer))
    return welcome.map(entry => ({
      peer: entry.peer,
      addresses: entry.addresses.filter(address => this.#isUsable(entry.peer, address))
    }))
  }

  /** @throws ProtocolError BAD_MESSAGE */
  #decodedPeers(from: PeerId, frame: Uint8Array): KnownPeer[] {
    try {
      return decodeKnownPeers(frame)
    } catch (error) {
      this.blame(from, messageOf(error))
      throw error
    }
  }

  async *#answerPeers(from: PeerId): AsyncGenerator<Uint8Array> {
    const known = this.peers()
      .filter(peer => peer !== from)
      .map(async peer => ({ peer, addresses: await this.#addressesOf(peer).catch(() => []) }))
    yield encodeKnownPeers((await Promise.all(known)).filter(({ addresses }) => addresses.length > 0))
  }

  /** An address of this peer that we have a transport for. */
  #isUsable(peer: PeerId, address: string): boolean {
    try {
      const components = multiaddr(address).getComponents()
      const named = components.find(({ name }) => name === 'p2p')?.value
      return (named ?? peer) === peer && components.some(({ name }) => name === this.#init.transports)
    } catch {
      return false
    }
  }

  /**
   * Cuts connections on which a peer cannot be heard: gossipsub opens its stream once per connection, and when that
   * breaks, or the connection that carried it closes while a second one lives, nobody opens another.
   */
  #scheduleRepair(): void {
    this.#cancelRepair = systemClock.after(REPAIR_INTERVAL_MS, () => {
      const { pubsub } = this.#node.services as unknown as {
        pubsub: { readonly streamsOutbound?: ReadonlyMap<string, unknown> }
      }
      const seen = this.#useless
      this.#useless = new Set()
      for (const remote of this.#node.getPeers()) {
        const peer = remote.toString()
        if (this.#speaking.has(peer) && pubsub.streamsOutbound?.has(peer) !== false) continue
        // At the second look only: a connection takes a moment to become useful.
        if (!seen.has(peer)) this.#useless.add(peer)
        else {
          this.#log(`the connection to ${peer} carries no gossip: making a new one`)
          this.#node
            .hangUp(remote)
            .catch(error => this.#log(`cannot hang up on ${peer}: ${messageOf(error)}`))
        }
      }
      this.#scheduleRepair()
    })
  }

  #requestPorts(): RequestPorts {
    return { node: this.#node, guard: this.#guard, record: this.#traffic.record, log: this.#log }
  }

  #ensureOpen(): void {
    if (this.#closing !== null) throw new NetworkError('CLOSED', {}, 'this network has been closed')
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
