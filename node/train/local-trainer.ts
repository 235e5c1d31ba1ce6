import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { seededRandom } from '../../aggregation/random.ts'
import type { Clock } from '../../protocols/ports.ts'
import type { AdaptedModel } from '../peft/adapted-model.ts'
import { adapterConfigJson } from '../peft/adapter-config.ts'
import type { CheckpointStore } from './checkpoint-store.ts'
import { heldOutText, type TokenizedShard, trainText } from './dataset.ts'
import { TrainError } from './errors.ts'
import { type EvaluationWindows, evaluateText } from './evaluate.ts'
import { trainerCheckpoints } from './job-checkpoints.ts'
import { shardDigest } from './job-fingerprint.ts'
import { type TrainOptions, trainAdapter } from './loop.ts'
import { wholeBatches } from './micro-batches.ts'
import type { EvaluateJob, EvaluateResult, Trainer } from './trainer.ts'
import type { CheckpointInterval } from './training-state.ts'

/** What a trainer is opened with besides the model. */
export interface TrainerSettings {
  readonly baseModelSha256: string
  /** Seed of the first adapter; every peer of a run has the same. */
  readonly initialisationSeed: number
  readonly evaluation: EvaluationWindows
  readonly options?: Omit<TrainOptions, 'checkpoints'>
  readonly keep?: KeepSettings
}

/** Where interrupted jobs are kept. */
export interface KeepSettings {
  readonly store: CheckpointStore
  readonly every: CheckpointInterval
  readonly sha256: CryptoSuite['sha256']
}

/** Runs an evaluation job. @param clock - to measure time with @throws TrainError BAD_JOB */
export async function evaluateShard(
  model: AdaptedModel,
  shard: TokenizedShard,
  job: EvaluateJob,
  windows: EvaluationWindows,
  clock?: Pick<Clock, 'nowMs'>
): Promise<EvaluateResult> {
  const text = job.split === 'heldOut' ? heldOutText(shard) : trainText(shard)
  const expected = model.layout.length
  if (job.adapter !== null && job.adapter.length !== expected) {
    const data = { field: 'adapter', got: job.adapter.length, expected }
    throw new TrainError(
      'BAD_JOB',
      data,
      `the adapter has ${job.adapter.length} values, expected ${expected}`
    )
  }
  if (text.ids.length < 2) {
    const data = { field: job.split, got: text.ids.length, expected: 2 }
    throw new TrainError(
      'BAD_JOB',
      data,
      `the ${job.split} text has ${text.ids.length} tokens: 2 are the least that can be measured`
    )
  }
  const beganAtMs = clock?.nowMs() ?? 0
  const tokenBytes = job.split === 'heldOut' ? shard.heldOutTokenBytes : null
  const measure = await evaluateText(model, text, tokenBytes, job.adapter, windows)
  return { ...measure, seconds: clock === undefined ? null : (clock.nowMs() - beganAtMs) / 1000 }
}

/** A trainer on this thread: simple, and it blocks the thread while it works. `signal` is looked at between steps. */
export function localTrainer(model: AdaptedModel, shard: TokenizedShard, settings: TrainerSettings): Trainer {
  const { baseModelSha256, initialisationSeed, evaluation, options = {}, keep } = settings
  const checkpoints = keep && checkpointsOf(model, shard, settings, keep)
  return {
    layout: model.layout,
    adapterKind: model.adapter.settings.kind,
    adapterConfigJson: baseModel => adapterConfigJson(model.adapter.settings, model.base.config, baseModel),
    baseModelSha256,
    initialAdapter: () => model.adapter.initial(seededRandom(initialisationSeed)),
    async train(job, onProgress = () => {}, signal) {
      const isAborted = () => signal?.aborted === true
      const kept = checkpoints && {
        checkpoints: keep!.store.of(await checkpoints.fingerprintOf(job), keep!.every)
      }
      const hooks = { onStep: onProgress, isAborted }
      return trainAdapter(model, trainText(shard), job, hooks, { ...options, ...kept })
    },
    async evaluate(job) {
      return evaluateShard(model, shard, job, evaluation, options.clock)
    },
    ...(checkpoints && { checkpoints }),
    async close() {}
  }
}

function checkpointsOf(
  { adapter, base }: AdaptedModel,
  shard: TokenizedShard,
  { baseModelSha256, options }: TrainerSettings,
  { store, sha256 }: KeepSettings
): ReturnType<typeof trainerCheckpoints> {
  const shardSha256 = shardDigest(shard, sha256)
  return trainerCheckpoints(
    store,
    async ({ batchSize }) => ({
      baseModelSha256,
      adapter: adapter.settings,
      backend: base.backend.name,
      plan: options?.plan ?? wholeBatches(batchSize)
    }),
    shardSha256,
    sha256
  )
}
