import { AggregationError } from './errors.ts'
import type { Random } from './random.ts'
import type { FloatVector } from './vector.ts'

/**
 * Clamps to [-bound, bound], then rounds stochastically to one of the whole levels -levelMax..levelMax, so that the
 * mean of dequantize(quantize(x)) is clamp(x).
 * Source: Suresh et al. 2017, arXiv:1611.00429, k-level quantization.
 * @param values - shape [d], finite
 * @param bound - > 0, same unit as `values`
 * @param levelMax - 1..2^31 - 1; encoding.ts checks that n * levelMax fits the ring
 * @returns shape [d], levels in [-levelMax, levelMax]
 * @throws AggregationError NON_FINITE, naming the coordinate; BAD_SETTING
 */
export function quantize(values: FloatVector, bound: number, levelMax: number, random: Random): Int32Array {
  checkScale(bound, levelMax)
  const levels = new Int32Array(values.length)
  for (let i = 0; i < values.length; i++) {
    const x = values[i]!
    if (!Number.isFinite(x)) throw new AggregationError('NON_FINITE', { coordinate: i })
    // Divide first: x = bound gives exactly 1, so no level exceeds levelMax.
    const scaled = (Math.min(Math.max(x, -bound), bound) / bound) * levelMax
    const level = Math.floor(scaled)
    levels[i] = random.nextUint32() < (scaled - level) * 2 ** 32 ? level + 1 : level
  }
  return levels
}

/**
 * Levels [d], or sums of levels, back in the unit of `bound`: level / levelMax * bound in float64.
 * @throws AggregationError BAD_SETTING
 */
export function dequantize(levels: Int32Array | Float64Array, bound: number, levelMax: number): Float64Array {
  checkScale(bound, levelMax)
  const values = new Float64Array(levels.length)
  for (let i = 0; i < levels.length; i++) values[i] = (levels[i]! / levelMax) * bound
  return values
}

function checkScale(bound: number, levelMax: number): void {
  if (!(bound > 0 && Number.isFinite(bound))) {
    throw new AggregationError('BAD_SETTING', { setting: 'bound', got: bound, expected: 'finite and > 0' })
  }
  if (!Number.isInteger(levelMax) || levelMax < 1 || levelMax > 2 ** 31 - 1) {
    throw new AggregationError('BAD_SETTING', { setting: 'levelMax', got: levelMax, expected: '1..2^31 - 1' })
  }
}
