/**
 * Rounds with noise: what the manifest's privacy section means for a cohort and an adapter, one peer's input with its
 * share of the noise, and the server step from a noised sum.
 */
import {
  type AdapterFactor,
  type AdapterLayout,
  gatherSpans,
  spansOf
} from '../../aggregation/adapter-layout.ts'
import type { Mechanism } from '../../aggregation/dp-accountant.ts'
import { type NoiseSampler, noiseSampler } from '../../aggregation/dp-noise.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { nextClipNorm, unclippedSideBound } from '../../aggregation/privacy-clipping.ts'
import { mechanismOf, type PrivacyPlan, privacyPlan } from '../../aggregation/privacy-plan.ts'
import {
  decodePrivateIntegers,
  encodePrivateInput,
  type PrivateEncoding
} from '../../aggregation/private-input.ts'
import type { Random } from '../../aggregation/random.ts'
import {
  applyRound,
  initialState,
  type PrivacySpent,
  type ReplicatedState
} from '../../aggregation/replicated-state.ts'
import type { Lanes } from '../../aggregation/ring.ts'
import { serverOptimizerOf } from '../../aggregation/server-optimizer.ts'
import { strategyByName } from '../../aggregation/strategies.ts'
import { largestCohortOf } from '../../protocols/chain-cohorts.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import { toHex } from '../../protocols/hex.ts'
import { leastCohortOf } from '../../protocols/pause.ts'
import { privacyTermsOf } from '../../protocols/privacy-account.ts'
import { quorumOf } from '../../protocols/quorum.ts'
import { colludersOf, type RunManifest } from '../../protocols/run-manifest.ts'
import type { TrainResult } from '../train/trainer.ts'
import { PeerError } from './errors.ts'

type RunSettings = Pick<RunContext, 'id' | 'manifest'>

/** The factors alternate at most between two rounds: looked at before a run begins. */
const KINDS_OF_ROUNDS = 2

/** Tables kept: a cohort that loses a member and gets it back needs the one before. A table is a megabyte at most. */
const TABLES_MAX = 4

/**
 * How the noise of a round is shared out and fitted into the ring; null in a run without noise.
 * @param cohortSize - n, of the cohort that the chain fixed; of a larger network, of its largest leaf
 * @throws AggregationError RING_OVERFLOW naming what would do; BAD_SETTING
 */
export function privacyPlanOf(
  manifest: RunManifest,
  layout: AdapterLayout,
  cohortSize: number,
  completedRounds: number
): PrivacyPlan | null {
  const terms = privacyTermsOf(manifest)
  if (terms === null) return null
  const { mechanism, noiseMultiplier, clipping } = terms
  return privacyPlan({
    noise: mechanism,
    noiseMultiplier,
    dimension: dimensionOf(manifest, layout, completedRounds),
    participants: cohortSize,
    ...scarcestOf(manifest, cohortSize),
    ringBits: manifest.secureSum.ringBits,
    sideBounds:
      clipping.kind === 'fixed' ? [] : [unclippedSideBound(noiseMultiplier, clipping.countNoise * cohortSize)]
  })
}

/**
 * The fewest honest survivors are what the noise is sized by. In a larger network the sum of every cohort is public by
 * itself, and cohorts of one round differ by one member: the one with fewer decides for all.
 */
function scarcestOf(manifest: RunManifest, cohortSize: number): { threshold: number; colluders: number } {
  const least = leastCohortOf(manifest)
  const smaller = manifest.cohort.larger === 'tree' && cohortSize > least ? [cohortSize - 1] : []
  return [cohortSize, ...smaller]
    .map(size => ({ threshold: quorumOf(size), colluders: colludersOf(manifest, size) }))
    .reduce((a, b) => (b.threshold - b.colluders < a.threshold - a.colluders ? b : a))
}

/** d, of the factors that such a round sums. */
function dimensionOf(manifest: RunManifest, layout: AdapterLayout, completedRounds: number): number {
  const factors = strategyByName(manifest.strategy).factorsOf(completedRounds)
  return spansOf(layout, factors).reduce((sum, { length }) => sum + length, 0)
}

/** The encoding of one round with noise; null in a run without. The rotation's seed is public. @throws as privacyPlanOf */
export function privateEncodingOf(
  { id, manifest }: RunSettings,
  layout: AdapterLayout,
  cohortSize: number,
  completedRounds: number
): PrivateEncoding | null {
  const plan = privacyPlanOf(manifest, layout, cohortSize, completedRounds)
  if (plan === null) return null
  return { plan, ringBits: manifest.secureSum.ringBits, rotationSeed: `${toHex(id)} ${completedRounds}` }
}

