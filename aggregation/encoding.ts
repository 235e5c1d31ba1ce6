import { utf8Bytes } from './canonical-bytes.ts'
import { AggregationError } from './errors.ts'
import { dequantize, quantize } from './quantize.ts'
import type { Random } from './random.ts'
import { type Lanes, RING_WIDTHS, type RingBits, ringBitsOf, setLanes, zeroLanes } from './ring.ts'
import { rotate, unrotate } from './rotate.ts'
import { checkLength, type FloatVector } from './vector.ts'

/** How the inputs of one round become lanes of the ring. Every member derives the same one; its text is hashed. */
export interface RoundEncoding {
  readonly ringBits: RingBits
  /** n, the size of the cohort: as many inputs can be added without overflow. */
  readonly participants: number
  /** d, coordinates of the factors that this round sums. */
  readonly dimension: number
  /** Coordinates (after the rotation, if there is one) are clamped to [-coordinateBound, coordinateBound]. */
  readonly coordinateBound: number
  /** A power of two: the largest weight of one peer. */
  readonly maxWeight: number
  /** Metrics that travel inside the sum, one limb each. */
  readonly metricLimbs: number
  /** Public seed of the rotation (rotate.ts), or null for none. */
  readonly rotationSeed: string | null
}

/** What one peer puts in. */
export interface RoundInput {
  /** Shape [d], already clipped to the norm. */
  readonly delta: FloatVector
  /** From roundWeight: a power of two, 1..maxWeight. */
  readonly weight: number
  /** One value >= 0 per metric limb, e.g. the training loss in nats per token. */
  readonly metrics: readonly number[]
}

/** What the sum of the survivors' inputs says. */
export interface DecodedSum {
  /** Sum of weight * delta, shape [d]. */
  readonly weightedSum: Float64Array
  /** Sum of the weights, >= 1. */
  readonly weightSum: number
  /** Per metric the mean over the survivors (unweighted), to METRIC_STEP / 2 and capped at METRIC_MAX for each peer. */
  readonly meanMetrics: readonly number[]
}

/** Ten bits: as wide as one input may be in a 16-bit ring with 64 participants. */
const METRIC_LEVEL_MAX = 1023

/** Coarse on purpose: two rounds that differ by one survivor must not show that peer's loss. Nats per token. */
export const METRIC_STEP = 1 / 16

/** Nats per token; the loss of a uniform guess among 2^92 tokens, so no real loss is capped. */
export const METRIC_MAX = METRIC_LEVEL_MAX * METRIC_STEP

/** Clamping at this many standard deviations of a rotated coordinate loses at most 6e-5 of the energy. */
const ROTATED_BOUND_DEVIATIONS = 4.5

/**
 * The bound of one coordinate of a delta of norm `clipNorm`: the whole norm can lie in one coordinate, unless the
 * rotation spreads it (4.5 clipNorm / sqrt(d)).
 */
export function coordinateBoundOf(clipNorm: number, dimension: number, rotated: boolean): number {
  if (!rotated) return clipNorm
  return Math.min(clipNorm, (ROTATED_BOUND_DEVIATIONS * clipNorm) / Math.sqrt(dimension))
}

/**
 * The weight of a peer: its count of examples (or tokens) rounded to the nearest power of two and capped, because
 * exact counts would show in two sums that differ by one survivor.
 * @param examples - >= 1
 * @param maxWeight - a power of two
 * @throws AggregationError BAD_SETTING
 */
export function roundWeight(examples: number, maxWeight: number): number {
  checkMaxWeight(maxWeight)
  if (!(examples >= 1)) {
    throw new AggregationError('BAD_SETTING', { setting: 'examples', got: examples, expected: '>= 1' })
  }
  let weight = 1
  while (weight < maxWeight && examples >= 1.5 * weight) weight *= 2
  return weight
}

/** Lanes of one input: d coordinates, the weight's limbs, the metrics. @throws as checkEncoding */
export function laneCountOf(encoding: RoundEncoding): number {
  checkEncoding(encoding)
  return encoding.dimension + weightLimbsOf(encoding) + encoding.metricLimbs
}

/**
 * One peer's input as lanes: each coordinate scaled by weight / maxWeight and rounded stochastically to s bits with
 * sign, s = ringBits - ceil(log2 n), so that n of them cannot overflow; then the weight in limbs of s bits; then each
 * metric in steps of METRIC_STEP.
 * @returns shape [laneCountOf(encoding)]
 * @throws AggregationError LENGTH_MISMATCH, NON_FINITE (coordinate, or metric), BAD_SETTING, RING_OVERFLOW
 */
