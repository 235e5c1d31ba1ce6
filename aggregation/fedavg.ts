import type { DecodedSum } from './encoding.ts'
import { AggregationError } from './errors.ts'

/**
 * The weighted mean of the survivors' deltas: sum of weight * delta over sum of weights, coordinate by coordinate in
 * float64. Source: McMahan et al. 2017, arXiv:1602.05629, algorithm 1.
 * @returns shape [d]
 * @throws AggregationError TOO_FEW if the weights sum to zero
 */
export function weightedMean(sum: Pick<DecodedSum, 'weightedSum' | 'weightSum'>): Float64Array {
  if (!(sum.weightSum > 0)) throw new AggregationError('TOO_FEW', { needed: 1, got: sum.weightSum })
  return sum.weightedSum.map(x => x / sum.weightSum)
}
