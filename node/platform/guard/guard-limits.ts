/**
 * What one remote peer, and all of them together, may take of this process. Every number is far above what an honest
 * peer of the largest cohort needs, as being wrong about an honest peer costs a round; docs/hostile-peers.md lists them.
 */
import {
  ANSWER_WINDOW_BYTES,
  COHORT_MAX,
  FOUNDERS_MAX,
  SERVED_STREAMS_PER_PEER
} from '../../../protocols/limits.ts'
import type { Allowance } from './token-bucket.ts'

const MIB = 1024 * 1024

/** An answer to IWANT may carry many messages at once; above this a receiver drops the sender for good. */
export const GOSSIP_RPC_BYTES = 16 * MIB

/** Far below the 4 MiB at which a paused stream is reset, so that a slow reader holds its sender back instead. */
export const STREAM_WINDOW_BYTES = ANSWER_WINDOW_BYTES

export interface GuardLimits {
  /** Connections that are up, in and out. */
  readonly connections: number
  /** Inbound connections that are not through the handshake yet. */
  readonly pending: number
  readonly connectionsPerAddress: number
  readonly pendingPerAddress: number
  /** Inbound connections from one address. */
  readonly arrivalsPerAddress: Allowance
  readonly connectionsPerPeer: number
  readonly arrivalsPerPeer: Allowance
  /** Opened by it, over all its connections. */
  readonly streamsPerPeer: number
  readonly streamOpenings: Allowance
  /** But for blobs, whose bytes have a measure of their own. */
  readonly requests: Allowance
  readonly requestBytes: Allowance
  /** From one that passes them on. */
  readonly gossipMessages: Allowance
  readonly gossipBytes: Allowance
  /** From one that has signed them, whoever brings them: above it they go no further. */
  readonly publishedMessages: Allowance
  readonly publishedBytes: Allowance
  /** From all that have signed them: what this peer passes on stays below what others take from one relay. */
  readonly relayedMessages: Allowance
  readonly relayedBytes: Allowance
  /** On topics that nobody here has subscribed to. */
  readonly strayMessages: Allowance
  /** Subscriptions, and ids of messages that are offered or asked for. */
  readonly control: Allowance
  readonly frames: Allowance
  readonly pings: Allowance
  /** Bytes that wait, to be read from a peer or to be taken by it. */
  readonly memoryPerPeer: number
  readonly memory: number
  /** Of one connection's bytes that its other side does not take. */
  readonly unsentBytes: number
  /** In the log, about those who misbehave. */
  readonly lines: Allowance
  /** Requests in a row that a peer leaves without any answer. */
  readonly unanswered: number
}

export const GUARD_LIMITS: GuardLimits = {
  // The founders of the largest network, each perhaps twice for a moment, as two that meet dial each other.
  connections: 2 * FOUNDERS_MAX,
  // All founders dial in the second in which a run is announced, and a handshake waits for a busy machine.
  pending: FOUNDERS_MAX,
  // A hospital, a university or a whole cloud tenant may sit behind one address, with several cohorts at once.
  connectionsPerAddress: 4 * COHORT_MAX,
  pendingPerAddress: 2 * COHORT_MAX,
  // All of these come back in the second in which their router does; after that each redials a few times a minute.
  arrivalsPerAddress: { burst: 4 * COHORT_MAX, perSecond: 16 },
  // Both sides dial at once, over two transports, while an old connection is not known to be dead. The newest ones stay.
  connectionsPerPeer: 8,
  // Redialling begins at four a second and slows down.
  arrivalsPerPeer: { burst: 32, perSecond: 1 },
  // Eight protocols, on the busiest of which a peer asks as much as is served at a time; the others have few.
  streamsPerPeer: 8 * SERVED_STREAMS_PER_PEER,
  // A request is a stream, and blobs are asked for in runs of 1 MiB or more: this is a gigabyte each second.
  streamOpenings: { burst: 4_096, perSecond: 1_024 },
  // A member has some ten things to say in a view, directly to each other one; tips, links and transcripts come on top.
  requests: { burst: 512, perSecond: 16 },
  requestBytes: { burst: 64 * MIB, perSecond: 4 * MIB },
  // One relay may pass on all that it heard: twice what it passes on, as it may have been restarted meanwhile.
  gossipMessages: { burst: 16_384, perSecond: 1_024 },
  // Copies included; an answer to IWANT carries up to 16 MiB.
  gossipBytes: { burst: 128 * MIB, perSecond: 8 * MIB },
  // Some forty in a long round with many views; its evidence against a third of the largest cohort.
  publishedMessages: { burst: 256, perSecond: 8 },
  // A leader of the largest cohort proposes and certifies 3 MiB in a view.
  publishedBytes: { burst: 24 * MIB, perSecond: 512 * 1024 },
  // All founders register, and all members of a full cohort go through a long round at the same time.
  relayedMessages: { burst: 8_192, perSecond: 512 },
  relayedBytes: { burst: 64 * MIB, perSecond: 4 * MIB },
  // What was under way when a cohort of a larger network was left; its other members have some forty words each.
  strayMessages: { burst: 40 * COHORT_MAX, perSecond: 16 },
  // Each second it offers what it heard in the last six; a coordinator has 64 runs.
  control: { burst: 16_384, perSecond: 4_096 },
  // A data frame is 16 to 64 KiB when it matters, and each is answered by one of the window.
  frames: { burst: 131_072, perSecond: 32_768 },
  // The multiplexer's keep-alive is two a minute.
  pings: { burst: 128, perSecond: 4 },
  // The gossip that waits for a slow subscriber (32 MiB), its answers, and a gossip message of 16 MiB on its way here.
  memoryPerPeer: 64 * MIB,
  // Of all peers: beyond it the one that takes most goes.
  memory: 512 * MIB,
  unsentBytes: 16 * MIB,
  // More tell a person nothing new; the metrics count on.
  lines: { burst: 256, perSecond: 1 },
  // Two of a blob's lanes, a transcript, a chain and some words to it at the same time, and more of them later.
  unanswered: 16
}
