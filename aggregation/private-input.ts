/**
 * A private round's inputs and sum as lanes of the ring: clip, rotate, then everything of privacy-encoding.ts, modulo the
 * ring. What encoding.ts is to rounds without noise; here every weight is 1 and no metric travels along.
 */
import { utf8Bytes } from './canonical-bytes.ts'
import { clipToNorm } from './clip.ts'
import type { NoiseSampler } from './dp-noise.ts'
import type { DecodedSum } from './encoding.ts'
import { AggregationError } from './errors.ts'
import { decodePrivateSum, encodePrivately, unclippedFraction, unclippedSide } from './privacy-encoding.ts'
import type { PrivacyPlan } from './privacy-plan.ts'
import type { Random } from './random.ts'
import { type Lanes, type RingBits, ringBitsOf, setLanes, zeroLanes } from './ring.ts'
import { rotate, unrotate } from './rotate.ts'
import { checkLength } from './vector.ts'

/** How the inputs of one private round become lanes. Every member derives the same one; its text is hashed. */
export interface PrivateEncoding {
  /** For the cohort and the coordinates of this round; its one side, if it has one, is the count of the unclipped. */
  readonly plan: PrivacyPlan
  readonly ringBits: RingBits
  /** Public seed of the rotation (rotate.ts). */
  readonly rotationSeed: string
}

export interface DecodedPrivateSum extends DecodedSum {
  /** Noised, within [0, 1]; null if the round does not count them. */
  readonly unclippedFraction: number | null
}

/** Noise passes its bound in a coordinate once in e^40 = 2e17 (Bernstein's inequality, for both kinds of noise). */
const TAIL_NATS = 40

/** How many deviations longer the noise may be than sqrt(d) of them: Gaussian noise is once in e^128. */
const NORM_DEVIATIONS_MAX = 16

/** Lanes of one input: d coordinates and the sides. */
export function privateLaneCount({ plan }: PrivateEncoding): number {
  return plan.settings.dimension + plan.sideLevels.length
}

/**
 * @param delta - shape [d], as it was trained: clipped here
 * @param clipNorm - of this round, same unit as `delta`
 * @param noise - from noiseSampler with the plan's share variance
 * @param random - from secureRandom, new for every input: noise that is used twice can be taken off
 * @returns shape [privateLaneCount(encoding)], not masked yet
 * @throws AggregationError NON_FINITE, naming the coordinate; LENGTH_MISMATCH, BAD_SETTING
 */
export function encodePrivateInput(
  { plan, ringBits, rotationSeed }: PrivateEncoding,
  delta: Float32Array,
  clipNorm: number,
  noise: NoiseSampler,
  random: Random
): Lanes {
  checkLength(plan.settings.dimension, delta.length)
  const { clipped, norm } = clipToNorm(delta, clipNorm)
  const coordinates = rotate(clipped, utf8Bytes(rotationSeed))
  try {
    const sides = plan.sideLevels.map(() => unclippedSide(norm, clipNorm))
    const levels = encodePrivately(plan, { coordinates, sides }, clipNorm, noise, random)
    const lanes = zeroLanes(ringBits, levels.length)
    setLanes(lanes, levels)
    levels.fill(0)
    return lanes
  } finally {
    clipped.fill(0)
    coordinates.fill(0)
  }
}

/**
 * The survivors' noised sum in the units of the inputs.
 * @param sum - lanes [privateLaneCount(encoding)], unmasked
 * @param survivors - how many inputs it holds, 1..n
 * @throws AggregationError LENGTH_MISMATCH, BAD_SETTING, TOO_FEW, RING_OVERFLOW as decodeSum; BAD_SUM if no honest inputs
 * and noise can be taken to have this sum
 */
