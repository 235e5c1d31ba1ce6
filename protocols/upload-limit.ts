/** How fast, and how much at a time, blobs are served: everyone in turn, the blobs of rounds before those in files. */
import type { Clock, PeerId } from './ports.ts'

export interface UploadLimitInit {
  readonly clock: Clock
  /** Of all answers together; null for no limit. */
  readonly bytesPerSecond: number | null
  /** Of the answers to one peer; null for no limit of its own. */
  readonly bytesPerSecondEach: number | null
}

interface Waiting {
  readonly peer: PeerId
  readonly bytes: number
  readonly isUrgent: boolean
  go(): void
}

/** A bucket of bytes that fills with time. */
interface Bucket {
  bytes: number
  filledMs: number
}

/** What may go out at once after a pause, in seconds of the limit. */
const BURST_SECONDS = 1

/** Peers whose own buckets are kept: a full one says nothing, so the oldest may go. */
const BUCKETS_MAX = 1024

export class UploadLimit {
  readonly #init: UploadLimitInit
  readonly #all: Bucket
  readonly #each = new Map<PeerId, Bucket>()
  /** The longest unserved first. */
  #waiting: Waiting[] = []
  readonly #lastTurn = new Map<PeerId, number>()
  #turns = 0
  #cancel: (() => void) | null = null

  constructor(init: UploadLimitInit) {
    this.#init = init
    this.#all = { bytes: BURST_SECONDS * (init.bytesPerSecond ?? 0), filledMs: init.clock.nowMs() }
  }

  /** Resolves when these bytes may go out. */
  async turn(peer: PeerId, bytes: number, isUrgent: boolean): Promise<void> {
    const { bytesPerSecond, bytesPerSecondEach } = this.#init
    if (bytesPerSecond === null && bytesPerSecondEach === null) return
    await new Promise<void>(go => {
      this.#waiting.push({ peer, bytes, isUrgent, go })
      this.#serve()
    })
  }

  /** Lets everyone go who waits. */
  close(): void {
    this.#cancel?.()
    for (const { go } of this.#waiting.splice(0)) go()
  }

  #serve(): void {
    this.#cancel?.()
    this.#cancel = null
    let waitMs = 0
    for (;;) {
      const inOrder = [...this.#waiting].sort(
        (a, b) => Number(b.isUrgent) - Number(a.isUrgent) || this.#lastOf(a.peer) - this.#lastOf(b.peer)
      )
      waitMs = Number.POSITIVE_INFINITY
      const next = inOrder.find(waiting => {
        const needsMs = this.#needsMs(waiting)
        waitMs = Math.min(waitMs, needsMs)
        return needsMs === 0
      })
      if (next === undefined) break
      this.#waiting = this.#waiting.filter(waiting => waiting !== next)
      this.#spend(next)
      next.go()
    }
    if (this.#waiting.length > 0) this.#cancel = this.#init.clock.after(waitMs, () => this.#serve())
  }

  #lastOf(peer: PeerId): number {
    return this.#lastTurn.get(peer) ?? -1
  }

  /** A bucket may go below nothing by one chunk, so that a low limit does not stop what is longer than its burst. */
  #needsMs({ peer }: Waiting): number {
    const { bytesPerSecond, bytesPerSecondEach } = this.#init
    const needs = (bucket: Bucket, rate: number): number => {
      this.#fill(bucket, rate)
      return bucket.bytes > 0 ? 0 : Math.ceil((1 - bucket.bytes) / (rate / 1000))
    }
    const ofAll = bytesPerSecond === null ? 0 : needs(this.#all, bytesPerSecond)
    const ofOne = bytesPerSecondEach === null ? 0 : needs(this.#bucketOf(peer), bytesPerSecondEach)
    return Math.max(ofAll, ofOne)
  }

  #spend({ peer, bytes }: Waiting): void {
    if (this.#init.bytesPerSecond !== null) this.#all.bytes -= bytes
    if (this.#init.bytesPerSecondEach !== null) this.#bucketOf(peer).bytes -= bytes
    this.#lastTurn.delete(peer)
    this.#lastTurn.set(peer, this.#turns++)
    trim(this.#lastTurn)
  }

  #fill(bucket: Bucket, rate: number): void {
    const nowMs = this.#init.clock.nowMs()
    bucket.bytes = Math.min(BURST_SECONDS * rate, bucket.bytes + (rate * (nowMs - bucket.filledMs)) / 1000)
    bucket.filledMs = nowMs
  }

  #bucketOf(peer: PeerId): Bucket {
    const known = this.#each.get(peer)
    const bucket = known ?? {
      bytes: BURST_SECONDS * this.#init.bytesPerSecondEach!,
      filledMs: this.#init.clock.nowMs()
    }
    this.#each.delete(peer)
    this.#each.set(peer, bucket)
    trim(this.#each)
    return bucket
  }
}

function trim(byPeer: Map<PeerId, unknown>): void {
  for (const oldest of byPeer.keys()) {
    if (byPeer.size <= BUCKETS_MAX) return
    byPeer.delete(oldest)
  }
}
