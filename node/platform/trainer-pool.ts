import { availableParallelism } from 'node:os'
import { seededRandom } from '../../aggregation/random.ts'
import type { ModelConfig } from '../model/model-config.ts'
import type { Adapter } from '../peft/adapter.ts'
import { adapterConfigJson } from '../peft/adapter-config.ts'
import { adapterOf } from '../peft/adapter-of.ts'
import type { AdapterSettings } from '../peft/adapter-settings.ts'
import type { TokenizedShard } from '../train/dataset.ts'
import { TrainError } from '../train/errors.ts'
import type { EvaluationWindows } from '../train/evaluate.ts'
import { trainerCheckpoints } from '../train/job-checkpoints.ts'
import { type JobSetting, shardDigest } from '../train/job-fingerprint.ts'
import type { StepPlan } from '../train/micro-batches.ts'
import type { BatchShape, TrainingPlan } from '../train/plan.ts'
import type { PowerPolicy } from '../train/power-policy.ts'
import type { EvaluateResult, Trainer, TrainerCheckpoints, TrainJob, TrainResult } from '../train/trainer.ts'
import type { CheckpointInterval } from '../train/training-state.ts'
import { openEnergyMeter } from './energy-meter.ts'
import { createJobControl } from './job-control.ts'
import { JobPlanner } from './job-planner.ts'
import { backendMemory, type MemoryLimits } from './memory-budget.ts'
import { nodeCrypto } from './node-crypto.ts'
import type { BackendRequest } from './open-backend.ts'
import { PowerWatch } from './power-watch.ts'
import { sharedShard } from './shared-shard.ts'
import { systemClock } from './system-clock.ts'
import { type SystemFacts, systemFacts } from './system-facts.ts'
import type { BackendReport, JobManner, TrainerNotice } from './trainer-messages.ts'
import { closedError, type JobListener, TrainerThreads } from './trainer-threads.ts'
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
  /** By default most of what the machine has. */
  readonly memory?: MemoryLimits
  /** What to do on battery; by default train. */
  readonly power?: PowerPolicy
  /** Whether to read what the machine says of the energy that it takes. Of use where one job is done at a time. */
  readonly measuresEnergy?: boolean
  /** Of the machine, unless a test has others. */
  readonly facts?: SystemFacts
  /** Told what a person should know of the training. */
  onNotice?(notice: TrainerNotice): void
  /** Another entry point than trainer-worker, for tests of what happens when a thread ends. */
  readonly workerUrl?: URL
}

export interface OpenOptions {
  /** If given, interrupted training jobs are gone on with. */
  readonly keep?: KeepOptions
  /** A training job ends with the step after which another one would pass this. */
  readonly secondsMax?: number
  /** Told what a person should know of this trainer's jobs; by default as the pool. */
  readonly onNotice?: (notice: TrainerNotice) => void
}

/** Where and how often interrupted jobs are kept. No other process may use that folder. */
export interface KeepOptions {
  readonly place: CheckpointPlace
  readonly every: CheckpointInterval
}

export interface TrainerPool {
  /** A trainer on one client's data. All trainers of a pool share its threads; jobs wait their turn in order. */
  open(shard: TokenizedShard, options?: OpenOptions): Trainer
  /**
   * How batches of a shape will be computed, and why; known before the model is read.
   * @throws BackendError UNAVAILABLE; TrainError DOES_NOT_FIT, WORKER_FAILED, CLOSED
   */
  plan(shape: BatchShape): Promise<TrainingPlan>
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
  const { config, modelFolder, onNotice = () => {}, workerUrl, memory = {}, facts = systemFacts } = options
  const { trainers = availableParallelism() } = options
  const adapter = adapterOf(config, options.adapter)
  const backend = {
    name: 'auto' as const,
    modelWidth: config.hiddenSize,
    ...backendMemory(memory, trainers, adapter.layout.length),
    ...options.backend,
    trainers
  }
  const threads = new TrainerThreads({
    threadData: { backend, modelFolder, config, adapter: options.adapter },
    trainers,
    ...(workerUrl && { workerUrl })
  })
  const planner = new JobPlanner({
    config,
    adapter: options.adapter,
    limits: memory,
    facts,
    trainers,
    evaluation: options.evaluation ?? { sequenceLength: Math.min(128, config.maxPositions), batchSize: 8 },
    backend: () => threads.openedBackend(),
    tell: onNotice
  })
  const parts = { options, adapter, threads, planner, watch: openWatch(options, facts, onNotice) }
  return {
    open: (shard, own = {}) => poolTrainer(parts, shard, own),
    plan: shape => planner.planOf(shape),
    backend: () => threads.backend(),
    close: () => threads.close()
  }
}

