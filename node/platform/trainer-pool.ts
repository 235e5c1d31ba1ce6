import { availableParallelism } from 'node:os'
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
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
import type { BatchShape, TrainingPlan } from '../train/plan.ts'
import type { PowerPolicy } from '../train/power-policy.ts'
import type {
  EvaluateJob,
  EvaluateResult,
  Trainer,
  TrainerCheckpoints,
  TrainJob,
  TrainResult
} from '../train/trainer.ts'
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
  /** By default most of what the machine has. */
  readonly memory?: MemoryLimits
  /** A training job ends with the step after which another one would pass this. */
  readonly secondsMax?: number
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
    ...(workerUrl && { workerUrl }),
    onNotice
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
    open: (shard, keep) => new PoolTrainer(parts, shard, keep),
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

class PoolTrainer implements Trainer {
  readonly layout: AdapterLayout
  readonly adapterKind: AdapterSettings['kind']
  readonly baseModelSha256: string
  readonly checkpoints?: TrainerCheckpoints
  private readonly parts: PoolParts
  private readonly shard: TokenizedShard
  private readonly kept: ReturnType<typeof openKept> | undefined
  private isClosed = false

  constructor(parts: PoolParts, shard: TokenizedShard, keep: KeepOptions | undefined) {
    const { options, adapter } = parts
    this.parts = parts
    this.shard = sharedShard(shard)
    this.layout = adapter.layout
    this.adapterKind = adapter.settings.kind
    this.baseModelSha256 = options.baseModelSha256
    if (keep === undefined) return
    this.kept = openKept(shard, keep, job => this.settingOf(job), options.onNotice ?? (() => {}))
    this.checkpoints = this.kept
  }

  adapterConfigJson(baseModel: string): string {
    const { options, adapter } = this.parts
    return adapterConfigJson(adapter.settings, options.config, baseModel)
  }

  initialAdapter(): Float32Array {
    const { options, adapter } = this.parts
    return adapter.initial(seededRandom(options.initialisationSeed))
  }

  async train(
    job: TrainJob,
    onProgress?: (steps: number, loss: number) => void,
    signal?: AbortSignal
  ): Promise<TrainResult> {
    const { planner, watch, options, threads } = this.parts
    for (;;) {
      this.checkOpen()
      const plan = await planner.stepPlanOf(job)
      const { secondsMax } = options
      const keep = this.kept && { keep: await this.kept.placeOf(job) }
      const manner = { plan, ...(secondsMax !== undefined && { secondsMax }), ...keep }
      const control = createJobControl()
      const stopFollowing = await (await watch)?.follow(control)
      let energyJoules: number | null = null
      try {
        this.checkOpen()
        const task = { kind: 'train', job, manner } as const
        const result = (await threads.run(task, this.shard, control, onProgress, signal)) as TrainResult
        energyJoules = (await stopFollowing?.()) ?? null
        return { ...result, energyJoules }
      } catch (error) {
        await stopFollowing?.()
        const isOutOfMemory = error instanceof TrainError && error.code === 'OUT_OF_MEMORY'
        if (!isOutOfMemory || !planner.shrink(job, plan)) throw error
      }
    }
  }

  async evaluate(job: EvaluateJob): Promise<EvaluateResult> {
    this.checkOpen()
    const { planner, threads } = this.parts
    const windows = await planner.evaluationWindows()
    const task = { kind: 'evaluate', job, windows } as const
    return (await threads.run(task, this.shard, createJobControl())) as EvaluateResult
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  private async settingOf(job: TrainJob): Promise<JobSetting> {
    const { options, threads, planner } = this.parts
    return {
      baseModelSha256: options.baseModelSha256,
      adapter: options.adapter,
      backend: (await threads.backend()).name,
      plan: await planner.stepPlanOf(job)
    }
  }

  private checkOpen(): void {
    if (this.isClosed) throw closedError()
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
