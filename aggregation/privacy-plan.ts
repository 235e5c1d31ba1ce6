/**
 * How the noise of a round is shared out among the peers and fitted into the ring. All of it follows from settings that
 * every member has, in exact steps, so that all derive the same plan.
 *
 * The clip norm becomes a whole number of integer steps, the largest for which the sum and its noise fit; a client's
 * change is scaled by that, so the plan and its epsilon are the same whatever the clip norm is.
 */

import type { Mechanism } from './dp-accountant.ts'
import { checkPositive, checkSetting, checkWhole } from './dp-checks.ts'
import { coordinateBoundOf } from './encoding.ts'
import { AggregationError } from './errors.ts'
import { integerL1Bound, roundedL2Bound } from './privacy-rounding.ts'
import type { IntegerSensitivity } from './skellam-rdp.ts'

export type NoiseName = 'skellam' | 'discrete-gaussian'

export interface PrivacySettings {
  readonly noise: NoiseName
  /** z: standard deviation of the honest survivors' noise together, over the clip norm. */
  readonly noiseMultiplier: number
  /** d, coordinates that a round sums. */
  readonly dimension: number
  /** n, the size of the cohort. */
  readonly participants: number
  /** t, the fewest survivors of a round that is not lost. */
  readonly threshold: number
  /** c, the members who may tell each other the noise that they added. */
  readonly colluders: number
  readonly ringBits: number
  /** Bounds of further values that every client adds to the sum, each as a part of the clip norm. */
  readonly sideBounds: readonly number[]
}

export interface PrivacyPlan {
  readonly settings: PrivacySettings
  /** h = t - c: the shares of noise that are left when the fewest survive and all colluders are among them. */
  readonly honestShares: number
  /** The clip norm in integer steps. */
  readonly clipLevels: number
  /** Coordinates of one client's change are within [-levelMax, levelMax]. */
  readonly levelMax: number
  /** Bounds of the further values, in integer steps. */
  readonly sideLevels: readonly number[]
  /** The L2 norm of the d coordinates after rounding: a rounding above it is drawn again. */
  readonly l2Bound: number
  /** Of all that one client adds. */
  readonly sensitivity: IntegerSensitivity
  /** Variance of the noise of one peer in each coordinate, a whole number of squared steps. */
  readonly shareVariance: number
}

/**
 * Noise up to 2048 steps per peer. Finer steps gain nothing (rounding is lost in the noise from a few dozen steps on),
 * and up to here a table of the distribution is small and the exact sampler's integers stay below 2^53.
 */
export const SHARE_VARIANCE_MAX = 4_194_304

/** Noise of the whole cohort kept clear of the ring's edge: beyond six deviations one coordinate in 5e8 wraps. */
const HEADROOM_DEVIATIONS = 6

/** Rounding may lengthen the clipped change by a quarter: in a coarser ring most of the noise would pay for rounding. */
const ROUNDING_INFLATION_MAX = 1.25

const RING_BITS_MAX = 32

/** Widths that a refusal proposes. */
const RING_CHOICES: readonly number[] = [16, 20, 32]

/**
 * @throws AggregationError BAD_SETTING for a setting outside its range; RING_OVERFLOW if the ring is too narrow, naming
 * what would do
 */
export function privacyPlan(settings: PrivacySettings): PrivacyPlan {
  checkSettings(settings)
  const plan = widestPlan(settings)
  if (plan !== null) return plan
  const { participants, ringBits } = settings
  throw new AggregationError(
    'RING_OVERFLOW',
    { participants, ringBits },
    `ring of ${ringBits} bits: too narrow for ${participants} members, ${settings.dimension} coordinates and noise ` +
      `multiplier ${settings.noiseMultiplier}, since the sum and its noise must fit and rounding must not drown the ` +
      `change. What would do: ${wouldDo(settings)}`
  )
}

/** The largest absolute value that the sum is taken to reach: n q + 6 sqrt(n) sigma. Must stay below 2^(b-1). */
export function ringReach(participants: number, levelMax: number, shareVariance: number): number {
  return participants * levelMax + HEADROOM_DEVIATIONS * Math.sqrt(participants * shareVariance)
}

/** What the accountant charges for one round under this plan. */
export function mechanismOf({ settings, honestShares, shareVariance, sensitivity }: PrivacyPlan): Mechanism {
  if (settings.noise === 'skellam') {
    return { name: 'skellam', sensitivity, variance: honestShares * shareVariance }
  }
  const dimension = settings.dimension + settings.sideBounds.length
  return {
    name: 'discrete-gaussian',
    sensitivity,
    noise: { shares: honestShares, shareVariance, dimension }
  }
}

