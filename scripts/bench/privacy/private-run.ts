/** A run with privacy noise without its network: training, encoding, ring, server step are those of the peers. */

import { gatherSpans, spansOf } from '../../../aggregation/adapter-layout.ts'
import { clipToNorm } from '../../../aggregation/clip.ts'
import type { CryptoSuite } from '../../../aggregation/crypto-suite.ts'
import { secureRandom } from '../../../aggregation/dp-secure-random.ts'
import { decodeSum, encodeInput, laneCountOf } from '../../../aggregation/encoding.ts'
import { privateIntegersOf, privateLaneCount } from '../../../aggregation/private-input.ts'
import { applyRound, type ReplicatedState } from '../../../aggregation/replicated-state.ts'
import { addLanes, type Lanes, zeroLanes } from '../../../aggregation/ring.ts'
import { serverOptimizerOf } from '../../../aggregation/server-optimizer.ts'
import { strategyByName } from '../../../aggregation/strategies.ts'
import { batchSeedOf, trainJobOf } from '../../../node/peer/local-training.ts'
import {
  encodePrivateTraining,
  initialStateOf,
  mechanismsOf,
  privateEncodingOf,
  privateServerStep
} from '../../../node/peer/private-round.ts'
import { roundEncodingOf } from '../../../node/peer/round-encoding.ts'
import type { Trainer, TrainResult } from '../../../node/train/trainer.ts'
import { charged, emptyAccount, privacyTermsOf } from '../../../protocols/privacy-account.ts'
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import { heldOutOf } from '../../../sim/baselines.ts'

export interface PrivateRunResult {
  /** Spent; null without noise. */
  readonly epsilon: number | null
  /** Held-out bits per byte, mean over the clients. */
  readonly heldOut: number
  readonly clipNorm: number
  /** Of the changes in the last round, before clipping: the median. */
  readonly medianNorm: number
}

/** Everyone stays in every round. @param trainers - one for each member */
export async function privateRun(
  manifest: RunManifest,
  trainers: readonly Trainer[],
  crypto: CryptoSuite
): Promise<PrivateRunResult> {
  const { layout } = trainers[0]!
  const id = crypto.sha256(new TextEncoder().encode(manifest.name))
  const terms = privacyTermsOf(manifest)
  const mechanismAt = mechanismsOf(manifest, layout)
  let state = initialStateOf(manifest, trainers[0]!.initialAdapter())
  let account = emptyAccount
  let norms: number[] = []
  for (let round = 0; round < manifest.rounds; round++) {
    const factors = strategyByName(manifest.strategy).factorsOf(round)
    const results = await Promise.all(
      trainers.map((trainer, i) => {
        const seed = batchSeedOf(id, { round, attempt: 0 }, `member ${i}`, crypto.sha256)
        return trainer.train(trainJobOf({ manifest }, state.adapter, factors, round, seed))
      })
    )
    norms = results.map(result => normOf(state, result, trainers[0]!, factors))
    if (terms === null) {
      state = plainRound(manifest, id, trainers[0]!, state, results, crypto)
      continue
    }
    const encoding = privateEncodingOf({ id, manifest }, layout, trainers.length, round)!
    const sum = zeroLanes(encoding.ringBits, privateLaneCount(encoding))
    for (const result of results) {
      const random = secureRandom(crypto)
      addLanes(sum, encodePrivateTraining(encoding, manifest, layout, factors, state, result, random))
    }
    account = charged(account, mechanismAt(trainers.length, round)!, terms.delta)
    const spent = { epsilon: account.epsilon, delta: terms.delta }
    const levels = privateIntegersOf(sum)
    state = privateServerStep(encoding, manifest, layout, state, levels, trainers.length, spent)
  }
  const heldOut = await heldOutOf(trainers, state.adapter)
  return {
    epsilon: terms === null ? null : account.epsilon,
    heldOut: heldOut.reduce((sum, x) => sum + x, 0) / heldOut.length,
    clipNorm: state.clipNorm,
    medianNorm: norms.toSorted((a, b) => a - b)[Math.floor(norms.length / 2)]!
  }
}

/** The same round without noise: clipped to the same norm, every weight 1. */
function plainRound(
  manifest: RunManifest,
  id: Uint8Array,
  { layout }: Trainer,
  state: ReplicatedState,
  results: readonly TrainResult[],
  crypto: CryptoSuite
): ReplicatedState {
  const strategy = strategyByName(manifest.strategy)
  const encoding = roundEncodingOf({ id, manifest }, layout, results.length, state.completedRounds)
  const spans = spansOf(layout, strategy.factorsOf(state.completedRounds))
  const start = gatherSpans(state.adapter, spans)
  const sum: Lanes = zeroLanes(encoding.ringBits, laneCountOf(encoding))
  for (const { adapter, meanLoss } of results) {
    const change = gatherSpans(adapter, spans).map((x, i) => x - start[i]!)
    const delta = clipToNorm(change, state.clipNorm).clipped
    addLanes(sum, encodeInput(encoding, { delta, weight: 1, metrics: [meanLoss] }, secureRandom(crypto)))
  }
  const decoded = decodeSum(encoding, sum, results.length)
  return applyRound(state, decoded, strategy, serverOptimizerOf(manifest.serverOptimizer), layout)
}

function normOf(
  state: ReplicatedState,
  { adapter }: TrainResult,
  { layout }: Trainer,
  factors: ReturnType<ReturnType<typeof strategyByName>['factorsOf']>
): number {
  const spans = spansOf(layout, factors)
  const start = gatherSpans(state.adapter, spans)
  return Math.sqrt(gatherSpans(adapter, spans).reduce((sum, x, i) => sum + (x - start[i]!) ** 2, 0))
}
