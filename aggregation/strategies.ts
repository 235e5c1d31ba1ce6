import type { AdapterFactor } from './adapter-layout.ts'
import { AggregationError } from './errors.ts'

/**
 * What a round trains and sums. A researcher's own strategy is an object of this shape; it must be a pure function
 * of the count of completed rounds, as every peer evaluates it for itself.
 */
export interface Strategy {
  readonly name: string
  /** The factors that train in the round after `completedRounds` rounds (aborted ones do not count). Never empty. */
  factorsOf(completedRounds: number): readonly AdapterFactor[]
}

/** A and B in every round. mean(B) mean(A) is not mean(B A): the sum is only near what each peer trained. */
export const fedit: Strategy = { name: 'fedit', factorsOf: () => ['A', 'B'] }

/** B only; A stays as the shared seed made it. Exact. Source: Sun et al. 2024, arXiv:2403.12313 (FFA-LoRA). */
export const ffa: Strategy = { name: 'ffa', factorsOf: () => ['B'] }

/**
 * B and A in turns, so that every round is exact and half the payload. B goes first: while B is zero, A has no
 * gradient. Source: Chen et al. 2025, arXiv:2502.01755 (RoLoRA).
 */
export const rolora: Strategy = {
  name: 'rolora',
  factorsOf: completedRounds => (completedRounds % 2 === 0 ? ['B'] : ['A'])
}

const strategies: readonly Strategy[] = [rolora, ffa, fedit]

/** @throws AggregationError BAD_SETTING, naming the strategies that there are */
export function strategyByName(name: string): Strategy {
  const found = strategies.find(strategy => strategy.name === name)
  if (found !== undefined) return found
  const expected = strategies.map(strategy => strategy.name).join(', ')
  throw new AggregationError(
    'BAD_SETTING',
    { setting: 'strategy', got: name, expected },
    `unknown strategy "${name}": choose one of ${expected}`
  )
}
