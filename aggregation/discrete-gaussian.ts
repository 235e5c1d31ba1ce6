/**
 * The discrete Gaussian, sampled exactly: P(x) is proportional to e^(-x² / (2 variance)) at every integer x, with no
 * rounding anywhere, given uniform words. Whole numbers only; what could pass 2^53 takes a longer way round.
 * The time that a sample takes depends on what is drawn: it is not constant-time.
 * Source: Canonne, Kamath and Steinke 2020, arXiv:2004.00010, algorithms 1 to 3, draw by draw as in the authors'
 * discretegauss.py (github.com/IBM/discrete-gaussian-differential-privacy).
 */
import { checkWhole } from './dp-checks.ts'
import { LAST_WEIGHT_BITS, WEIGHT_BITS } from './dp-noise-table.ts'
import type { UniformIntegers } from './dp-uniform.ts'

/** 2 variance (sqrt(variance) + 1)² stays below 2^46: the longer way is taken once in very many samples. */
export const DISCRETE_GAUSSIAN_VARIANCE_MAX = 4_194_304

const LARGEST = Number.MAX_SAFE_INTEGER

/**
 * @param variance - the parameter sigma², a whole number, 1..DISCRETE_GAUSSIAN_VARIANCE_MAX; the variance itself is that
 * to within 1e-6 of it from 1 on
 * @throws AggregationError BAD_SETTING
 */
export function sampleDiscreteGaussian(variance: number, uniform: UniformIntegers): number {
  checkWhole('variance', variance, 1, DISCRETE_GAUSSIAN_VARIANCE_MAX)
  const scale = floorRoot(variance) + 1
  const denominator = 2 * variance * scale * scale
  for (;;) {
    const candidate = discreteLaplace(scale, uniform)
    // Accepted with probability exp(-(|y| - variance / scale)² / (2 variance)).
    const distance = Math.abs(Math.abs(candidate) * scale - variance)
    if (exponentialCoin(distance, denominator, uniform)) return candidate
  }
}

/** P(x) proportional to e^(-|x| / scale). */
function discreteLaplace(scale: number, uniform: UniformIntegers): number {
  for (;;) {
    const isNegative = uniform.below(2) < 1
    let low = uniform.below(scale)
    while (!smallExponentialCoin(low, scale, uniform)) low = uniform.below(scale)
    let high = 0
    while (smallExponentialCoin(1, 1, uniform)) high++
    const magnitude = high * scale + low
    // Zero has two signs and would come twice as often.
    if (!(isNegative && magnitude === 0)) return isNegative ? -magnitude : magnitude
  }
}

/** True with probability exp(-distance² / denominator). */
function exponentialCoin(distance: number, denominator: number, uniform: UniformIntegers): boolean {
  const square = distance * distance
  let [whole, rest] = [0, square]
  if (square > LARGEST) {
    const exact = BigInt(distance) * BigInt(distance)
    whole = Number(exact / BigInt(denominator))
    rest = Number(exact % BigInt(denominator))
  } else if (square > denominator) {
    // Rounding the quotient moves it by less than 1 / denominator while the square is below 2^53: never past a whole.
    whole = Math.floor(square / denominator)
    rest = square % denominator
  }
  // exp(-1) for each whole, but the last stays with the rest when that is nothing: as the authors draw it.
  if (rest === 0 && whole > 0) {
    whole--
    rest = denominator
  }
  for (; whole > 0; whole--) if (!smallExponentialCoin(1, 1, uniform)) return false
  return smallExponentialCoin(rest, denominator, uniform)
}

/** True with probability exp(-numerator / denominator), 0 <= numerator <= denominator. */
function smallExponentialCoin(numerator: number, denominator: number, uniform: UniformIntegers): boolean {
  let k = 1
  while (coin(numerator, denominator, k, uniform)) k++
  return k % 2 === 1
}

/** True with probability numerator / (denominator k). */
function coin(numerator: number, denominator: number, k: number, uniform: UniformIntegers): boolean {
  if (denominator * k <= LARGEST) return uniform.below(denominator * k) < numerator
  return uniform.below(denominator) < numerator && uniform.below(k) === 0
}

function floorRoot(x: number): number {
  let root = Math.floor(Math.sqrt(x))
  while (root * root > x) root--
  while ((root + 1) * (root + 1) <= x) root++
  return root
}

/**
 * Weights of 0, 1, 2, ... for a table of the same distribution, as multiples of 2^-WEIGHT_BITS.
 * @param variance - as for sampleDiscreteGaussian
 */
export function discreteGaussianWeights(variance: number): bigint[] {
  checkWhole('variance', variance, 1, DISCRETE_GAUSSIAN_VARIANCE_MAX)
  const one = 1n << WEIGHT_BITS
  // w(k+1) = w(k) g(k), where g(0) = e^(-1 / (2 variance)) and g(k+1) = g(k) e^(-1 / variance).
  let factor = exponential(2 * variance)
  const factorStep = exponential(variance)
  const weights = [one]
  let weight = one
  while (weight >> (WEIGHT_BITS - LAST_WEIGHT_BITS) > 0n) {
    weight = (weight * factor) >> WEIGHT_BITS
    factor = (factor * factorStep) >> WEIGHT_BITS
    weights.push(weight)
  }
  return weights
}

/** e^(-1 / divisor) in multiples of 2^-WEIGHT_BITS, to a few of them, by its series. */
function exponential(divisor: number): bigint {
  let term = 1n << WEIGHT_BITS
  let sum = term
  for (let k = 1n; term !== 0n; k++) {
    term = -term / (k * BigInt(divisor))
    sum += term
  }
  return sum
}