export function decodePrivateLanes(
  { plan, ringBits, rotationSeed }: PrivateEncoding,
  sum: Lanes,
  survivors: number,
  clipNorm: number
): DecodedPrivateSum {
  const { dimension, participants } = plan.settings
  checkLength(dimension + plan.sideLevels.length, sum.length)
  if (ringBitsOf(sum) !== ringBits) {
    throw new AggregationError('BAD_SETTING', {
      setting: 'ringBits',
      got: ringBitsOf(sum),
      expected: ringBits
    })
  }
  if (survivors < 1) throw new AggregationError('TOO_FEW', { needed: 1, got: survivors })
  if (survivors > participants) {
    throw new AggregationError('RING_OVERFLOW', { participants, ringBits, inputs: survivors })
  }
  return decodePrivateIntegers({ plan, ringBits, rotationSeed }, privateIntegersOf(sum), survivors, clipNorm)
}

/** A sum as the integers that it stands for, all with their sign: shape [privateLaneCount(encoding)]. */
export function privateIntegersOf(sum: Lanes): Float64Array {
  const half = (1 << (ringBitsOf(sum) - 2)) * 2
  return Float64Array.from(sum, lane => (lane >= half ? lane - 2 * half : lane))
}

/**
 * As decodePrivateLanes, of integers that may hold more inputs than the ring has room for: the sum of several cohorts.
 * @param sum - shape [privateLaneCount(encoding)]
 * @throws AggregationError LENGTH_MISMATCH; BAD_SUM as there
 */
export function decodePrivateIntegers(
  { plan, rotationSeed }: PrivateEncoding,
  sum: ArrayLike<number>,
  survivors: number,
  clipNorm: number
): DecodedPrivateSum {
  checkLength(plan.settings.dimension + plan.sideLevels.length, sum.length)
  const levels = Float64Array.from(sum)
  checkPlausible(levels, plan, survivors)
  const { coordinates, sides } = decodePrivateSum(plan, levels, clipNorm)
  const [side] = sides
  return {
    weightedSum: unrotate(coordinates, utf8Bytes(rotationSeed)),
    weightSum: survivors,
    meanMetrics: [],
    unclippedFraction: side === undefined ? null : unclippedFraction(side, survivors)
  }
}

/** Canonical text, the input of the encoding's hash: one `name value` line per field. */
export function privateEncodingText({ plan, ringBits, rotationSeed }: PrivateEncoding): string {
  const { settings, honestShares, clipLevels, levelMax, sideLevels, l2Bound, shareVariance } = plan
  const { noise, noiseMultiplier, dimension, participants, threshold, colluders } = settings
  const fields = {
    noise,
    noiseMultiplier,
    ringBits,
    participants,
    threshold,
    colluders,
    dimension,
    honestShares,
    clipLevels,
    levelMax,
    sideLevels: sideLevels.join(' '),
    l2Bound,
    shareVariance,
    rotation: `hadamard ${JSON.stringify(rotationSeed)}`
  }
  return Object.entries(fields)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('')
}

/**
 * Garbage is told from noise where the ring is wide enough for it: by single coordinates, and by the length of all.
 * @throws AggregationError BAD_SUM
 */
function checkPlausible(levels: Float64Array, plan: PrivacyPlan, survivors: number): void {
  const { levelMax, sideLevels, shareVariance, sensitivity } = plan
  const variance = survivors * shareVariance
  const tail = TAIL_NATS / 3 + Math.sqrt((TAIL_NATS / 3) * (TAIL_NATS / 3) + 2 * TAIL_NATS * variance)
  const largest = survivors * Math.max(levelMax, ...sideLevels) + tail
  const deviation = Math.sqrt(variance) + 1
  const longest = survivors * sensitivity.l2 + deviation * (Math.sqrt(levels.length) + NORM_DEVIATIONS_MAX)
  let squares = 0
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!
    squares += level * level
    if (Math.abs(level) > largest) {
      const reason = 'coordinate outside its bounds'
      throw new AggregationError('BAD_SUM', { reason, coordinate: i, level, largest })
    }
  }
  const length = Math.sqrt(squares)
  if (length > longest) throw new AggregationError('BAD_SUM', { reason: 'too long', length, longest })
}
