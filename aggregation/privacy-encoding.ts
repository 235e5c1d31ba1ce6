/**
 * One client's change as integers with noise, and the sum of the survivors' back again. Everything that differential
 * privacy rests on happens here, in integers: the norm after rounding and the noise. What the ring, the masks and the
 * server do afterwards can neither raise nor lower the epsilon.
 */
import { checkPositive, checkSetting, checkWhole } from './dp-checks.ts'
import type { NoiseSampler } from './dp-noise.ts'
import { coordinateBoundOf } from './encoding.ts'
import { AggregationError } from './errors.ts'
import type { PrivacyPlan } from './privacy-plan.ts'
import { roundWithin } from './privacy-rounding.ts'
import type { Random } from './random.ts'
import { checkLength, l2Norm } from './vector.ts'

/** What one client gives to the sum. */
export interface PrivateInput {
  /** Shape [d], clipped to the clip norm and rotated. */
  readonly coordinates: Float64Array
  /** One value of [-1, 1] for each side bound of the plan. */
  readonly sides: readonly number[]
}

/** What the noised sum says. */
export interface PrivateSum {
  /** Sum of the clients' changes and the noise, shape [d], rotated as they were. */
  readonly coordinates: Float64Array
  /** Sums of the sides and their noise. */
  readonly sides: readonly number[]
}

/** What clipping and rotation in float64 may add to a norm. */
const NORM_ROUNDING = 1e-9

/**
 * Scaled so that the clip norm is plan.clipLevels steps, clamped, rounded within the plan's norm, then noise on every
 * coordinate and every side. The values fit 32 bits; the ring takes them modulo its size.
 * @param clipNorm - of this round, same unit as the coordinates
 * @param noise - from noiseSampler with the plan's share variance
 * @param random - from secureRandom: who can guess it can take the noise off
 * @returns shape [d + sides]
 * @throws AggregationError LENGTH_MISMATCH; NON_FINITE; BAD_SETTING, also for coordinates longer than the clip norm
 */
export function encodePrivately(
  plan: PrivacyPlan,
  { coordinates, sides }: PrivateInput,
  clipNorm: number,
  noise: NoiseSampler,
  random: Random
): Int32Array {
  const { settings, clipLevels, l2Bound, sideLevels } = plan
  checkLength(settings.dimension, coordinates.length)
  checkLength(sideLevels.length, sides.length)
  checkPositive('clip norm', clipNorm)
  const bound = coordinateBoundOf(clipLevels, settings.dimension, true)
  // Found here at once, instead of by a thousand roundings that are all too long.
  const norm = l2Norm(coordinates)
  const longest = clipNorm * (1 + NORM_ROUNDING)
  checkSetting('norm of the coordinates', norm, `at most the clip norm ${clipNorm}`, norm <= longest)
  const scaled = coordinates.map(x => Math.min(Math.max((x / clipNorm) * clipLevels, -bound), bound))
  const levels = new Int32Array(coordinates.length + sides.length)
  levels.set(roundWithin(scaled, l2Bound, random))
  sides.forEach((side, i) => {
    checkSetting(`side ${i}`, side, 'from -1 to 1', side >= -1 && side <= 1)
    levels[coordinates.length + i] = Math.round(side * sideLevels[i]!)
  })
  for (let i = 0; i < levels.length; i++) levels[i]! += noise(random)
  return levels
}

/**
 * The sum of the survivors' levels in the units of the inputs.
 * @param sum - shape [d + sides], signed
 * @throws AggregationError LENGTH_MISMATCH, BAD_SETTING; NON_FINITE, naming the coordinate
 */
export function decodePrivateSum(plan: PrivacyPlan, sum: Float64Array, clipNorm: number): PrivateSum {
  const { settings, clipLevels, sideLevels } = plan
  checkLength(settings.dimension + sideLevels.length, sum.length)
  checkPositive('clip norm', clipNorm)
  const coordinate = sum.findIndex(level => !Number.isFinite(level))
  if (coordinate >= 0) throw new AggregationError('NON_FINITE', { coordinate })
  return {
    coordinates: sum.subarray(0, settings.dimension).map(level => (level / clipLevels) * clipNorm),
    sides: sideLevels.map((levels, i) => sum[settings.dimension + i]! / levels)
  }
}

/** What a client says of its norm, for the next clip norm (privacy-clipping.ts). @throws AggregationError BAD_SETTING */
export function unclippedSide(norm: number, clipNorm: number): 1 | -1 {
  checkSetting('norm', norm, 'finite and at least 0', norm >= 0 && Number.isFinite(norm))
  return norm <= clipNorm ? 1 : -1
}

/** The fraction of clients that were not clipped, from their noised sum: within [0, 1]. */
export function unclippedFraction(sideSum: number, survivors: number): number {
  checkWhole('survivors', survivors, 1)
  return Math.min(Math.max((sideSum / survivors + 1) / 2, 0), 1)
}
