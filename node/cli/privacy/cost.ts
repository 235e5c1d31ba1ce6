/** What settings cost in privacy: the numbers behind the words of the command. */
import { epsilonAfter, leastNoise, type NoiseSearch } from '../../../aggregation/dp-accountant.ts'
import { exactGaussianEpsilon } from '../../../aggregation/dp-exact-gaussian.ts'
import { pldEpsilon } from '../../../aggregation/dp-pld.ts'
import { AggregationError } from '../../../aggregation/errors.ts'
import {
  mechanismOf,
  noiseToClip,
  type PrivacyPlan,
  type PrivacySettings,
  privacyPlan
} from '../../../aggregation/privacy-plan.ts'
import { faultsOf, quorumOf } from '../../../protocols/quorum.ts'
import { UserError } from '../user-error.ts'

export type MechanismName = 'gaussian' | 'skellam' | 'discrete-gaussian'

export type BoundName = 'rdp' | 'pld'

/** The flags of the command. */
export interface PrivacyOptions {
  readonly rounds: number
  readonly cohort: number
  readonly delta: number
  readonly noise?: number
  readonly epsilon?: number
  readonly colluders?: number
  readonly mechanism?: MechanismName
  readonly bound?: BoundName
  readonly samplingRate?: number
  readonly dimension?: number
  readonly clip?: number
  readonly ringBits?: number
}

export interface PrivacyCost {
  readonly epsilon: number
  readonly delta: number
  readonly bound: BoundName
  readonly mechanism: MechanismName
  readonly rounds: number
  /** z: deviation of the honest survivors' noise together, over the clip norm. */
  readonly noiseMultiplier: number
  readonly samplingRate: number
  readonly cohort: number
  readonly colluders: number
  /** t: the fewest that survive a round. */
  readonly threshold: number
  /** h = t - c. */
  readonly honestShares: number
  /** Deviation of one peer's noise in a coordinate, over the clip norm. */
  readonly shareOverClip: number
  /** So many coordinates make the noise on the mean as long as the clip norm. */
  readonly dimensionWhereNoiseIsClip: number
  /** d, coordinates that a round sums, if it was given. */
  readonly dimension: number | null
  /** With a dimension: the length of the noise on the mean over the clip norm. */
  readonly noiseToClip: number | null
  /** With a sampling rate below 1: epsilon against those who see who takes part. */
  readonly epsilonUnsampled: number | null
  /** Only for noise in integers. */
  readonly plan: PrivacyPlan | null
}

const DEFAULT_RING_BITS = 16

/** The printed noise multiplier has that many digits, rounded up. */
const NOISE_DIGITS = 5

/** A privacy loss distribution takes up to a second: no more of them than needed for NOISE_DIGITS. */
const SLOW_SEARCH: Omit<NoiseSearch, 'start'> = { factor: 1.2, precision: 2e-5 }

/** A Skellam plan costs little more than the Gaussian whose search comes before it. */
const NEAR_SEARCH: Omit<NoiseSearch, 'start'> = { factor: 1.05, precision: 1e-6 }

/** @throws UserError for flags that contradict each other; AggregationError BAD_SETTING, RING_OVERFLOW */
export function privacyCost(options: PrivacyOptions): PrivacyCost {
  checkFlags(options)
  const settings = { ...options, ...defaultsOf(options) }
  const noiseMultiplier = options.noise ?? solvedNoise(settings, options.epsilon!)
  const { rounds, cohort, delta, mechanism, bound, samplingRate, colluders, dimension } = settings
  const threshold = quorumOf(cohort)
  const honestShares = threshold - colluders
  const shape = { noiseMultiplier, participants: cohort, threshold, colluders }
  return {
    epsilon: epsilonAt(settings, noiseMultiplier),
    delta,
    bound,
    mechanism,
    rounds,
    noiseMultiplier,
    samplingRate,
    cohort,
    colluders,
    threshold,
    honestShares,
    shareOverClip: noiseMultiplier / Math.sqrt(honestShares),
    dimensionWhereNoiseIsClip: Math.floor((cohort * honestShares) / noiseMultiplier ** 2),
    dimension: dimension ?? null,
    noiseToClip: dimension === undefined ? null : noiseToClip({ ...shape, dimension }),
    epsilonUnsampled: samplingRate < 1 ? epsilonAt({ ...settings, samplingRate: 1 }, noiseMultiplier) : null,
    plan: mechanism === 'gaussian' ? null : planAt(settings, noiseMultiplier)
  }
}

type Settings = PrivacyOptions &
  Required<Pick<PrivacyOptions, 'mechanism' | 'bound' | 'samplingRate' | 'colluders'>>

function defaultsOf(
  options: PrivacyOptions
): Pick<Settings, 'mechanism' | 'bound' | 'samplingRate' | 'colluders'> {
  const { mechanism, bound, samplingRate, colluders, cohort, dimension } = options
  return {
    mechanism: mechanism ?? (dimension === undefined || samplingRate !== undefined ? 'gaussian' : 'skellam'),
    bound: bound ?? 'rdp',
    samplingRate: samplingRate ?? 1,
    colluders: colluders ?? faultsOf(cohort)
  }
}

