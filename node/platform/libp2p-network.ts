/**
 * The network of a real peer: libp2p over TCP, WebSocket and WebRTC (or in memory, for tests), noise, yamux and
 * gossipsub, behind the `Network` port. It stays connected by itself: see peer-keeper.ts and net/upkeep.ts.
 */
import type { Connection, Metrics, PrivateKey } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { pEvent } from 'p-event'
import { seededRandom } from '../../aggregation/random.ts'
import { NetworkError } from '../../protocols/errors.ts'
import { PEERS_PROTOCOL } from '../../protocols/peer-exchange.ts'
import type { Clock, Network, PeerId, RequestOptions } from '../../protocols/ports.ts'
import { otherMajorOf, otherMajorWords } from '../../protocols/protocol-major.ts'
import { TrafficCounters, type TrafficRecorder, type TrafficTally } from '../../protocols/traffic.ts'
import {
  type ConnectionReport,
  connectionsOf,
  observedAddressesOf,
  relayedPeersOf
} from './connection-report.ts'
import { BanList } from './guard/ban-list.ts'
import { forgetStrangers } from './guard/forgotten-peers.ts'
import { GUARD_LIMITS } from './guard/guard-limits.ts'
import type { Offence } from './guard/offences.ts'
import { PeerGuard } from './guard/peer-guard.ts'
import { Libp2pGossip } from './libp2p-gossip.ts'
import { type FedpeftNode, type NodeInit, type StartedNode, startNode } from './libp2p-node.ts'
import { type RequestPorts, requestFrames, type ServeHandler, serveFrames } from './libp2p-requests.ts'
import { AddressBook } from './net/address-book.ts'
import { parseAddress, peerOf, type TransportSet } from './net/addresses.ts'
import { connectTo } from './net/dialler.ts'
import { Handshakes } from './net/handshakes.ts'
import { ownCidrs } from './net/network-cards.ts'
import { PeerExchange } from './net/peer-exchange.ts'
import { type StunService, startStunService } from './net/stun-service.ts'
import type { TlsFiles } from './net/tls-files.ts'
import { Upkeep } from './net/upkeep.ts'
import { PeerKeeper } from './peer-keeper.ts'
import { systemClock } from './system-clock.ts'
import { WireBytes, type WireTally } from './wire-bytes.ts'

export interface Libp2pNetworkInit {
  /** An Ed25519 key. */
  readonly identity: PrivateKey
  /**
   * Multiaddrs, of which each asks for its transport; none makes a peer that only dials. `/webrtc` means: reachable
   * through the relays that it meets, over WebRTC; `/p2p-circuit`: through them for good.
   */
  readonly listen: readonly string[]
  readonly transports: TransportSet
  /** Dialled now, and again whenever they are lost. */
  readonly bootstrapAddresses?: readonly string[]
  /** Told to the others beside what this peer listens on. */
  readonly announce?: readonly string[]
  /** To listen on wss. */
  readonly tls?: TlsFiles
  /** The file of a private network's key. */
  readonly networkKey?: Uint8Array
  /** Whether this peer relays for others, and answers STUN on the UDP ports of its TCP ports: a bootstrap peer does. */
  readonly isRelay?: boolean
  /** Bodies too, for peers that nobody can connect to. */
  readonly relaysBodies?: boolean
  /** `host:port` of STUN servers beside the bootstrap peers, which answer it themselves. */
  readonly stun?: readonly string[]
  /** Looks for peers on the same local network, and is found there. */
  readonly mdns?: boolean
  readonly log?: (message: string) => void
  /** What the person should know at once; by default it goes to the log. */
  readonly warn?: (message: string) => void
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
  /** Who holds a place at this relay; null if it is none. */
  relayedPeers(): PeerId[] | null
}

/**
 * A peer that is here through a relay only is told of after this long: most get a straight connection before, and until
 * then nobody should start what needs one.
 */
const RELAYED_GRACE_MS = 8_000

