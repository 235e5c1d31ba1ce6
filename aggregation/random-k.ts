/**
 * Random-k with error feedback: all peers send the same k of d coordinates, drawn anew for every round from a public seed,
 * and each keeps for later what it did not send. Same coordinates, so that the secure sum adds k lanes and learns nothing
 * about which ones. Source: Stich, Cordonnier, Jaggi 2018, arXiv:1809.07599 (random-k with memory); Karimireddy et al.
 * 2019, arXiv:1901.09847 (error feedback).
 */
import { utf8Bytes } from './canonical-bytes.ts'
import { clipToNorm } from './clip.ts'
import { AggregationError } from './errors.ts'
import { seededRandom } from './random.ts'
import { checkLength, type FloatVector, l2Norm } from './vector.ts'

/** k = ceil(fraction * d), at least 1. @param fraction - above 0, up to 1 */
export function keptCount(fraction: number, dimension: number): number {
  if (!(fraction > 0 && fraction <= 1)) {
    throw new AggregationError('BAD_SETTING', {
      setting: 'randomK',
      got: fraction,
      expected: 'above 0, at most 1'
    })
  }
  return Math.min(dimension, Math.max(1, Math.ceil(fraction * dimension)))
}

/**
 * k of the coordinates 0..d-1, every choice as likely as any other, in ascending order.
 * Source: Knuth, The Art of Computer Programming, 3.4.2, algorithm S (selection sampling).
 * @param seed - public
 * @returns shape [k]
 */
export function keptCoordinates(seed: string, dimension: number, count: number): Uint32Array {
  const random = seededRandom(utf8Bytes(seed))
  const kept = new Uint32Array(count)
  let at = 0
  for (let i = 0; at < count; i++) {
    // Certain once as many are left as are wanted: the draw is below 2^32.
    if (random.nextUint32() * (dimension - i) < (count - at) * 2 ** 32) kept[at++] = i
  }
  return kept
}

/** What one peer sends of its change, and what it keeps. */
export interface Compressed {
  /** Shape [k], of norm at most the clip norm. */
  readonly sent: Float64Array
  /** What is left over, shape [d], once `sent` is in a sum that counted. */
  readonly leftover: Float64Array
  /**
   * What is left over, shape [d], if the round came to nothing: as before it, without the coordinates that were handed
   * out. They may have been in a sum that others opened, and two sums must not show them twice.
   */
  readonly leftoverUncounted: Float64Array
}

/**
 * @param delta - of this round, shape [d], clipped
 * @param leftover - of the rounds before, shape [d]; all zero in the first
 * @param kept - shape [k], ascending
 * @throws AggregationError LENGTH_MISMATCH, NON_FINITE, BAD_SETTING
 */
export function compress(
  delta: FloatVector,
  leftover: FloatVector,
  kept: Uint32Array,
  clipNorm: number
): Compressed {
  checkLength(delta.length, leftover.length)
  const whole = Float64Array.from(delta, (x, i) => x + leftover[i]!)
  const uncounted = Float64Array.from(leftover)
  const { clipped: sent } = clipToNorm(
    Float64Array.from(kept, i => whole[i]!),
    clipNorm
  )
  kept.forEach((i, at) => {
    whole[i] = whole[i]! - sent[at]!
    uncounted[i] = 0
  })
  // Lemma 3 of Karimireddy et al. bounds what is left over by twice d / k times the norm of one change. Only what the clip
  // cuts off could go beyond that: it would grow for as long as the changes are too long.
  const bound = (2 * clipNorm * delta.length) / kept.length
  return { sent, leftover: within(whole, bound), leftoverUncounted: within(uncounted, bound) }
}

/** The sent coordinates in their places, zero elsewhere. @param values - shape [k] @returns shape [d] */
export function spread(values: Float64Array, kept: Uint32Array, dimension: number): Float64Array {
  checkLength(kept.length, values.length)
  const out = new Float64Array(dimension)
  kept.forEach((i, at) => {
    out[i] = values[at]!
  })
  return out
}

function within(vector: Float64Array, bound: number): Float64Array {
  return l2Norm(vector) <= bound ? vector : clipToNorm(vector, bound).clipped
}
