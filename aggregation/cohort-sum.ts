/**
 * The sums of the cohorts of a larger network, and their sum: signed integers of 32 bits, which hold what a ring of 16
 * or 20 bits can add up to in one cohort, a thousand times over.
 */
import { AggregationError } from './errors.ts'
import { bytesOfLanes, lanesOfBytes } from './ring.ts'
import { checkLength } from './vector.ts'

export const COHORT_SUM_LANE_BYTES = 4

/**
 * As it travels: little-endian, two's complement.
 * @param integers - shape [lanes]
 * @throws AggregationError RING_OVERFLOW, naming the coordinate, for what 32 bits do not hold
 */
export function bytesOfCohortSum(integers: ArrayLike<number>): Uint8Array {
  const sum = Int32Array.from(integers)
  for (let i = 0; i < sum.length; i++) {
    if (sum[i] !== integers[i]) {
      throw new AggregationError('RING_OVERFLOW', { ringBits: 32, coordinate: i, got: integers[i] })
    }
  }
  return bytesOfLanes(new Uint32Array(sum.buffer)).slice()
}

/** @returns shape [lanes] @throws AggregationError LENGTH_MISMATCH if the bytes do not hold whole integers */
export function cohortSumOfBytes(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset, length } = lanesOfBytes(bytes, 32)
  return new Int32Array(buffer, byteOffset, length)
}

/**
 * Adds up the sums of some cohorts.
 * @param sums - at least one, all of one length
 * @returns shape [lanes]
 * @throws AggregationError TOO_FEW, LENGTH_MISMATCH; RING_OVERFLOW, naming the coordinate
 */
export function addCohortSums(sums: readonly Int32Array[]): Int32Array {
  const [first, ...others] = sums
  if (first === undefined) throw new AggregationError('TOO_FEW', { needed: 1, got: 0 })
  const total = first.slice()
  for (const sum of others) {
    checkLength(total.length, sum.length)
    for (let i = 0; i < total.length; i++) {
      const exact = total[i]! + sum[i]!
      total[i] = exact
      if (total[i] !== exact)
        throw new AggregationError('RING_OVERFLOW', { ringBits: 32, coordinate: i, got: exact })
    }
  }
  return total
}