/**
 * How strong the noise is beside the signal: its expected norm on the mean of n clients over the clip norm, when all of
 * them survive. Above 1 it is longer than the longest change that a single client may make.
 */
export function noiseToClip(
  settings: Pick<
    PrivacySettings,
    'noiseMultiplier' | 'dimension' | 'participants' | 'threshold' | 'colluders'
  >
): number {
  const { noiseMultiplier, dimension, participants, threshold, colluders } = settings
  return noiseMultiplier * Math.sqrt(dimension / (participants * (threshold - colluders)))
}

/** Null if not even one step fits, or rounding would outweigh the change. */
function widestPlan(settings: PrivacySettings): PrivacyPlan | null {
  const fits = (clipLevels: number) => {
    const { levelMax, sideLevels, shareVariance } = planAt(settings, clipLevels)
    const reach = ringReach(settings.participants, Math.max(levelMax, ...sideLevels), shareVariance)
    return reach < halfRing(settings.ringBits) && shareVariance <= SHARE_VARIANCE_MAX
  }
  if (!fits(1)) return null
  let low = 1
  let high = 2
  while (fits(high)) [low, high] = [high, 2 * high]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle
  }
  const plan = planAt(settings, low)
  return plan.l2Bound <= ROUNDING_INFLATION_MAX * plan.clipLevels ? plan : null
}

function planAt(settings: PrivacySettings, clipLevels: number): PrivacyPlan {
  const { noiseMultiplier, dimension, threshold, colluders, sideBounds } = settings
  const honestShares = threshold - colluders
  const l2Bound = roundedL2Bound(clipLevels, dimension)
  const sideLevels = sideBounds.map(bound => Math.max(1, Math.floor(bound * clipLevels)))
  const sideSquares = sideLevels.reduce((sum, level) => sum + level * level, 0)
  const sideSum = sideLevels.reduce((sum, level) => sum + level, 0)
  return {
    settings,
    honestShares,
    clipLevels,
    levelMax: Math.ceil(coordinateBoundOf(clipLevels, dimension, true)),
    sideLevels,
    l2Bound,
    sensitivity: {
      l1: integerL1Bound(l2Bound, dimension) + sideSum,
      l2: Math.sqrt(l2Bound * l2Bound + sideSquares)
    },
    // Up, never down: a share below what was promised would be a promise broken.
    shareVariance: Math.ceil((noiseMultiplier * clipLevels * (noiseMultiplier * clipLevels)) / honestShares)
  }
}

/** The nearest settings that have a plan, one changed at a time. */
function wouldDo(settings: PrivacySettings): string {
  const { ringBits, noiseMultiplier, dimension } = settings
  const found: string[] = []
  const wider = RING_CHOICES.find(
    bits => bits > ringBits && widestPlan({ ...settings, ringBits: bits }) !== null
  )
  if (wider !== undefined) found.push(`a ring of ${wider} bits`)
  const noise = largest(1, 1000, step =>
    Boolean(widestPlan({ ...settings, noiseMultiplier: (noiseMultiplier * step) / 1000 }))
  )
  if (noise !== null) {
    found.push(`a noise multiplier of ${Number(((noiseMultiplier * noise) / 1000).toPrecision(3))}`)
  }
  const fewer = largest(1, dimension, d => Boolean(widestPlan({ ...settings, dimension: d })))
  if (fewer !== null) found.push(`${fewer} coordinates (a smaller adapter)`)
  return found.length > 0 ? found.join(', or ') : 'only less noise with a wider ring'
}

/** The largest whole number of low..high that will do, if fewer do better; null if none does. */
function largest(low: number, high: number, does: (value: number) => boolean): number | null {
  if (!does(low)) return null
  let [good, bad] = [low, high + 1]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (does(middle)) good = middle
    else bad = middle
  }
  return good
}

/** 2^(bits - 1), without the engine's power function. */
function halfRing(bits: number): number {
  return (1 << (bits - 2)) * 2
}

function checkSettings(settings: PrivacySettings): void {
  const { noiseMultiplier, dimension, participants, threshold, colluders, ringBits, sideBounds } = settings
  checkPositive('noise multiplier', noiseMultiplier)
  checkWhole('dimension', dimension, 1)
  checkWhole('participants', participants, 4)
  checkWhole('threshold', threshold, 3, participants)
  // With one honest survivor the sum is that survivor's change.
  checkWhole('colluders', colluders, 0, threshold - 2)
  checkWhole('ring bits', ringBits, 8, RING_BITS_MAX)
  sideBounds.forEach((bound, i) => {
    checkSetting(`side bound ${i}`, bound, 'above 0 and at most 1', bound > 0 && bound <= 1)
  })
}
