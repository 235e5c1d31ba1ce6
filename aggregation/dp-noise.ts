import { discreteGaussianWeights, sampleDiscreteGaussian } from './discrete-gaussian.ts'
import { noiseTable } from './dp-noise-table.ts'
import { uniformIntegers } from './dp-uniform.ts'
import type { NoiseName } from './privacy-plan.ts'
import type { Random } from './random.ts'
import { sampleSkellam, skellamWeights } from './skellam.ts'

/** Draws the noise of one coordinate, in integer steps. */
export type NoiseSampler = (random: Random) => number

/**
 * How noise is drawn. `exact`: no rounding at all; under a microsecond a sample for the discrete Gaussian, for Skellam
 * some 0.13 microseconds for each unit of variance. `table`: within 2^-110 of the distribution, 20 nanoseconds a sample
 * after up to 60 ms of making the table.
 */
export type NoiseMethod = 'exact' | 'table'

/**
 * A sampler of one peer's share of the noise; made once for many samples.
 * @param variance - a whole number of squared steps, 1..SHARE_VARIANCE_MAX, from the plan
 * @throws AggregationError BAD_SETTING
 */
export function noiseSampler(name: NoiseName, variance: number, method: NoiseMethod): NoiseSampler {
  if (method === 'table') {
    const weights = name === 'skellam' ? skellamWeights(variance) : discreteGaussianWeights(variance)
    return noiseTable(weights).sample
  }
  const draw = name === 'skellam' ? sampleSkellam : sampleDiscreteGaussian
  return random => draw(variance, uniformIntegers(random))
}
