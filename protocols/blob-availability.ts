/** How many holders have each chunk of a blob. */
import type { ChunkSet } from './chunk-set.ts'

export interface Availability {
  /** By chunk. */
  readonly counts: Uint16Array
  /** Of all chunks the fewest: whoever finds a chunk of so few holders need look no further. */
  readonly least: number
}

/** @param maps - of each holder; null for one that has not said yet */
export function availabilityOf(maps: ReadonlyArray<ChunkSet | 'all' | null>, chunks: number): Availability {
  const counts = new Uint16Array(chunks)
  let whole = 0
  for (const map of maps) {
    if (map === null) continue
    if (map === 'all' || map.isFull) whole++
    else for (let chunk = 0; chunk < chunks; chunk++) if (map.has(chunk)) counts[chunk]!++
  }
  let least = Number.POSITIVE_INFINITY
  for (let chunk = 0; chunk < chunks; chunk++) {
    counts[chunk]! += whole
    least = Math.min(least, counts[chunk]!)
  }
  return { counts, least }
}
