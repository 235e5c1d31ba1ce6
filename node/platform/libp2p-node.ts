/** One libp2p node with the settings that a cohort on one machine, or on busy machines, needs. */
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import type { ComponentLogger, ConnectionGater, Metrics, PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import { NetworkError } from '../../protocols/errors.ts'
import { DIAL_TIMEOUT_MS } from '../../protocols/limits.ts'
import {
  ConnectionWatch,
  PING_INTERVAL_MS,
  PINGS_AT_ONCE,
  SILENCE_MS,
  type WatchComponents
} from './connection-watch.ts'
import { GOSSIP_RPC_BYTES, GUARD_LIMITS } from './guard/guard-limits.ts'
import { guardedYamux } from './guard/guarded-yamux.ts'
import { parseAddress, type TransportSet } from './net/addresses.ts'
import { announcedAddresses } from './net/announced.ts'
import { type NodeInside, nodeInside } from './net/node-inside.ts'
import { relayServer } from './net/relay-server.ts'
import type { TlsFiles } from './net/tls-files.ts'
import { type OpenedTransports, openTransports } from './net/transports.ts'
import { systemClock } from './system-clock.ts'

export type FedpeftNode = Libp2p<{ pubsub: GossipSub; inside: NodeInside }>

export interface NodeInit {
  readonly identity: PrivateKey
  readonly listen: readonly string[]
  /** Told to the others beside what this peer listens on: what a router forwards, a name. */
  readonly announce: readonly string[]
  readonly transports: TransportSet
  readonly tls: TlsFiles | null
  /** The file of a private network's key. */
  readonly networkKey: Uint8Array | null
  /** Whether this peer relays for others. */
  readonly isRelay: boolean
  readonly relaysBodies: boolean
  /** Whether peers on the same local network are looked for by multicast. */
  readonly mdns: boolean
  /** Addresses of relays as the person gave them. */
  readonly bootstrapAddresses: readonly string[]
  readonly stunServers: () => readonly string[]
  readonly metrics: (components: { readonly logger: ComponentLogger }) => Metrics
  /** <= 0; how badly this peer's gossip was rejected here. */
  readonly gossipScore: (peer: string) => number
  readonly connectionGater: ConnectionGater
  /** This machine has other addresses than before. */
  readonly onMoved: () => void
  readonly log: (message: string) => void
  readonly warn: (message: string) => void
}

export interface StartedNode {
  readonly node: FedpeftNode
  readonly opened: OpenedTransports
}

const MIB = 1024 * 1024

/** A subscriber that takes nothing: what we hold for it until its stream is cut (and made anew). */
const GOSSIP_BACKLOG_BYTES = 32 * MIB

/** Peers that may take the gossip of one topic through us: behind a firewall a relay is the only one that there is. */
const RELAY_MESH = 64
const PEER_MESH = 8

/** Peers share cores with training: what takes milliseconds when idle may take seconds. */
const HANDSHAKE_MS = 30_000

/** The longest way: through a relay to WebRTC. */
const ADDRESS_MS = 15_000

/**
 * Creates and starts the node.
 * @throws NetworkError BAD_ADDRESS, PORT_TAKEN
 */
export async function startNode(init: NodeInit): Promise<StartedNode> {
  for (const address of init.announce) parseAddress(address, init.transports)
  const opened = await openTransports({ ...init, isPrivate: init.networkKey !== null })
  try {
    const node = await createLibp2p({
      privateKey: init.identity,
      addresses: {
        listen: opened.listen,
        appendAnnounce: [...init.announce],
        announceFilter: addresses => announcedAddresses(addresses, opened.hasWebRtc, init.bootstrapAddresses)
      },
      transports: opened.factories,
      connectionEncrypters: [noise()],
      streamMuxers: [guardedYamux()],
      metrics: init.metrics,
      // An event loop held for a while makes pings late; with the default timeouts that kills every connection.
      connectionMonitor: {
        pingInterval: PING_INTERVAL_MS,
        pingTimeout: { minTimeout: SILENCE_MS, maxTimeout: SILENCE_MS }
      },
      connectionGater: init.connectionGater,
      ...(await protection(init.networkKey)),
      ...(await localDiscovery(init.mdns)),
      connectionManager: {
        // The gater is the door; these would turn away before it is asked, all of one machine together.
        maxConnections: GUARD_LIMITS.connections,
        inboundConnectionThreshold: 16 * GUARD_LIMITS.pending,
        maxIncomingPendingConnections: 2 * GUARD_LIMITS.pending,
        inboundUpgradeTimeout: HANDSHAKE_MS,
        inboundStreamProtocolNegotiationTimeout: HANDSHAKE_MS,
        outboundStreamProtocolNegotiationTimeout: HANDSHAKE_MS,
        dialTimeout: DIAL_TIMEOUT_MS,
        // dialler.ts gives each address its own time.
        addressDialTimeout: ADDRESS_MS
      },
      services: {
        identify: identify({ timeout: HANDSHAKE_MS }),
        // The others learn at once when a relay was found, or this machine has another address.
        identifyPush: identifyPush({ timeout: HANDSHAKE_MS }),
        ping: ping({ maxInboundStreams: PINGS_AT_ONCE, maxOutboundStreams: PINGS_AT_ONCE }),
        watch: (components: WatchComponents) =>
          new ConnectionWatch(components, init.log, systemClock, init.onMoved),
        inside: nodeInside(),
        ...(await reachability(init, opened)),
        pubsub: gossipsub({
          // To every subscriber directly; behind it the thinnest mesh, as copies through it are waste in a full network,
          // and so are offers of what everyone has. Whoever is not connected to the publisher is offered what it missed
          // at the next heartbeat. docs/network-bytes.md has what was measured.
          floodPublish: true,
          D: 1,
          Dlo: 1,
          // Whoever grafts us may have nobody else: it is not turned away for being one too many.
          Dhi: init.isRelay ? RELAY_MESH : PEER_MESH,
          Dlazy: 3,
          gossipFactor: 0,
          Dout: 0,
          allowPublishToZeroTopicPeers: true,
          globalSignaturePolicy: 'StrictSign',
          maxInboundDataLength: GOSSIP_RPC_BYTES,
          maxOutboundBufferSize: GOSSIP_BACKLOG_BYTES,
          // Missed messages are offered again for longer than a busy peer sleeps.
          mcacheLength: 12,
          mcacheGossip: 6,
          // A verdict may take seconds (it pulls a blob, say); that is no broken promise of the one who sent it.
          gossipsubIWantFollowupMs: 15_000,
          scoreParams: {
            IPColocationFactorWeight: 0,
            appSpecificScore: init.gossipScore,
            appSpecificWeight: 1,
            behaviourPenaltyWeight: -1,
            behaviourPenaltyThreshold: 6
          }
        })
      }
    })
    return { node: node as unknown as FedpeftNode, opened }
  } catch (cause) {
    throw startError(cause, init.listen)
  }
}

async function protection(
  networkKey: Uint8Array | null
): Promise<Pick<Libp2pOptions, 'connectionProtector'>> {
  if (networkKey === null) return {}
  const { preSharedKey } = await import('@libp2p/pnet')
  return { connectionProtector: preSharedKey({ psk: networkKey }) }
}

/** Under a name of our own: peers of other libp2p networks neither see nor answer it. */
async function localDiscovery(isOn: boolean): Promise<Pick<Libp2pOptions, 'peerDiscovery'>> {
  if (!isOn) return {}
  const { mdns } = await import('@libp2p/mdns')
  return { peerDiscovery: [mdns({ serviceTag: '_fedpeft._udp.local' })] }
}

/** The libp2p services by which peers that cannot be dialled are reached, where this peer has to do with relays. */
async function reachability(init: NodeInit, { isRelayed }: OpenedTransports): Promise<object> {
  if (!init.isRelay && !isRelayed) return {}
  const { autoNAT } = await import('@libp2p/autonat')
  if (init.isRelay) {
    const { circuitRelayServer } = await import('@libp2p/circuit-relay-v2')
    return { autoNat: autoNAT(), relay: circuitRelayServer(relayServer(init.relaysBodies)) }
  }
  const { dcutr } = await import('@libp2p/dcutr')
  return { autoNat: autoNAT(), dcutr: dcutr() }
}

function startError(cause: unknown, listen: readonly string[]): unknown {
  const text = cause instanceof Error ? cause.message : String(cause)
  if (/EADDRINUSE|already in use/.test(text)) {
    const address = listen.find(candidate => text.includes(candidate)) ?? listen.join(', ')
    const port = /\/tcp\/(\d+)/.exec(address)?.[1]
    return new NetworkError(
      'PORT_TAKEN',
      { address, ...(port === undefined ? {} : { port: Number(port) }) },
      port === undefined
        ? `${address} is in use by another peer; choose another name`
        : `port ${port} is in use by another program (${address}); stop that one, or choose another port (0 takes any free one)`,
      { cause }
    )
  }
  if (/EACCES|EADDRNOTAVAIL|failed to be listened on/.test(text)) {
    const reason = text.includes('EACCES')
      ? 'this user may not listen there; choose a port above 1023'
      : 'no network interface of this machine has it; /ip4/0.0.0.0/tcp/PORT listens on all of them'
    return new NetworkError(
      'BAD_ADDRESS',
      { address: listen.join(', ') },
      `cannot listen on ${listen.join(', ')}: ${reason}`,
      {
        cause
      }
    )
  }
  return cause
}