/**
 * The noise of each kind of round, worked out once. All cohorts that the run can come to are looked at now: a ring that
 * is too narrow must not show in the middle of a run.
 * @throws PeerError NOISE_DOES_NOT_FIT saying what would do
 */
export function mechanismsOf(manifest: RunManifest, layout: AdapterLayout): RunContext['mechanismOf'] {
  if (privacyTermsOf(manifest) === null) return () => null
  const known = new Map<string, Mechanism>()
  const look = (cohortSize: number, completedRounds: number): Mechanism => {
    const key = `${cohortSize} ${dimensionOf(manifest, layout, completedRounds)}`
    const mechanism =
      known.get(key) ?? mechanismOf(privacyPlanOf(manifest, layout, cohortSize, completedRounds)!)
    known.set(key, mechanism)
    return mechanism
  }
  for (let size = leastCohortOf(manifest); size <= largestCohortOf(manifest); size++) {
    try {
      for (let completed = 0; completed < KINDS_OF_ROUNDS; completed++) look(size, completed)
    } catch (error) {
      if (!(error instanceof AggregationError)) throw error
      const message = `privacy: the noise of the run "${manifest.name}" does not fit. ${error.message}`
      throw new PeerError('NOISE_DOES_NOT_FIT', { cohortSize: size, ...error.data }, message, {
        cause: error
      })
    }
  }
  return look
}

/** The replicated state before the first round. @throws AggregationError NON_FINITE, BAD_SETTING */
export function initialStateOf(manifest: RunManifest, adapter: Float32Array): ReplicatedState {
  const terms = privacyTermsOf(manifest)
  const state = initialState(adapter, manifest.secureSum.clipNorm)
  return terms === null ? state : { ...state, privacySpent: { epsilon: 0, delta: terms.delta } }
}

/**
 * The delta of the trained factors, clipped, noised and encoded. The plain delta is erased, and so is the trained adapter.
 * @param before - the replicated state that was trained from
 * @param random - from secureRandom, new for every input
 * @returns lanes, not masked yet: they must not leave this peer, although they are noised
 * @throws AggregationError NON_FINITE, LENGTH_MISMATCH
 */
export function encodePrivateTraining(
  encoding: PrivateEncoding,
  manifest: RunManifest,
  layout: AdapterLayout,
  factors: readonly AdapterFactor[],
  before: Pick<ReplicatedState, 'adapter' | 'clipNorm'>,
  trained: Pick<TrainResult, 'adapter'>,
  random: Random
): Lanes {
  const spans = spansOf(layout, factors)
  const start = gatherSpans(before.adapter, spans)
  const delta = gatherSpans(trained.adapter, spans)
  for (let i = 0; i < delta.length; i++) delta[i] = delta[i]! - start[i]!
  try {
    return encodePrivateInput(encoding, delta, before.clipNorm, samplerOf(encoding, manifest), random)
  } finally {
    delta.fill(0)
    trained.adapter.fill(0)
  }
}

/**
 * The server step from a noised sum: the mean change, and the clip norm of the next round.
 * @param sum - shape [privateLaneCount(encoding)], integers
 * @param privacySpent - with this round
 * @throws AggregationError BAD_SUM if someone put in garbage
 */
export function privateServerStep(
  encoding: PrivateEncoding,
  manifest: RunManifest,
  layout: AdapterLayout,
  state: ReplicatedState,
  sum: ArrayLike<number>,
  survivors: number,
  privacySpent: PrivacySpent
): ReplicatedState {
  const decoded = decodePrivateIntegers(encoding, sum, survivors, state.clipNorm)
  const optimizer = serverOptimizerOf(manifest.serverOptimizer)
  const next = applyRound(state, decoded, strategyByName(manifest.strategy), optimizer, layout)
  const terms = privacyTermsOf(manifest)!
  const { unclippedFraction } = decoded
  const clipNorm =
    unclippedFraction === null || terms.clipping.kind === 'fixed'
      ? state.clipNorm
      : nextClipNorm(state.clipNorm, unclippedFraction, terms.clipping)
  return { ...next, clipNorm, privacySpent }
}

const tables = new Map<string, NoiseSampler>()

/** A table holds no secret and depends on nothing but the plan: all peers of a process share it. */
function samplerOf({ plan }: PrivateEncoding, manifest: RunManifest): NoiseSampler {
  const { sampler } = privacyTermsOf(manifest)!
  const { noise } = plan.settings
  if (sampler === 'exact') return noiseSampler(noise, plan.shareVariance, sampler)
  const key = `${noise} ${plan.shareVariance}`
  const table = tables.get(key) ?? noiseSampler(noise, plan.shareVariance, sampler)
  tables.delete(key)
  tables.set(key, table)
  if (tables.size > TABLES_MAX) tables.delete(tables.keys().next().value!)
  return table
}