function epsilonAt(settings: Settings, noiseMultiplier: number): number {
  const { mechanism, bound, samplingRate, rounds, delta } = settings
  if (mechanism !== 'gaussian') {
    const plan = planAt(settings, noiseMultiplier)
    return epsilonAfter([{ mechanism: mechanismOf(plan), rounds }], delta).epsilon
  }
  if (bound === 'rdp') {
    const release = { mechanism: { name: mechanism, noiseMultiplier, samplingRate }, rounds }
    return epsilonAfter([release], delta).epsilon
  }
  // Without sampling the composed distribution is known in closed form.
  if (samplingRate === 1) return exactGaussianEpsilon(noiseMultiplier, rounds, delta)
  return pldEpsilon({ samplingRate, noiseMultiplier, rounds }, delta)
}

function planAt(settings: Settings, noiseMultiplier: number): PrivacyPlan {
  const { mechanism, cohort, colluders, dimension, ringBits = DEFAULT_RING_BITS } = settings
  try {
    return privacyPlan({
      noise: mechanism as PrivacySettings['noise'],
      noiseMultiplier,
      dimension: dimension!,
      participants: cohort,
      threshold: quorumOf(cohort),
      colluders,
      ringBits,
      sideBounds: []
    })
  } catch (error) {
    // Elsewhere a ring that overflows is a fault of the program; here it was asked for.
    if (error instanceof AggregationError && error.code === 'RING_OVERFLOW') {
      throw new UserError(`--ring-bits: ${error.message}`, 2, { cause: error })
    }
    throw error
  }
}

function solvedNoise(settings: Settings, target: number): number {
  const epsilonOf = (noiseMultiplier: number) => epsilonAt(settings, noiseMultiplier)
  const gaussian: Settings = { ...settings, mechanism: 'gaussian', bound: 'rdp' }
  const fast = leastNoise(noiseMultiplier => epsilonAt(gaussian, noiseMultiplier), target)
  const isSlow = settings.bound === 'pld' && settings.samplingRate < 1
  const isNear = settings.mechanism !== 'gaussian'
  const exact =
    isSlow || isNear
      ? leastNoise(epsilonOf, target, { start: fast, ...(isSlow ? SLOW_SEARCH : NEAR_SEARCH) })
      : settings.bound === 'rdp'
        ? fast
        : leastNoise(epsilonOf, target)
  let units = Math.ceil(exact / unitOf(exact))
  // Whole steps of the ring make epsilon fall in steps: the next printed number may lie just above the target.
  while (epsilonOf(units * unitOf(exact)) > target) units++
  return Number((units * unitOf(exact)).toPrecision(NOISE_DIGITS + 1))
}

/** One in the last printed digit. */
function unitOf(noise: number): number {
  return 10 ** (Math.floor(Math.log10(noise)) + 1 - NOISE_DIGITS)
}

function checkFlags(options: PrivacyOptions): void {
  const { noise, epsilon, cohort, colluders, mechanism, bound, samplingRate, dimension, ringBits } = options
  const wrong = (message: string): never => {
    throw new UserError(message, 2)
  }
  if ((noise === undefined) === (epsilon === undefined)) {
    wrong('give either --noise, to see its epsilon, or --epsilon, to see the noise that it takes')
  }
  const most = quorumOf(cohort) - 2
  if (colluders !== undefined && colluders > most) {
    wrong(
      `--colluders ${colluders}: of a cohort of ${cohort} as few as ${quorumOf(cohort)} may survive a round, and two of ` +
        `them must be honest for the sum to hide either. Give at most ${most}`
    )
  }
  const isDiscrete = mechanism === 'skellam' || mechanism === 'discrete-gaussian'
  if (isDiscrete && dimension === undefined) {
    wrong(
      `--mechanism ${mechanism}: how far rounding to integers can stretch a change depends on how long it is. ` +
        'Add --dimension with the number of coordinates that a round sums'
    )
  }
  if (dimension === undefined && ringBits !== undefined) {
    wrong('--ring-bits says something only together with --dimension: add it')
  }
  const isGaussian = mechanism === 'gaussian' || (mechanism === undefined && dimension === undefined)
  if (bound === 'pld' && !isGaussian) {
    wrong(
      '--bound pld: a privacy loss distribution is known for Gaussian noise only (in many dimensions no worst direction of ' +
        'integer noise is known). Add --mechanism gaussian, or leave --bound away'
    )
  }
  if (samplingRate !== undefined && samplingRate < 1 && isDiscrete) {
    wrong(
      '--sampling-rate: in a run everyone sees who takes part, so integer noise is counted without it. Leave it away, or ' +
        'add --mechanism gaussian to compare'
    )
  }
}
