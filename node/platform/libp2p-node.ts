/** One libp2p node with the settings that a cohort on one machine, or on busy machines, needs. */
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify, identifyPush } from '@libp2p/identify'
import type { ComponentLogger, ConnectionGater, Metrics, PrivateKey } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { NetworkError } from '../../protocols/errors.ts'
import { DIAL_TIMEOUT_MS } from '../../protocols/limits.ts'
import {
  ConnectionWatch,
  PING_INTERVAL_MS,
  PINGS_AT_ONCE,
  SILENCE_MS,
  type WatchComponents
} from './connection-watch.ts'
import { GOSSIP_RPC_BYTES, GUARD_LIMITS, STREAM_WINDOW_BYTES } from './guard/guard-limits.ts'
import { systemClock } from './system-clock.ts'

export type FedpeftNode = Libp2p<{ pubsub: GossipSub }>

export interface NodeInit {
  readonly identity: PrivateKey
  readonly listen: readonly string[]
  readonly transports: 'tcp' | 'memory'
  readonly metrics: (components: { readonly logger: ComponentLogger }) => Metrics
  /** <= 0; how badly this peer's gossip was rejected here. */
  readonly gossipScore: (peer: string) => number
  readonly connectionGater: ConnectionGater
  readonly log: (message: string) => void
}

const MIB = 1024 * 1024

/** A subscriber that takes nothing: what we hold for it until its stream is cut (and made anew). */
const GOSSIP_BACKLOG_BYTES = 32 * MIB

/** Peers share cores with training: what takes milliseconds when idle may take seconds. */
const HANDSHAKE_MS = 30_000

/**
 * Creates and starts the node.
 * @throws NetworkError BAD_ADDRESS, PORT_TAKEN
 */
export async function startNode(init: NodeInit): Promise<FedpeftNode> {
  for (const address of init.listen) parseAddress(address, init.transports)
  try {
    return await createLibp2p({
      privateKey: init.identity,
      addresses: { listen: [...init.listen] },
      transports: [init.transports === 'tcp' ? tcp() : memory()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES } })],
      metrics: init.metrics,
      // An event loop held for a while makes pings late; with the default timeouts that kills every connection.
      connectionMonitor: {
        pingInterval: PING_INTERVAL_MS,
        pingTimeout: { minTimeout: SILENCE_MS, maxTimeout: SILENCE_MS }
      },
      connectionGater: init.connectionGater,
      connectionManager: {
        // The gater is the door; these would turn away before it is asked, all of one machine together.
        maxConnections: GUARD_LIMITS.connections,
        inboundConnectionThreshold: 16 * GUARD_LIMITS.pending,
        maxIncomingPendingConnections: 2 * GUARD_LIMITS.pending,
        inboundUpgradeTimeout: HANDSHAKE_MS,
        inboundStreamProtocolNegotiationTimeout: HANDSHAKE_MS,
        outboundStreamProtocolNegotiationTimeout: HANDSHAKE_MS,
        dialTimeout: DIAL_TIMEOUT_MS
      },
      services: {
        identify: identify({ timeout: HANDSHAKE_MS }),
        // Whoever is connected learns of an address that is new.
        identifyPush: identifyPush({ timeout: HANDSHAKE_MS }),
        ping: ping({ maxInboundStreams: PINGS_AT_ONCE, maxOutboundStreams: PINGS_AT_ONCE }),
        watch: (components: WatchComponents) => new ConnectionWatch(components, init.log, systemClock),
        pubsub: gossipsub({
          // To every subscriber directly; behind it a thin mesh, as copies through it are waste in a full network
          // (measured with 8 peers: 2.8 times the ideal bytes, 4.7 times with D = 4). Whoever is not connected to
          // the publisher is offered what it missed at the next heartbeat.
          floodPublish: true,
          D: 2,
          Dlo: 2,
          Dhi: 4,
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
  } catch (cause) {
    throw startError(cause, init.listen)
  }
}

/** @throws NetworkError BAD_ADDRESS, saying what an address looks like */
export function parseAddress(address: string, transports: 'tcp' | 'memory'): Multiaddr {
  const example = transports === 'tcp' ? '/ip4/127.0.0.1/tcp/4001' : '/memory/name'
  let parsed: Multiaddr
  try {
    parsed = multiaddr(address)
  } catch (cause) {
    throw new NetworkError(
      'BAD_ADDRESS',
      { address },
      `not a network address: ${JSON.stringify(address)}; one looks like ${example}/p2p/12D3KooW...`,
      { cause }
    )
  }
  if (!parsed.getComponents().some(({ name }) => name === transports)) {
    throw new NetworkError(
      'BAD_ADDRESS',
      { address },
      `this peer speaks ${transports} only, and ${address} is something else; an address looks like ${example}`
    )
  }
  return parsed
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
