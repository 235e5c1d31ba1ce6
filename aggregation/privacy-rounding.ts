/**
 * Rounding to integers under a bound on the norm. Rounding up or down at random can lengthen a vector, and what it can
 * become at the longest is what the noise has to cover: so a rounding above a published bound is drawn again.
 * Source: Kairouz, Liu and Steinke 2021, arXiv:2102.06387, section 4.1, proposition 22 (conditional randomized rounding).
 */
import { checkPositive, checkSetting, checkWhole } from './dp-checks.ts'
import { log } from './dp-elementary.ts'
import { AggregationError } from './errors.ts'
import type { Random } from './random.ts'

/** e^(-1/2), the paper's: a rounding is accepted with probability 1 - beta at least. Then sqrt(2 ln(1 / beta)) = 1. */
export const ROUNDING_BETA = 0.6065306597126334

/** At beta = 0.6 that many refusals in a row have a probability below 2^-700: the input was longer than promised. */
const ROUNDINGS_MAX = 1000

/**
 * The L2 norm that a rounded vector [dimension] may have: the smaller of `norm` + sqrt(d), which always holds, and
 * sqrt(norm² + d / 4 + sqrt(2 ln(1 / beta)) (norm + sqrt(d) / 2)), which a rounding meets with probability 1 - beta.
 * @param norm - bound of the L2 norm before rounding, in integer steps
 * @param beta - 0 (never draw again) up to below 1
 */
export function roundedL2Bound(norm: number, dimension: number, beta = ROUNDING_BETA): number {
  checkPositive('norm', norm)
  checkWhole('dimension', dimension, 1)
  checkSetting('beta', beta, 'from 0 to below 1', beta >= 0 && beta < 1)
  const always = norm + Math.sqrt(dimension)
  if (beta === 0) return always
  const slack = Math.sqrt(-2 * log(beta)) * (norm + Math.sqrt(dimension) / 2)
  return Math.min(always, Math.sqrt(norm * norm + dimension / 4 + slack))
}

/** The L1 norm of an integer vector [dimension] of that L2 norm: at most sqrt(d) times it, and at most its square. */
export function integerL1Bound(l2: number, dimension: number): number {
  return l2 * Math.min(Math.sqrt(dimension), l2)
}

/**
 * Each value rounded up with the probability of its fraction, else down; all drawn again until their L2 norm is at most
 * `l2Bound`. How often tells something about the values to who measures the time.
 * @param values - shape [d], in integer steps, finite
 * @param l2Bound - from roundedL2Bound
 * @returns shape [d]
 * @throws AggregationError NON_FINITE, naming the coordinate; BAD_SETTING if the values are longer than the bound allows
 */
export function roundWithin(values: Float64Array, l2Bound: number, random: Random): Int32Array {
  const levels = new Int32Array(values.length)
  // The squares are added in float64: below 2^53 exactly, above it to a relative d 2^-53, taken off the bound.
  const squareMax = l2Bound * l2Bound * (1 - (values.length + 2) * 2 ** -52)
  for (let attempt = 0; attempt < ROUNDINGS_MAX; attempt++) {
    let square = 0
    for (let i = 0; i < values.length; i++) {
      const x = values[i]!
      if (!Number.isFinite(x)) throw new AggregationError('NON_FINITE', { coordinate: i })
      const below = Math.floor(x)
      const level = random.nextUint32() < (x - below) * 2 ** 32 ? below + 1 : below
      levels[i] = level
      square += level * level
    }
    if (square <= squareMax) return levels
  }
  throw new AggregationError(
    'BAD_SETTING',
    { setting: 'values', got: 'a longer vector', expected: `an L2 norm that rounds to at most ${l2Bound}` },
    `none of ${ROUNDINGS_MAX} roundings stayed within the L2 norm ${l2Bound}: clip the values before they are scaled`
  )
}
