import type { Lanes } from '../../aggregation/ring.ts'

export interface UniformityResult {
  /**
   * Probability that uniform data look at least this uneven, or at least this suspiciously even: the smallest of
   * the single tests' two-sided values, times their number (Bonferroni).
   */
  readonly p: number
  /** The single tests, by name. */
  readonly tests: ReadonlyArray<{ readonly name: string; readonly statistic: number; readonly p: number }>
}

/** Below this a result is called "not uniform". With one in a million, a fixed-seed suite does not cry wolf. */
export const UNIFORMITY_P_MIN = 1e-6

/** With fewer in a bin the chi-square distribution is no longer a good approximation (Cochran 1954). */
const EXPECTED_PER_BIN_MIN = 5

/**
 * Is a vector of lanes indistinguishable from uniform, as every masked input must be? One chi-square test over 256
 * bins for each byte of the lane, one over pairs of neighbours (upper half-bytes), which sees what a histogram does
 * not: order.
 * @param lanes - at least 2,560
 */
export function laneUniformity(lanes: Lanes): UniformityResult {
  const tests: Array<{ name: string; statistic: number; p: number }> = []
  const run = (name: string, count: number, bin: (i: number) => number) => {
    const counts = new Float64Array(256)
    for (let i = 0; i < count; i++) counts[bin(i)]!++
    const { statistic, p } = chiSquareUniform(counts)
    tests.push({ name, statistic, p: 2 * Math.min(p, 1 - p) })
  }
  const bits = 8 * lanes.BYTES_PER_ELEMENT
  for (let shift = 0; shift < bits; shift += 8) {
    run(`byte ${shift / 8}`, lanes.length, i => (lanes[i]! >>> shift) & 255)
  }
  const upper = (i: number) => lanes[i]! >>> (bits - 4)
  run('neighbours', Math.floor(lanes.length / 2), i => (upper(2 * i) << 4) | upper(2 * i + 1))
  return { p: Math.min(1, tests.length * Math.min(...tests.map(test => test.p))), tests }
}

/**
 * Pearson's chi-square test of equal probabilities.
 * @param counts - per bin, at least 5 expected in each
 * @returns p, the probability of a statistic at least this large
 */
export function chiSquareUniform(counts: Float64Array): { statistic: number; p: number } {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const expected = total / counts.length
  if (expected < EXPECTED_PER_BIN_MIN) {
    throw new RangeError(`expected at least ${EXPECTED_PER_BIN_MIN} per bin, got ${expected}: too few data`)
  }
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  return { statistic, p: chiSquareTail(statistic, counts.length - 1) }
}

/**
 * P(X >= statistic) of the chi-square distribution, by the cube root's near normality.
 * Source: Wilson and Hilferty 1931; good to about three digits from 30 degrees of freedom on.
 */
export function chiSquareTail(statistic: number, degreesOfFreedom: number): number {
  const spread = 2 / (9 * degreesOfFreedom)
  const z = (Math.cbrt(statistic / degreesOfFreedom) - (1 - spread)) / Math.sqrt(spread)
  return normalTail(z)
}

/** P(Z >= z) of the standard normal distribution: the continued fraction of Laplace outside, the series inside. */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z)
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  if (z > 3) {
    let fraction = z
    for (let k = 60; k >= 1; k--) fraction = z + k / fraction
    return density / fraction
  }
  let term = z
  let sum = z
  for (let k = 1; k < 60; k++) {
    term *= (z * z) / (2 * k + 1)
    sum += term
  }
  return 0.5 - density * sum
}
