/**
 * What a remote peer can do wrong, and how much of it is borne. One score for each peer takes in everything; it fades,
 * so that a fault of yesterday costs nothing today.
 */
import type { PeerId } from '../../../protocols/ports.ts'

export type OffenceReason =
  /** Gossip that no honest peer would publish or pass on. */
  | 'invalid-gossip'
  /** Bytes on the gossip stream that are no gossip. */
  | 'malformed-gossip'
  /** A request whose body is none of its protocol, or that carries a message which no honest peer sends. */
  | 'malformed-request'
  /** A frame announced as longer than its protocol allows: nothing of it was read. */
  | 'oversized-frame'
  /** An answer to our request that no honest peer gives. */
  | 'wrong-answer'
  /** It is there, and has not answered many requests in a row. */
  | 'no-answer'
  /** A request that did not come to its end in time while its sender was there. */
  | 'slow-writing'
  /** An answer that was not taken in time while the one who asked for it was there. */
  | 'slow-reading'
  /** More gossip, in messages or in bytes, than the largest cohort makes. */
  | 'gossip-quota'
  | 'request-quota'
  /** Streams at once, or opened within a time. */
  | 'stream-quota'
  /** Connections under one peer id within a time. */
  | 'connection-quota'
  /** What waits in memory for it or from it. */
  | 'memory-quota'
  /** Frames between two streams' ends that no multiplexer sends, or far too many of them. */
  | 'broken-muxing'

export interface Offence {
  readonly peer: PeerId
  readonly reason: OffenceReason
  /** Its connections were closed over it. */
  readonly cutOff: boolean
}

/**
 * Points of one offence. By how sure it is that no honest peer, slow, old or unlucky, does it: one that floods is cut
 * off within a second either way.
 */
export const OFFENCE_POINTS: Readonly<Record<OffenceReason, number>> = {
  // Two honest peers may for a moment disagree about what is valid.
  'invalid-gossip': 1,
  'malformed-gossip': 4,
  'malformed-request': 4,
  'oversized-frame': 8,
  'wrong-answer': 4,
  // Cut off as it is, so that it may come back: a busy peer, or a network that loses its packets, looks the same.
  'no-answer': 1,
  'slow-writing': 8,
  'slow-reading': 8,
  // Each one dropped. More than that within a second is no mistake.
  'gossip-quota': 2,
  // Each one refused: a burst a little above the quota is no offence worth more.
  'request-quota': 1,
  'stream-quota': 1,
  'connection-quota': 1,
  'memory-quota': 32,
  'broken-muxing': 8
}

/** Up to here nothing happens: mistakes are forgiven. */
export const FORGIVEN_POINTS = 8

/** From here on its requests are refused; its gossip has been left unread for a while by then. */
export const REFUSED_POINTS = 20

/** From here on it is cut off and banned for a time. */
export const CUT_OFF_POINTS = 32

/** Points count half after this long, so that nobody is shunned for ever. */
export const SCORE_HALF_LIFE_MS = 60_000
