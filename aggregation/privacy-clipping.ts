/**
 * A clip norm that follows the clients' norms: each says, inside the noised sum, whether its own was at or below the
 * clip norm, and every member moves the clip norm alike. In `+ - * /` alone. It counts those that were NOT clipped:
 * counting the others makes the clip norm run away.
 * Source: Andrew, Thakkar, McMahan and Ramaswamy 2021, arXiv:1905.03871, algorithm 1.
 */
import { checkPositive, checkSetting } from './dp-checks.ts'
import { exp } from './dp-elementary.ts'

export interface AdaptiveClipping {
  /** gamma in (0, 1): the fraction of clients that should stay unclipped. The paper's: 0.5. */
  readonly targetFraction: number
  /** eta > 0; the paper's: 0.2. */
  readonly learningRate: number
  /** The clip norm stays within these. */
  readonly min: number
  readonly max: number
}

/**
 * C e^(-eta (fraction - gamma)).
 * @param fraction - of unclipped clients, noised, within [0, 1] (unclippedFraction)
 * @throws AggregationError BAD_SETTING
 */
export function nextClipNorm(clipNorm: number, fraction: number, settings: AdaptiveClipping): number {
  const { targetFraction, learningRate, min, max } = settings
  checkPositive('clip norm', clipNorm)
  checkPositive('learning rate', learningRate)
  checkPositive('lowest clip norm', min)
  checkSetting('highest clip norm', max, `at least the lowest, ${min}`, max >= min && Number.isFinite(max))
  checkSetting(
    'target fraction',
    targetFraction,
    'above 0 and below 1',
    targetFraction > 0 && targetFraction < 1
  )
  checkSetting('fraction', fraction, 'from 0 to 1', fraction >= 0 && fraction <= 1)
  const next = clipNorm * exp(-learningRate * (fraction - targetFraction))
  return Math.min(Math.max(next, min), max)
}

/**
 * The side bound, as a part of the clip norm, at which the noise on the count of unclipped clients has the deviation
 * `countDeviation` when the fewest honest members survive. The count then costs what a noise multiplier of
 * 2 countDeviation costs: 1 / z² grows by 1 / (2 countDeviation)². The paper takes a twentieth of the clients.
 * @returns at most 1: the count is never worth more of the privacy than the change itself
 */
export function unclippedSideBound(noiseMultiplier: number, countDeviation: number): number {
  checkPositive('noise multiplier', noiseMultiplier)
  checkPositive('count deviation', countDeviation)
  return Math.min(1, noiseMultiplier / (2 * countDeviation))
}