export function encodeInput(encoding: RoundEncoding, input: RoundInput, random: Random): Lanes {
  const lanes = zeroLanes(encoding.ringBits, laneCountOf(encoding))
  const { dimension, coordinateBound, maxWeight, metricLimbs } = encoding
  checkLength(dimension, input.delta.length)
  checkLength(metricLimbs, input.metrics.length)
  if (input.weight > maxWeight || !isPowerOfTwo(input.weight)) {
    const expected = `a power of two, 1..${maxWeight}`
    throw new AggregationError('BAD_SETTING', { setting: 'weight', got: input.weight, expected })
  }
  // Clamp before weighting: a small weight must not buy a larger coordinate.
  const values = clampedCoordinates(input.delta, encoding)
  const share = input.weight / maxWeight
  for (let i = 0; i < values.length; i++) values[i] = values[i]! * share
  setLanes(lanes, quantize(values, coordinateBound, levelMaxOf(encoding), random))
  const digit = powerOfTwo(inputBitsOf(encoding))
  let rest = input.weight
  let at = dimension
  for (let limb = 0; limb < weightLimbsOf(encoding); limb++) {
    lanes[at++] = rest % digit
    rest = Math.floor(rest / digit)
  }
  const metricMax = metricLevelMaxOf(encoding)
  input.metrics.forEach((metric, i) => {
    lanes[at + i] = metricLevel(metric, metricMax, i)
  })
  return lanes
}

/**
 * The survivors' sum back in the units of the inputs.
 * @param sum - lanes [laneCountOf(encoding)], unmasked
 * @param survivors - how many inputs it holds, 1..participants
 * @throws AggregationError LENGTH_MISMATCH, BAD_SETTING; RING_OVERFLOW if more inputs were added than there is room
 * for; BAD_SUM if no inputs within the bounds can have this sum: someone put in garbage
 */
export function decodeSum(encoding: RoundEncoding, sum: Lanes, survivors: number): DecodedSum {
  checkLength(laneCountOf(encoding), sum.length)
  const { ringBits, participants } = encoding
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
  return decodeIntegers(encoding, integersOf(encoding, sum), survivors)
}

/**
 * The sum of inputs as the integers that it stands for: coordinates with their sign, limbs as they are.
 * @param sum - lanes [laneCountOf(encoding)], unmasked, of at most `participants` inputs
 * @returns shape [laneCountOf(encoding)]
 */
export function integersOf({ ringBits, dimension }: RoundEncoding, sum: Lanes): Float64Array {
  const modulus = powerOfTwo(ringBits)
  const integers = new Float64Array(sum)
  for (let i = 0; i < dimension; i++) if (integers[i]! >= modulus / 2) integers[i]! -= modulus
  return integers
}

/**
 * As decodeSum, of integers that may hold more inputs than the ring has room for: the sum of several cohorts.
 * @param sum - shape [laneCountOf(encoding)]
 * @throws AggregationError LENGTH_MISMATCH, BAD_SUM
 */
export function decodeIntegers(
  encoding: RoundEncoding,
  sum: ArrayLike<number>,
  survivors: number
): DecodedSum {
  checkLength(laneCountOf(encoding), sum.length)
  const { dimension, coordinateBound, maxWeight, metricLimbs, rotationSeed } = encoding
  const levelMax = levelMaxOf(encoding)
  const levels = levelsWithin(sum, dimension, survivors * levelMax)
  const weightLimbs = weightLimbsOf(encoding)
  let weightSum = 0
  for (let limb = weightLimbs - 1; limb >= 0; limb--) {
    weightSum = weightSum * powerOfTwo(inputBitsOf(encoding)) + sum[dimension + limb]!
  }
  if (weightSum < survivors || weightSum > survivors * maxWeight) {
    throw new AggregationError('BAD_SUM', {
      reason: 'weight outside its bounds',
      weightSum,
      survivors,
      maxWeight
    })
  }
  const meanMetrics = Array.from({ length: metricLimbs }, (_, i) => {
    const level = sum[dimension + weightLimbs + i]!
    if (level < 0 || level > survivors * metricLevelMaxOf(encoding)) {
      throw new AggregationError('BAD_SUM', {
        reason: 'metric outside its bounds',
        metric: i,
        level,
        survivors
      })
    }
    return (level * METRIC_STEP) / survivors
  })
  const values = dequantize(levels, coordinateBound, levelMax)
  for (let i = 0; i < values.length; i++) values[i] = values[i]! * maxWeight
  return {
    weightedSum: rotationSeed === null ? values : unrotate(values, utf8Bytes(rotationSeed)),
    weightSum,
    meanMetrics
  }
}

/** Canonical text, the input of the encoding's hash: one `name value` line per field. */
export function encodingText(encoding: RoundEncoding): string {
  const { ringBits, participants, dimension, coordinateBound, maxWeight, metricLimbs, rotationSeed } =
    encoding
  const rotation = rotationSeed === null ? 'none' : `hadamard ${JSON.stringify(rotationSeed)}`
  const fields = { ringBits, participants, dimension, coordinateBound, maxWeight, metricLimbs, rotation }
  return Object.entries(fields)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('')
}