/** What the trainers of a pool share. */
interface PoolParts {
  readonly options: TrainerPoolOptions
  readonly adapter: Adapter
  readonly threads: TrainerThreads
  readonly planner: JobPlanner
  readonly watch: Promise<PowerWatch | null>
}

function poolTrainer(
  { options, adapter, threads, planner, watch }: PoolParts,
  shard: TokenizedShard,
  { keep, secondsMax, onNotice = options.onNotice ?? (() => {}) }: OpenOptions
): Trainer {
  const { config, baseModelSha256, initialisationSeed } = options
  const shared = sharedShard(shard)
  const settingOf = async (job: TrainJob): Promise<JobSetting> => ({
    baseModelSha256,
    adapter: options.adapter,
    backend: (await threads.backend()).name,
    plan: await planner.stepPlanOf(job)
  })
  const checkpoints = keep && openKept(shard, keep, settingOf, onNotice)
  let isClosed = false
  const checkOpen = (): void => {
    if (isClosed) throw closedError()
  }

  /** Once, with the plan that there is. */
  const trainWith = async (
    plan: StepPlan,
    job: TrainJob,
    listener: JobListener,
    signal?: AbortSignal
  ): Promise<TrainResult> => {
    const kept = checkpoints && { keep: await checkpoints.placeOf(job) }
    const manner = { plan, ...(secondsMax !== undefined && { secondsMax }), ...kept }
    const control = createJobControl()
    const stopFollowing = (await (await watch)?.follow(control)) ?? (async () => null)
    let energyJoules: number | null = null
    try {
      checkOpen()
      const task = { kind: 'train', job, manner } as const
      const result = (await threads.run(task, shared, control, listener, signal)) as TrainResult
      energyJoules = await stopFollowing()
      return { ...result, energyJoules }
    } finally {
      await stopFollowing()
    }
  }

  return {
    layout: adapter.layout,
    adapterKind: adapter.settings.kind,
    adapterConfigJson: baseModel => adapterConfigJson(adapter.settings, config, baseModel),
    baseModelSha256,
    initialAdapter: () => adapter.initial(seededRandom(initialisationSeed)),

    async train(job, onStep, signal) {
      const listener = { onNotice, ...(onStep && { onStep }) }
      for (;;) {
        checkOpen()
        const plan = await planner.stepPlanOf(job)
        try {
          return await trainWith(plan, job, listener, signal)
        } catch (error) {
          const isOutOfMemory = error instanceof TrainError && error.code === 'OUT_OF_MEMORY'
          if (!isOutOfMemory || !planner.shrink(job, plan)) throw error
        }
      }
    },

    async evaluate(job) {
      checkOpen()
      const windows = await planner.evaluationWindows()
      const task = { kind: 'evaluate', job, windows } as const
      return (await threads.run(task, shared, createJobControl())) as EvaluateResult
    },

    ...(checkpoints && { checkpoints }),

    async close() {
      isClosed = true
    }
  }
}

async function openWatch(
  { power, measuresEnergy = false }: TrainerPoolOptions,
  facts: SystemFacts,
  tell: (notice: TrainerNotice) => void
): Promise<PowerWatch | null> {
  const energy = measuresEnergy ? await openEnergyMeter() : null
  if (power === undefined && energy === null) return null
  const supply = () => facts.powerSupply()
  return new PowerWatch({ clock: systemClock, supply, policy: power ?? null, energy, tell })
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
