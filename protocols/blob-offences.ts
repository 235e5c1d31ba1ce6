/** What a holder did that no honest holder does, in words for logs, counters and scores. */
import type { PeerId } from './ports.ts'

export type BlobOffence =
  | 'blob-wrong-list' // chunk hashes that do not hash to the address
  | 'blob-wrong-chunk' // a chunk that does not match its hash
  | 'blob-bad-answer' // frames that no request has: too long, too many, no have-map
  | 'blob-false-map' // chunks of its own have-map that it did not send
  | 'blob-too-slow' // chunks that came from elsewhere while it was waited for

/** Whether no honest peer does it: one that is slow, or has dropped a blob since, may look like the others. */
export function isProven(reason: BlobOffence): boolean {
  return reason !== 'blob-too-slow' && reason !== 'blob-false-map'
}

/** Told of each offence; `detail` is a sentence about that peer. */
export type OnBlobOffence = (peer: PeerId, reason: BlobOffence, detail: string) => void

/** Ends a request: the holder is asked no more for this blob. */
export class BlobLie extends Error {
  readonly reason: BlobOffence

  constructor(reason: BlobOffence, message: string) {
    super(message)
    this.reason = reason
  }
}