/**
 * @throws AggregationError RING_OVERFLOW if the ring leaves no room for n inputs; BAD_SETTING for any other field
 */
export function checkEncoding(encoding: RoundEncoding): void {
  const { ringBits, participants, dimension, coordinateBound, maxWeight, metricLimbs } = encoding
  const check = (setting: string, got: unknown, expected: string, holds: boolean) => {
    if (!holds) throw new AggregationError('BAD_SETTING', { setting, got, expected })
  }
  check('ringBits', ringBits, RING_WIDTHS.join(', '), RING_WIDTHS.includes(ringBits))
  check('participants', participants, 'an integer >= 1', Number.isInteger(participants) && participants >= 1)
  check('dimension', dimension, 'an integer >= 1', Number.isInteger(dimension) && dimension >= 1)
  check('metricLimbs', metricLimbs, 'an integer >= 0', Number.isInteger(metricLimbs) && metricLimbs >= 0)
  const bounded = Number.isFinite(coordinateBound) && coordinateBound > 0
  check('coordinateBound', coordinateBound, 'finite and > 0', bounded)
  checkMaxWeight(maxWeight)
  // Two bits are the least that hold a sign and a level: -1, 0, 1.
  if (inputBitsOf(encoding) < 2) throw new AggregationError('RING_OVERFLOW', { participants, ringBits })
}

/** s, the bits that one input may use: n values below 2^s add up to less than 2^ringBits. */
function inputBitsOf({ ringBits, participants }: RoundEncoding): number {
  let sumBits = 0
  for (let room = 1; room < participants; room *= 2) sumBits++
  return ringBits - sumBits
}

/** n * (2^(s-1) - 1) < 2^(ringBits-1), so a sum keeps its sign. */
function levelMaxOf(encoding: RoundEncoding): number {
  return powerOfTwo(inputBitsOf(encoding) - 1) - 1
}

function metricLevelMaxOf(encoding: RoundEncoding): number {
  return Math.min(METRIC_LEVEL_MAX, powerOfTwo(inputBitsOf(encoding)) - 1)
}

function weightLimbsOf(encoding: RoundEncoding): number {
  const digit = powerOfTwo(inputBitsOf(encoding))
  let limbs = 1
  for (let reach = digit; reach <= encoding.maxWeight; reach *= digit) limbs++
  return limbs
}

/** Checked, rotated and clamped: shape [d], in float64. */
function clampedCoordinates(delta: FloatVector, encoding: RoundEncoding): Float64Array {
  for (let i = 0; i < delta.length; i++) {
    // Before the rotation, which would smear one bad coordinate over all of them.
    if (!Number.isFinite(delta[i]!)) throw new AggregationError('NON_FINITE', { coordinate: i })
  }
  const { rotationSeed, coordinateBound } = encoding
  const plain = Float64Array.from(delta)
  const values = rotationSeed === null ? plain : rotate(plain, utf8Bytes(rotationSeed))
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.min(Math.max(values[i]!, -coordinateBound), coordinateBound)
  }
  return values
}

function metricLevel(metric: number, levelMax: number, index: number): number {
  if (!Number.isFinite(metric)) throw new AggregationError('NON_FINITE', { metric: index })
  return Math.min(Math.max(Math.round(metric / METRIC_STEP), 0), levelMax)
}

function levelsWithin(sum: ArrayLike<number>, dimension: number, largest: number): Float64Array {
  const levels = new Float64Array(dimension)
  for (let i = 0; i < dimension; i++) {
    const level = sum[i]!
    if (Math.abs(level) > largest) {
      throw new AggregationError('BAD_SUM', {
        reason: 'coordinate outside its bounds',
        coordinate: i,
        level,
        largest
      })
    }
    levels[i] = level
  }
  return levels
}

function checkMaxWeight(maxWeight: number): void {
  if (!isPowerOfTwo(maxWeight)) {
    const expected = 'a power of two, 1..2^30'
    throw new AggregationError('BAD_SETTING', { setting: 'maxWeight', got: maxWeight, expected })
  }
}

/** Of 1..2^30: up to there the 32-bit integer operations tell the truth. */
function isPowerOfTwo(x: number): boolean {
  return Number.isInteger(x) && x >= 1 && x <= 2 ** 30 && (x & (x - 1)) === 0
}

/** By repeated doubling: this is part of what every peer must compute to the same bits. */
function powerOfTwo(exponent: number): number {
  let power = 1
  for (let i = 0; i < exponent; i++) power *= 2
  return power
}
