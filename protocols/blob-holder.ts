/** What one run of a pull knows of one holder. */
import type { ChunkSet } from './chunk-set.ts'
import type { PeerId } from './ports.ts'

/** Of the newest answer, in the mean of all: a holder that has become slow is soon known to be. */
const NEWEST = 0.5

export class BlobHolder {
  readonly peer: PeerId
  /** What it says that it has; `all` if it was not asked or does not know the question. */
  map: ChunkSet | 'all' | null = null
  isMapAsked = false
  mappedAtMs = 0
  /** Requests under way. */
  busy = 0
  /** Answers that broke what its map said. */
  falseMaps = 0
  #bytesPerMs = Number.POSITIVE_INFINITY

  constructor(peer: PeerId) {
    this.peer = peer
  }

  get isPartial(): boolean {
    return this.map !== null && this.map !== 'all' && !this.map.isFull
  }

  /** Infinite before the first answer, so that each is tried. */
  get bytesPerMs(): number {
    return this.#bytesPerMs
  }

  gave(bytes: number, ms: number): void {
    const rate = bytes / Math.max(1, ms)
    this.#bytesPerMs = Number.isFinite(this.#bytesPerMs)
      ? NEWEST * rate + (1 - NEWEST) * this.#bytesPerMs
      : rate
  }
}