/** @throws NetworkError BAD_ADDRESS, PORT_TAKEN */
export async function createLibp2pNetwork(init: Libp2pNetworkInit): Promise<Libp2pNetwork> {
  for (const address of init.bootstrapAddresses ?? []) parseAddress(address, init.transports)
  const late: { network: NetworkOverLibp2p | null } = { network: null }
  const wire = new WireBytes()
  const log = init.log ?? (() => {})
  const guard = new PeerGuard({
    clock: systemClock,
    limits: GUARD_LIMITS,
    bans: init.bans ?? new BanList(systemClock),
    onOffence: init.onOffence,
    log
  })
  try {
    const started = await startNode({
      identity: init.identity,
      listen: init.listen,
      announce: init.announce ?? [],
      transports: init.transports,
      tls: init.tls ?? null,
      networkKey: init.networkKey ?? null,
      isRelay: init.isRelay ?? false,
      relaysBodies: init.relaysBodies ?? false,
      mdns: init.mdns ?? false,
      bootstrapAddresses: init.bootstrapAddresses ?? [],
      stunServers: () => [...(init.stun ?? []), ...(late.network?.stunServers() ?? [])],
      metrics: init.metrics?.(wire.metrics()) ?? (() => wire.metrics()),
      gossipScore: peer => guard.gossipScoreOf(peer),
      connectionGater: guard.gater,
      onMoved: () => late.network?.hurry(),
      log,
      warn: init.warn ?? log
    })
    late.network = new NetworkOverLibp2p(init, started, wire, guard)
  } catch (error) {
    guard.close()
    throw error
  }
  // A private network has no WebRTC, and nobody else has a claim on its answers.
  if (init.isRelay === true && init.networkKey === undefined) await late.network.answerStun()
  return late.network
}

