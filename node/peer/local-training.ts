/** LocalTraining: from the global adapter and the manifest to a job, and from its result to lanes of the ring. */
import {
  type AdapterFactor,
  type AdapterLayout,
  gatherSpans,
  spansOf
} from '../../aggregation/adapter-layout.ts'
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import { clipToNorm } from '../../aggregation/clip.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { encodeInput, type RoundEncoding } from '../../aggregation/encoding.ts'
import type { Random } from '../../aggregation/random.ts'
import { type Compressed, compress } from '../../aggregation/random-k.ts'
import type { Lanes } from '../../aggregation/ring.ts'
import type { RunContext } from '../../protocols/chain-tip.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { learningRateAt } from '../train/schedule.ts'
import type { TrainJob, TrainResult } from '../train/trainer.ts'
import type { AttemptId } from './journal-store.ts'

/**
 * Which windows are drawn: another choice in every round, attempt and peer. A round whose deltas were burnt is
 * trained anew on other data, so that two sums do not show one delta twice.
 * @returns a 32-bit integer
 */
export function batchSeedOf(
  run: Uint8Array,
  { round, attempt }: AttemptId,
  self: PeerId,
  sha256: CryptoSuite['sha256']
): number {
  const hash = sha256(lengthPrefixed('batch-seed', run, round, attempt, self))
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0, true)
}

/** @param adapter - the global adapter [d] after `completedRounds` rounds */
export function trainJobOf(
  { manifest }: Pick<RunContext, 'manifest'>,
  adapter: Float32Array,
  factors: readonly AdapterFactor[],
  completedRounds: number,
  seed: number
): TrainJob {
  const { steps, batchSize, sequenceLength, learningRate, schedule, stepSchedule, warmupSteps } =
    manifest.training
  const { optimizer, momentum, weightDecay, gradientClipNorm, proximalMu } = manifest.training
  const overRounds = {
    peak: learningRate,
    warmupSteps: 0,
    shape: schedule,
    totalSteps: manifest.rounds,
    floor: 0
  }
  return {
    adapter,
    factors,
    steps,
    batchSize,
    sequenceLength,
    learningRate: learningRateAt(overRounds, completedRounds),
    warmupSteps,
    schedule: stepSchedule,
    optimizer: optimizer === 'sgd' ? { name: 'sgd', momentum } : { name: 'adamw' },
    weightDecay,
    gradientClipNorm,
    proximalMu,
    seed
  }
}

/** Under random-k: the coordinates that this round sums, and what is left over of the rounds before, shape [d]. */
export interface RandomKInput {
  readonly kept: Uint32Array
  readonly leftover: Float32Array
}

export interface EncodedTraining {
  /** Shape [laneCountOf(encoding)], not masked yet: it must not leave this peer. */
  readonly input: Lanes
  /** Null without random-k. As private as the input. */
  readonly compressed: Compressed | null
}

/**
 * The delta of the trained factors, clipped and encoded. The plain delta is erased, and so are the trained adapter and what
 * was left over.
 * @param before - the global adapter [d]
 * @param weight - from roundWeight
 * @throws AggregationError NON_FINITE, LENGTH_MISMATCH
 */
export function encodeTraining(
  encoding: RoundEncoding,
  layout: AdapterLayout,
  factors: readonly AdapterFactor[],
  before: Float32Array,
  trained: Pick<TrainResult, 'adapter' | 'meanLoss'>,
  clipNorm: number,
  weight: number,
  random: Random,
  randomK: RandomKInput | null = null
): EncodedTraining {
  const spans = spansOf(layout, factors)
  const start = gatherSpans(before, spans)
  const delta = gatherSpans(trained.adapter, spans)
  for (let i = 0; i < delta.length; i++) delta[i] = delta[i]! - start[i]!
  let clipped: Float64Array | undefined
  try {
    clipped = clipToNorm(delta, clipNorm).clipped
    const compressed = randomK === null ? null : compress(clipped, randomK.leftover, randomK.kept, clipNorm)
    const input = { delta: compressed?.sent ?? clipped, weight, metrics: [trained.meanLoss] }
    return { input: encodeInput(encoding, input, random), compressed }
  } finally {
    delta.fill(0)
    clipped?.fill(0)
    randomK?.leftover.fill(0)
    trained.adapter.fill(0)
  }
}
