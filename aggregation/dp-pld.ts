/**
 * The privacy loss distribution of Gaussian noise over a Poisson sample of the clients, composed over rounds: an upper
 * bound on epsilon, close to the truth. The loss ln(P / Q) of one round is put on a grid so that the probabilities of
 * both P and Q are kept (which can only raise delta at every epsilon), and the rounds are convolved by FFT.
 * Source: Koskela, Jälkö and Honkela 2020, arXiv:1906.03049; the grid: Doroshenko et al. 2022, arXiv:2207.04380
 * ("connect the dots"); Chernoff's bound for the window: Gopi, Lee and Wutschitz 2021, arXiv:2106.02848.
 *
 * There is none here for Skellam and discrete Gaussian noise in many dimensions: the loss depends on the direction of a
 * client's change and no worst direction is known, so no pair of distributions is known to dominate all others.
 */
import { checkDelta, checkPositive, checkSetting, checkWhole } from './dp-checks.ts'
import { exp, expm1, log, log1p, normalTail } from './dp-elementary.ts'
import { selfConvolve } from './dp-fft.ts'
import { AggregationError } from './errors.ts'

export interface SubsampledGaussian {
  /** q, 0 < q <= 1. */
  readonly samplingRate: number
  /** Standard deviation over L2 sensitivity. */
  readonly noiseMultiplier: number
  readonly rounds: number
}

/** Losses that are multiples of `step`, from `first` of them on. */
interface LossGrid {
  readonly step: number
  readonly first: number
  /** P's probability of each loss. */
  readonly mass: Float64Array
  /** P's probability of an unbounded loss, with all that was cut off. */
  readonly infiniteMass: number
}

/** Who the neighbour is: the one with the client (`removed`: P has it, Q has not) or the one without. */
type Direction = 'removed' | 'added'

/** The grid raises epsilon by about rounds * step² / 8: at most this much, where steps of FINEST_STEP allow it. */
const GRID_EXCESS = 5e-6

const FINEST_STEP = 1e-4

const COARSEST_STEP = 1e-2

/** Two complex vectors of that many float64 take 32 MB; the transform takes a fraction of a second. */
const GRID_POINTS_MAX = 2 ** 20

/** P(Z > 10.2) is 1e-24: cut off once per round. */
const TAIL_DEVIATIONS = 10.2

/** Of the composed distribution, on each side; added to delta. */
const WINDOW_TAIL = 1e-15

/** Below it, what the transform rounds away (1e-16 of each probability) would count. */
export const PLD_DELTA_MIN = 1e-10

/**
 * @returns the least epsilon >= 0 on either side (a client added, a client removed) whose delta is at most `delta`
 * @throws AggregationError BAD_SETTING for settings outside their range, or losses too wide for the grid
 */
export function pldEpsilon(mechanism: SubsampledGaussian, delta: number): number {
  const { samplingRate, noiseMultiplier, rounds } = mechanism
  checkSetting('sampling rate', samplingRate, 'above 0 and at most 1', samplingRate > 0 && samplingRate <= 1)
  checkPositive('noise multiplier', noiseMultiplier)
  checkWhole('rounds', rounds, 1)
  checkDelta(delta)
  checkSetting('delta', delta, `at least ${PLD_DELTA_MIN} for this bound`, delta >= PLD_DELTA_MIN)
  return Math.max(
    epsilonOf(composed(mechanism, 'removed'), delta),
    epsilonOf(composed(mechanism, 'added'), delta)
  )
}

function composed(mechanism: SubsampledGaussian, direction: Direction): LossGrid {
  const wanted = Math.sqrt((8 * GRID_EXCESS) / mechanism.rounds)
  for (let step = Math.min(Math.max(wanted, FINEST_STEP), COARSEST_STEP); ; step *= 2) {
    // A step of half a loss would say nothing any more.
    if (step > 0.5) {
      const expected = 'settings whose privacy loss fits the grid: more noise, or fewer rounds'
      throw new AggregationError('BAD_SETTING', { setting: 'noise multiplier', got: mechanism, expected })
    }
    const bounds = lossBounds(mechanism, direction)
    if ((bounds.high - bounds.low) / step > GRID_POINTS_MAX) continue
    const single = oneRound(mechanism, direction, bounds, step)
    const window = windowOf(single, mechanism.rounds)
    if (window.last - window.first + 1 > GRID_POINTS_MAX || single.mass.length > GRID_POINTS_MAX) continue
    return convolved(single, mechanism.rounds, window)
  }
}

/** The loss at x, of noise without the client at 0 and with it at 1. Rises with x if the client was removed. */
function lossAt(x: number, { samplingRate: q, noiseMultiplier: sigma }: SubsampledGaussian): number {
  const shifted = (2 * x - 1) / (2 * sigma * sigma)
  // Either form overflows where the other does not.
  return shifted > 0 ? shifted + log(q + (1 - q) * exp(-shifted)) : log1p(q * expm1(shifted))
}

/** The x at which lossAt gives `loss`; -Infinity below the losses that occur. */
function outcomeAt(loss: number, { samplingRate: q, noiseMultiplier: sigma }: SubsampledGaussian): number {
  // ln((e^loss - 1 + q) / q), by the form that keeps its digits.
  const ratio =
    loss > 1 ? loss + log1p(-(1 - q) * exp(-loss)) - log(q) : log(Math.max(0, 1 + expm1(loss) / q))
  return sigma * sigma * ratio + 0.5
}