/** What a door-keeper does: guard/ closes a connection once it knows whose it is. */
const TURNED_AWAY = 'the peer there closed the connection at once, as it does for those whom it has banned'

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
  readonly #upkeep: Upkeep
  readonly #book: AddressBook
  readonly #exchange: PeerExchange
  readonly #opened: StartedNode['opened']
  readonly #handshakes = new Handshakes()
  readonly #speaking = new Set<PeerId>()
  /** Peers that are here through a relay only, and not told of yet. */
  readonly #relayed = new Map<PeerId, () => void>()
  readonly #watchers = new Set<{ readonly handle: (peer: PeerId, connected: boolean) => void }>()
  readonly #stops = new Map<string, () => void>()
  #stun: StunService | null = null
  #closing: Promise<void> | null = null
  #stopForgetting = (): void => {}

  constructor(init: Libp2pNetworkInit, { node, opened }: StartedNode, wire: WireBytes, guard: PeerGuard) {
    this.peerId = node.peerId.toString()
    this.#init = init
    this.#node = node
    this.#wire = wire
    this.#log = init.log ?? (() => {})
    this.#traffic = new TrafficCounters(init.recorder)
    this.#guard = guard
    this.#gossip = new Libp2pGossip(node, guard, this.#traffic.record, this.#log)
    this.#opened = opened
    this.#book = new AddressBook(node.peerStore, init.transports)
    this.#exchange = new PeerExchange({
      network: this,
      book: this.#book,
      isWelcome: peer => !guard.isBanned(peer),
      blame: (peer, reason) => this.blame(peer, reason)
    })
    this.#upkeep = new Upkeep({
      node,
      opened,
      clock: systemClock,
      isSpeaking: peer => this.#speaking.has(peer) || this.#relayed.has(peer),
      log: this.#log
    })
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
    const parsed = parseAddress(address, this.#init.transports)
    return this.#connect(peerOf(parsed), [parsed])
  }

  /** This machine has other addresses than before: whoever was out of reach may be within it. */
  hurry(): void {
    this.#keeper.hurry()
  }

  async answerStun(): Promise<void> {
    this.#stun = await startStunService({
      listen: this.#init.listen,
      listening: this.#node.services.inside.transportManager.getAddrs(),
      clock: systemClock,
      warn: this.#init.warn ?? this.#log
    })
  }

  /** Where the relays that are connected now answer STUN. */
  stunServers(): string[] {
    return this.#upkeep.relays.stunServers()
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

  relayedPeers(): PeerId[] | null {
    return relayedPeersOf(this.#node)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#keeper.stop()
    this.#upkeep.stop()
    this.#watchers.clear()
    for (const cancel of this.#relayed.values()) cancel()
    this.#relayed.clear()
    for (const stop of this.#stops.values()) stop()
    this.#stops.clear()
    this.#speaking.clear()
    this.#guard.close()
    this.#stopForgetting()
    await this.#stun?.close()
    await this.#node.stop()
    await this.#opened.close()
  }

  #open(): void {
    // Whoever speaks this protocol is one of us; libp2p tells us once it has asked the other side.
    const joining = this.#node.register(PEERS_PROTOCOL, {
      notifyOnLimitedConnection: true,
      onConnect: (peer, connection) => this.#met(peer.toString(), connection),
      onDisconnect: peer => this.#go(peer.toString())
    })
    // Whoever was quicker than this line comes again.
    for (const connection of this.#node.getConnections()) connection.abort(new Error('not ready yet'))
    this.#stopForgetting = forgetStrangers(this.#node, systemClock, this.#log)
    this.#node.addEventListener('connection:open', ({ detail }) => this.#guard.opened(detail))
    joining.catch(error => this.#log(`cannot watch for peers: ${error}`))
    this.serve(PEERS_PROTOCOL, 0, from => this.#exchange.answer(from))
    if (this.#init.mdns === true) {
      this.#node.addEventListener('peer:discovery', ({ detail: { id, multiaddrs } }) => {
        this.#keeper.learn([{ peer: id.toString(), addresses: multiaddrs.map(String) }])
      })
    }
    this.#keeper.start()
    this.#upkeep.start()
  }

  #met(peer: PeerId, connection: Connection): void {
    if (connection.limits === undefined) this.#come(peer)
    else if (!this.#speaking.has(peer) && !this.#relayed.has(peer) && this.#closing === null) {
      this.#relayed.set(
        peer,
        systemClock.after(RELAYED_GRACE_MS, () => this.#come(peer))
      )
    }
  }

  #come(peer: PeerId): void {
    this.#relayed.get(peer)?.()
    this.#relayed.delete(peer)
    if (this.#closing !== null || this.#speaking.has(peer)) return
    this.#speaking.add(peer)
    this.#tell(peer, true)
    void this.#keeper.connected(peer)
  }

  #go(peer: PeerId): void {
    this.#relayed.get(peer)?.()
    this.#relayed.delete(peer)
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
    const connection = await connectTo(
      {
        dial: (address, signal, onStep) =>
          this.#node.dial(address, { signal, onProgress: ({ type }) => onStep(type) }),
        handshakes: this.#handshakes,
        cards: ownCidrs,
        speaksWebRtc: this.#opened.hasWebRtc,
        met: (made, signal) => this.#untilMet(made.remotePeer.toString(), signal),
        connections: peer => this.#node.getConnections(peerIdFromString(peer))
      },
      expected,
      addresses
    )
    const peer = connection.remotePeer.toString()
    // Through a relay for good: everything better has been tried.
    this.#come(peer)
    return peer
  }

  async #untilMet(peer: PeerId, signal: AbortSignal): Promise<void> {
    while (!this.#speaking.has(peer) && !this.#relayed.has(peer)) {
      if (this.#node.getConnections(peerIdFromString(peer)).length === 0) throw new Error(TURNED_AWAY)
      await this.#refuseOtherMajor(peer)
      await pEvent(this.#node, ['peer:identify', 'peer:disconnect'], { signal })
      // libp2p tells the topologies about a peer just after this event.
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  /** Once it has said what it speaks: waiting for more brings nothing. @throws NetworkError OTHER_VERSION */
  async #refuseOtherMajor(peer: PeerId): Promise<void> {
    const known = await this.#node.peerStore.get(peerIdFromString(peer)).catch(() => null)
    const theirs = otherMajorOf(known?.protocols ?? [])
    if (theirs === null) return
    throw new NetworkError('OTHER_VERSION', { peer, theirs }, otherMajorWords(theirs))
  }

  #isDirect(peer: PeerId): boolean {
    return this.#node.getConnections(peerIdFromString(peer)).some(({ limits }) => limits === undefined)
  }

  #createKeeper(clock: Clock): PeerKeeper {
    return new PeerKeeper(
      {
        self: this.peerId,
        clock,
        random: seededRandom(this.#node.peerId.toMultihash().bytes),
        dial: async (peer, addresses) => this.#connect(peer, await this.#book.dialable(peer, addresses)),
        connected: () => this.peers(),
        isDirect: peer => this.#isDirect(peer),
        addressesOf: peer => this.#book.of(peer),
        ask: peer => this.#exchange.ask(peer),
        log: this.#log
      },
      this.#init.bootstrapAddresses ?? []
    )
  }

  #requestPorts(): RequestPorts {
    return { node: this.#node, guard: this.#guard, record: this.#traffic.record, log: this.#log }
  }

  #ensureOpen(): void {
    if (this.#closing !== null) throw new NetworkError('CLOSED', {}, 'this network has been closed')
  }
}
