/** What rounds with noise have cost together, what another would cost, and how much noise a budget asks for. */

import { discreteGaussianRdp, type SummedDiscreteGaussian } from './discrete-gaussian-rdp.ts'
import { checkDelta, checkPositive, checkWhole } from './dp-checks.ts'
import { epsilonOfRdp, integerOrders, realOrders, subsampledGaussianRdp } from './dp-rdp.ts'
import { AggregationError } from './errors.ts'
import { type IntegerSensitivity, skellamRdp } from './skellam-rdp.ts'

/** The noise of one round and the most that one client can move what it covers. */
export type Mechanism =
  | {
      readonly name: 'gaussian'
      /** Standard deviation over L2 sensitivity. */
      readonly noiseMultiplier: number
      /** 1, unless who takes part is drawn anew by chance and stays secret. */
      readonly samplingRate: number
    }
  | {
      readonly name: 'skellam'
      readonly sensitivity: IntegerSensitivity
      /** Of the sum, in squared integer steps. */
      readonly variance: number
    }
  | {
      readonly name: 'discrete-gaussian'
      readonly sensitivity: IntegerSensitivity
      readonly noise: SummedDiscreteGaussian
    }

/** So many rounds with the same mechanism. */
export interface Releases {
  readonly mechanism: Mechanism
  readonly rounds: number
}

export interface PrivacyBudget {
  readonly epsilon: number
  readonly delta: number
}

/** How to look for the noise. */
export interface NoiseSearch {
  /** Where to begin. */
  readonly start: number
  /** By what factor to go on until the target lies between two multipliers. */
  readonly factor: number
  /** The relative width at which the upper end is good enough. */
  readonly precision: number
}

export const defaultNoiseSearch: NoiseSearch = { start: 1, factor: 2, precision: 1e-9 }

/** Less hides nothing, more leaves nothing to learn: no run wants noise outside. */
const NOISE_MAX = 1e6
const NOISE_MIN = 1e-3

/**
 * Epsilon of all releases together, whatever the order they came in and however one depended on the others: an upper
 * bound. In `+ - * /` and sqrt alone, so that every member gets the same bits.
 * @returns order - the Rényi order that proves it
 * @throws AggregationError BAD_SETTING
 */
export function epsilonAfter(
  releases: readonly Releases[],
  delta: number
): { readonly epsilon: number; readonly order: number } {
  checkDelta(delta)
  for (const { rounds } of releases) checkWhole('rounds', rounds, 0)
  const orders = releases.every(({ mechanism }) => mechanism.name === 'gaussian') ? realOrders : integerOrders
  const rdp = orders.map(order =>
    releases.reduce(
      (sum, { mechanism, rounds }) => (rounds === 0 ? sum : sum + rounds * rdpOf(mechanism, order)),
      0
    )
  )
  return epsilonOfRdp(orders, rdp, delta)
}

/** Whether a round more stays within the budget: asked before its noise is drawn, for a release cannot be taken back. */
export function fitsBudget(spent: readonly Releases[], next: Mechanism, budget: PrivacyBudget): boolean {
  checkPositive('epsilon', budget.epsilon)
  return epsilonAfter([...spent, { mechanism: next, rounds: 1 }], budget.delta).epsilon <= budget.epsilon
}

/**
 * The least noise multiplier whose epsilon is at most `target`, found from above.
 * @param epsilonOf - epsilon at a noise multiplier; falls as the multiplier grows, but for steps of rounding. What it
 * throws is passed on
 * @throws AggregationError BAD_SETTING if no noise that can be had reaches the target
 */
export function leastNoise(
  epsilonOf: (noiseMultiplier: number) => number,
  target: number,
  { start, factor, precision }: NoiseSearch = defaultNoiseSearch
): number {
  checkPositive('epsilon', target)
  let high = start
  while (epsilonOf(high) > target) {
    if (high > NOISE_MAX) throw unreachable(target, epsilonOf(high))
    high *= factor
  }
  let low = high / factor
  while (low > NOISE_MIN && epsilonOf(low) <= target) {
    high = low
    low /= factor
  }
  while (high - low > precision * high) {
    const middle = (low + high) / 2
    if (epsilonOf(middle) <= target) high = middle
    else low = middle
  }
  return high
}

function unreachable(target: number, best: number): AggregationError {
  return new AggregationError(
    'BAD_SETTING',
    { setting: 'epsilon', got: target, expected: `at least ${best}` },
    `epsilon ${target} is out of reach: a noise multiplier of ${NOISE_MAX} still gives ${best.toPrecision(3)}. ` +
      'Take fewer rounds, or a larger epsilon or delta'
  )
}

function rdpOf(mechanism: Mechanism, order: number): number {
  switch (mechanism.name) {
    case 'gaussian':
      return subsampledGaussianRdp(order, mechanism.samplingRate, mechanism.noiseMultiplier)
    case 'skellam':
      return skellamRdp(order, mechanism.sensitivity, mechanism.variance)
    case 'discrete-gaussian':
      return discreteGaussianRdp(order, mechanism.sensitivity, mechanism.noise)
  }
}
