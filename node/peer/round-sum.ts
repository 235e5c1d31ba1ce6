/**
 * The sum of a round as integers, whichever way its inputs were encoded: whether it can be one, and the state that it
 * leads to, which a peer offers and does not adopt yet.
 */
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import { decodeIntegers, integersOf } from '../../aggregation/encoding.ts'
import { decodePrivateIntegers, privateIntegersOf } from '../../aggregation/private-input.ts'
import { spread } from '../../aggregation/random-k.ts'
import { applyRound, type PrivacySpent } from '../../aggregation/replicated-state.ts'
import type { Lanes } from '../../aggregation/ring.ts'
import { serverOptimizerOf } from '../../aggregation/server-optimizer.ts'
import { strategyByName } from '../../aggregation/strategies.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import type { RoundOutcome } from '../round/round-types.ts'
import { privateEncodingOf, privateServerStep } from './private-round.ts'
import { keptOf, roundEncodingOf, summedDimension } from './round-encoding.ts'
import type { StateKeeper } from './state-keeper.ts'

export interface RoundKind {
  /** n of the encoding: as many inputs fit the ring. */
  readonly encodedFor: number
  readonly completedRounds: number
}

/** An unmasked sum of one cohort as integers, [lanes]. */
export function integersOfRound(
  run: RunContext,
  layout: AdapterLayout,
  { encodedFor, completedRounds }: RoundKind,
  sum: Lanes
): Float64Array {
  const isPrivate = privateEncodingOf(run, layout, encodedFor, completedRounds) !== null
  return isPrivate
    ? privateIntegersOf(sum)
    : integersOf(roundEncodingOf(run, layout, encodedFor, completedRounds), sum)
}

/** @throws AggregationError BAD_SUM if so many survivors cannot have this sum */
export function checkSum(
  run: RunContext,
  layout: AdapterLayout,
  states: Pick<StateKeeper, 'state'>,
  { encodedFor, completedRounds }: RoundKind,
  sum: ArrayLike<number>,
  survivors: number
): void {
  const ofPrivate = privateEncodingOf(run, layout, encodedFor, completedRounds)
  if (ofPrivate !== null) decodePrivateIntegers(ofPrivate, sum, survivors, states.state.clipNorm)
  else decodeIntegers(roundEncodingOf(run, layout, encodedFor, completedRounds), sum, survivors)
}

/**
 * ServerStep: from the sum to the next state, which the keeper has from then on as one that may become so.
 * @param privacySpent - with this round; null in a run without noise
 * @throws AggregationError BAD_SUM; NON_FINITE
 */
export function serverStep(
  run: RunContext,
  layout: AdapterLayout,
  states: StateKeeper,
  { encodedFor, completedRounds }: RoundKind,
  sum: ArrayLike<number>,
  survivors: number,
  privacySpent: PrivacySpent | null
): RoundOutcome {
  const { manifest } = run
  const { state } = states
  const ofPrivate = privateEncodingOf(run, layout, encodedFor, completedRounds)
  if (ofPrivate !== null) {
    const next = privateServerStep(ofPrivate, manifest, layout, state, sum, survivors, privacySpent!)
    return { stateHash: states.offer(next), weightSum: survivors, meanLoss: 0 }
  }
  const decoded = decodeIntegers(roundEncodingOf(run, layout, encodedFor, completedRounds), sum, survivors)
  const kept = keptOf(run, layout, completedRounds)
  const weightedSum =
    kept === null
      ? decoded.weightedSum
      : spread(decoded.weightedSum, kept, summedDimension(run, layout, completedRounds))
  const optimizer = serverOptimizerOf(manifest.serverOptimizer)
  const next = applyRound(
    state,
    { ...decoded, weightedSum },
    strategyByName(manifest.strategy),
    optimizer,
    layout
  )
  const { weightSum, meanMetrics } = decoded
  return { stateHash: states.offer(next), weightSum, meanLoss: meanMetrics[0]! }
}
