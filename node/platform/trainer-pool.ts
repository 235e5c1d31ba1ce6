import { availableParallelism } from 'node:os'
import { seededRandom } from '../../aggregation/random.ts'
import type { ModelConfig } from '../model/model-config.ts'
import { adapterConfigJson } from '../peft/adapter-config.ts'
import { adapterOf } from '../peft/adapter-of.ts'
import type { AdapterSettings } from '../peft/adapter-settings.ts'
import type { TokenizedShard } from '../train/dataset.ts'
import type { EvaluationWindows } from '../train/evaluate.ts'
import { trainerCheckpoints } from '../train/job-checkpoints.ts'
import { type JobSetting, shardDigest } from '../train/job-fingerprint.ts'
import { wholeBatches } from '../train/micro-batches.ts'
import type { EvaluateResult, Trainer, TrainerCheckpoints, TrainJob, TrainResult } from '../train/trainer.ts'
import type { CheckpointInterval } from '../train/training-state.ts'
import { nodeCrypto } from './node-crypto.ts'
import type { BackendRequest } from './open-backend.ts'
import { sharedShard } from './shared-shard.ts'
import type { BackendReport, JobManner, TrainerNotice, TrainerTask } from './trainer-messages.ts'
import { closedError, TrainerThreads } from './trainer-threads.ts'
import { type CheckpointPlace, openCheckpoints, removeUnfinished } from './training-checkpoints.ts'

export interface TrainerPoolOptions {
  /** In Hugging Face layout; every thread reads it. */
  readonly modelFolder: string
  readonly config: ModelConfig
  readonly baseModelSha256: string
  readonly adapter: AdapterSettings
  /** Seed of the first adapter; the same for every peer of a run. */
  readonly initialisationSeed: number
  /**
   * Threads that train side by side, each with its own copy of the model; by default one per core. A backend that a
   * process can have only once is used by one.
   */
  readonly trainers?: number
  /** `auto` by default, with the cores that there are shared among the trainers. */
  readonly backend?: Omit<BackendRequest, 'trainers'>
  /** By default 8 windows at once of 128 tokens, or of as many as the model allows. */
  readonly evaluation?: EvaluationWindows
  /** Told what a person should know of the training. */
  onNotice?(notice: TrainerNotice): void
  /** Another entry point than trainer-worker, for tests of what happens when a thread ends. */
  readonly workerUrl?: URL
}

/** Where and how often interrupted jobs are kept. No other process may use that folder. */
export interface KeepOptions {
  readonly place: CheckpointPlace
  readonly every: CheckpointInterval
}

export interface TrainerPool {
  /**
   * A trainer on one client's data. All trainers of a pool share its threads; jobs wait their turn in order.
   * @param keep - if given, interrupted training jobs are gone on with
   */
  open(shard: TokenizedShard, keep?: KeepOptions): Trainer
  /** What the threads compute with, once the first one is up. @throws BackendError UNAVAILABLE; TrainError WORKER_FAILED, CLOSED */
  backend(): Promise<BackendReport>
  /** Ends the threads at once; unfinished jobs fail with TrainError CLOSED. */
  close(): Promise<void>
}

/**
 * Starts threads that train and measure adapters of one frozen model off the main thread.
 * @throws PeftError UNKNOWN_TARGET, BAD_SETTING
 */
export function openTrainerPool(options: TrainerPoolOptions): TrainerPool {
  const { config, initialisationSeed, baseModelSha256, modelFolder, onNotice = () => {}, workerUrl } = options
  const { trainers = availableParallelism() } = options
  const adapter = adapterOf(config, options.adapter)
  const evaluation = options.evaluation ?? {
    sequenceLength: Math.min(128, config.maxPositions),
    batchSize: 8
  }
  const backend = { name: 'auto' as const, modelWidth: config.hiddenSize, ...options.backend, trainers }
  const threads = new TrainerThreads({
    threadData: { backend, modelFolder, config, adapter: options.adapter, evaluation },
    trainers,
    ...(workerUrl && { workerUrl }),
    onNotice
  })
  const settingOf = async ({ batchSize }: TrainJob): Promise<JobSetting> => ({
    baseModelSha256,
    adapter: options.adapter,
    backend: (await threads.backend()).name,
    plan: wholeBatches(batchSize)
  })
  return {
    open(shard, keep) {
      const shared = sharedShard(shard)
      const kept = keep && openKept(shard, keep, settingOf, onNotice)
      let isClosed = false
      const run = (
        task: TrainerTask,
        onProgress?: (steps: number, loss: number) => void,
        signal?: AbortSignal
      ) => (isClosed ? Promise.reject(closedError()) : threads.run(task, shared, onProgress, signal))
      return {
        layout: adapter.layout,
        adapterKind: adapter.settings.kind,
        adapterConfigJson: baseModel => adapterConfigJson(adapter.settings, config, baseModel),
        baseModelSha256,
        initialAdapter: () => adapter.initial(seededRandom(initialisationSeed)),
        async train(job, onProgress, signal) {
          const { plan } = await settingOf(job)
          const manner = { plan, ...(kept && { keep: await kept.placeOf(job) }) }
          return (await run({ kind: 'train', job, manner }, onProgress, signal)) as TrainResult
        },
        evaluate: job => run({ kind: 'evaluate', job }) as Promise<EvaluateResult>,
        ...(kept && { checkpoints: kept }),
        async close() {
          isClosed = true
        }
      }
    },
    backend: () => threads.backend(),
    close: () => threads.close()
  }
}

/** The checkpoints of one trainer, as this thread sees them: the training threads read and write them. */
function openKept(
  shard: TokenizedShard,
  { place, every }: KeepOptions,
  settingOf: (job: TrainJob) => Promise<JobSetting>,
  onNotice: (notice: TrainerNotice) => void
): TrainerCheckpoints & { placeOf(job: TrainJob): Promise<JobManner['keep'] & {}> } {
  const { sha256 } = nodeCrypto()
  const store = openCheckpoints(place, onNotice)
  const cleaned = removeUnfinished(place)
  const { fingerprintOf, stepsOf, keepOnly } = trainerCheckpoints(
    store,
    settingOf,
    shardDigest(shard, sha256),
    sha256
  )
  return {
    stepsOf,
    keepOnly,
    async placeOf(job) {
      await cleaned
      return { place, every, fingerprint: await fingerprintOf(job) }
    }
  }
}
