/**
 * Skellam noise: the difference of two independent Poisson numbers of the same mean, variance / 2 each. A sum of Skellam
 * numbers is Skellam, so the noise of any survivors together is known. Two ways to draw it: exactly, from whole numbers
 * alone, in a time that grows with the variance; and from weights for a table (dp-noise-table.ts, which says how near
 * it is). Neither is constant-time. Source: Skellam 1946; Agarwal, Kairouz and Liu 2021, arXiv:2110.04995.
 */
import { checkWhole } from './dp-checks.ts'
import { LAST_WEIGHT_BITS, WEIGHT_BITS } from './dp-noise-table.ts'
import type { UniformIntegers } from './dp-uniform.ts'

/** A table beyond it would pass 50,000 entries. */
export const SKELLAM_VARIANCE_MAX = 4_194_304

/**
 * One sample, exact given uniform words: each Poisson number of mean variance / 2 is a sum of `variance` of mean 1/2.
 * @param variance - a whole number, 1..SKELLAM_VARIANCE_MAX; some 10 words are drawn for each of it
 * @throws AggregationError BAD_SETTING
 */
export function sampleSkellam(variance: number, uniform: UniformIntegers): number {
  checkWhole('variance', variance, 1, SKELLAM_VARIANCE_MAX)
  let difference = 0
  for (let i = 0; i < variance; i++) difference += poissonHalf(uniform) - poissonHalf(uniform)
  return difference
}

/**
 * Poisson of mean 1/2: a geometric number n of ratio 1/2, accepted with probability 1 / n!.
 * Source: Flajolet, Pelletier and Soria 2011, arXiv:0906.5560, section 2.2 (von Neumann's scheme).
 */
function poissonHalf(uniform: UniformIntegers): number {
  for (;;) {
    let n = 0
    while (uniform.below(2) === 1) n++
    let k = 2
    while (k <= n && uniform.below(k) === 0) k++
    if (k > n) return n
  }
}

/**
 * Weights of 0, 1, 2, ... for a table: modified Bessel numbers I_k(variance) up to a common factor, by the recurrence
 * I_(k-1) = I_(k+1) + (2k / variance) I_k downwards, where it is stable. Source: Miller 1952, Olver 1964.
 * @param variance - a whole number, 1..SKELLAM_VARIANCE_MAX
 */
export function skellamWeights(variance: number): bigint[] {
  checkWhole('variance', variance, 1, SKELLAM_VARIANCE_MAX)
  // Far enough out for 2^-170 of the whole, whether the tail is a Gaussian's (large variance) or a factorial's.
  const start = 16 * Math.ceil(Math.sqrt(variance)) + 80
  const divisor = BigInt(variance)
  const weights: bigint[] = []
  let above = 0n
  let weight = 1n << WEIGHT_BITS
  for (let k = start; k >= 0; k--) {
    weights[k] = weight
    ;[above, weight] = [weight, above + (BigInt(2 * k) * weight) / divisor]
  }
  let last = start
  while (weights[last]! << (LAST_WEIGHT_BITS + 8n) < weights[0]!) last--
  return weights.slice(0, last + 2)
}