/** Losses outside have less probability than TAIL_DEVIATIONS leaves. */
function lossBounds(mechanism: SubsampledGaussian, direction: Direction): { low: number; high: number } {
  const reach = TAIL_DEVIATIONS * mechanism.noiseMultiplier
  const [low, high] = [lossAt(-reach, mechanism), lossAt(1 + reach, mechanism)]
  return direction === 'removed' ? { low, high } : { low: -high, high: -low }
}

function oneRound(
  mechanism: SubsampledGaussian,
  direction: Direction,
  bounds: { readonly low: number; readonly high: number },
  step: number
): LossGrid {
  const { samplingRate: q, noiseMultiplier: sigma } = mechanism
  const first = Math.floor(bounds.low / step)
  const last = Math.ceil(bounds.high / step)
  const mass = new Float64Array(last - first + 1)
  const shrink = -expm1(-step)
  const sign = direction === 'removed' ? 1 : -1
  // Outcomes at the edge of two intervals of losses, and the probability of the outcomes between two of them.
  const edgeAt = (i: number) => outcomeAt(sign * (first + i) * step, mechanism)
  let from = edgeAt(0)
  for (let i = 0; i + 1 < mass.length; i++) {
    const to = edgeAt(i + 1)
    const [low, high] = sign === 1 ? [from, to] : [to, from]
    from = to
    const without = normalBetween(low / sigma, high / sigma)
    const mixed = (1 - q) * without + q * normalBetween((low - 1) / sigma, (high - 1) / sigma)
    const [p, r] = sign === 1 ? [mixed, without] : [without, mixed]
    // Split so that both P's and Q's probability of the interval stay what they are.
    const upper = Math.min(Math.max((p - r * exp((first + i) * step)) / shrink, 0), p)
    mass[i]! += p - upper
    mass[i + 1]! += upper
  }
  // What lies below the grid is moved up to its lowest loss; what lies above it becomes unbounded.
  const outside = 2 * normalTail(TAIL_DEVIATIONS)
  mass[0]! += outside
  return { step, first, mass, infiniteMass: outside }
}

/** P(low < Z <= high), from the tail that is nearer. */
function normalBetween(low: number, high: number): number {
  return low > 0 ? normalTail(low) - normalTail(high) : normalTail(-high) - normalTail(-low)
}

/** The losses of all rounds together that are more likely than WINDOW_TAIL, in steps, by Chernoff's bound. */
function windowOf({ mass, first }: LossGrid, rounds: number): { first: number; last: number } {
  const highest = rounds * (mass.length - 1)
  let [low, high] = [0, highest]
  const logTail = log(1 / WINDOW_TAIL)
  for (let k = -24; k <= 8; k++) {
    // Tilts from far below to above one over the width of the grid, in half octaves.
    const tilt = exp((k * Math.LN2) / 2) * (16 / mass.length)
    high = Math.min(high, Math.ceil((rounds * logMoment(mass, tilt) + logTail) / tilt))
    low = Math.max(low, Math.floor(-(rounds * logMoment(mass, -tilt) + logTail) / tilt))
  }
  return { first: low + rounds * first, last: Math.max(high, low) + rounds * first }
}

/** ln of the sum of mass[i] e^(tilt i). */
function logMoment(mass: Float64Array, tilt: number): number {
  // Horner's rule from the end whose weights are larger, so that nothing overflows.
  const shrink = exp(-Math.abs(tilt))
  let sum = 0
  if (tilt > 0) for (let i = 0; i < mass.length; i++) sum = sum * shrink + mass[i]!
  else for (let i = mass.length - 1; i >= 0; i--) sum = sum * shrink + mass[i]!
  return log(sum) + (tilt > 0 ? tilt * (mass.length - 1) : 0)
}

function convolved(
  { step, first, mass, infiniteMass }: LossGrid,
  rounds: number,
  window: { readonly first: number; readonly last: number }
): LossGrid {
  const wanted = Math.max(window.last - window.first + 1, mass.length)
  let size = 2
  while (size < wanted) size *= 2
  const padded = new Float64Array(size)
  padded.set(mass)
  const all = selfConvolve(padded, rounds)
  const turn = (((window.first - rounds * first) % size) + size) % size
  const turned = Float64Array.from({ length: size }, (_, i) => Math.max(0, all[(i + turn) % size]!))
  return {
    step,
    first: window.first,
    mass: turned.subarray(0, window.last - window.first + 1),
    // What lies outside the window has wrapped into it, which raises delta; it is counted once more as unbounded.
    infiniteMass: -expm1(rounds * log1p(-infiniteMass)) + 2 * WINDOW_TAIL
  }
}

/** Least epsilon >= 0 at which the sum of (1 - e^(epsilon - loss)) over the losses above it is at most delta. */
function epsilonOf({ step, first, mass, infiniteMass }: LossGrid, delta: number): number {
  let upper = infiniteMass
  let lower = 0
  for (let i = mass.length - 1; i >= 0; i--) {
    const loss = (first + i) * step
    // Between this loss and the one above, delta(epsilon) = upper - e^epsilon lower.
    if (upper > delta && lower > 0) {
      const epsilon = log((upper - delta) / lower)
      if (epsilon >= loss) return Math.max(0, epsilon)
    }
    if (loss < 0) break
    upper += mass[i]!
    lower += mass[i]! * exp(-loss)
  }
  return upper - lower <= delta ? 0 : Math.max(0, log((upper - delta) / lower))
}
