import { gatherSpans, type Span, scatterSpans, spansOf } from '../../aggregation/adapter-layout.ts'
import { seededRandom } from '../../aggregation/random.ts'
import type { Clock } from '../../protocols/ports.ts'
import type { AdaptedModel } from '../peft/adapted-model.ts'
import { type TrainingBatches, trainingBatches } from './batches.ts'
import { checkJob, checkPlan } from './check-job.ts'
import { EarlyStopping } from './early-stopping.ts'
import { TrainError } from './errors.ts'
import { batchGradient, type StepPlan, wholeBatches } from './micro-batches.ts'
import { clipGradient, createOptimizer, type Optimizer } from './optimizer.ts'
import { addProximalGradient } from './proximal.ts'
import { type LearningRateSchedule, learningRateAt } from './schedule.ts'
import { splitText, type TokenText } from './token-text.ts'
import type { TrainingEnd, TrainJob, TrainResult } from './trainer.ts'
import type { JobCheckpoints } from './training-state.ts'

/** Asked and told between steps. */
export interface TrainHooks {
  /** Steps done in all, and the loss of the last one. */
  onStep(steps: number, loss: number): void
  /** Whether to give up now. */
  isAborted(): boolean
}

/** What one machine sets by itself: how a job is computed and how much of it, not what it is. */
export interface TrainOptions {
  /** By default whole batches, with every activation kept. */
  readonly plan?: StepPlan
  /** To measure time with. */
  readonly clock?: Pick<Clock, 'nowMs'>
  /** The job ends with the step after which another one like it would pass this; needs a clock. One step is done in any case. */
  readonly secondsMax?: number
  /** Where to go on from, and where to leave the state now and then, and when the job is given up. */
  readonly checkpoints?: JobCheckpoints
  readonly power?: PowerGate
}

/** What the machine's power supply allows. */
export interface PowerGate {
  /** The most of so many steps that are to be done now. */
  stepsAllowed(steps: number): number
  /** Null if training may go on, else what resolves when it may, or is given up. */
  pause(): Promise<void> | null
}

/**
 * Trains an adapter on windows of a text. With the same job, plan and backend it gives the same bytes, interrupted or not.
 * Some backends hold the thread while they compute: it belongs off the one that serves the network.
 * @throws TrainError BAD_JOB, DIVERGED, ABORTED
 */
export async function trainAdapter(
  model: AdaptedModel,
  text: TokenText,
  job: TrainJob,
  hooks: TrainHooks,
  options: TrainOptions = {}
): Promise<TrainResult> {
  checkJob(model, text, job)
  if (options.plan !== undefined) checkPlan(options.plan)
  const training = new Training(model, text, job, options)
  await training.resume()
  const endedBy = await training.run(hooks)
  return training.result(endedBy)
}

/** One job under way. */
class Training {
  private readonly model: AdaptedModel
  private readonly job: TrainJob
  private readonly options: TrainOptions
  private readonly plan: StepPlan
  private readonly schedule: LearningRateSchedule
  private readonly batches: TrainingBatches
  private readonly stopping: EarlyStopping | null
  private readonly spans: readonly Span[]
  private readonly optimizer: Optimizer
  /** [layout.length] */
  private readonly adapter: Float32Array
  /** [layout.length] */
  private readonly gradient: Float32Array
  /** The trained factors at the start and now, [t]. */
  private readonly start: Float32Array
  private readonly trained: Float32Array
  private readonly losses: number[] = []
  private spentMs = 0
  private lastStepMs = 0
  private savedAtMs: number
  private savedSteps = 0

  constructor(model: AdaptedModel, text: TokenText, job: TrainJob, options: TrainOptions) {
    const { earlyStop, batchSize, sequenceLength, learningRate, steps } = job
    const [trainText, stopText] =
      earlyStop === undefined ? [text, null] : splitText(text, 1 - earlyStop.holdOutFraction)!
    this.model = model
    this.job = job
    this.options = options
    this.plan = options.plan ?? wholeBatches(batchSize)
    this.schedule = {
      peak: learningRate,
      warmupSteps: job.warmupSteps ?? 0,
      shape: job.schedule ?? 'constant',
      totalSteps: steps,
      floor: 0
    }
    this.spans = spansOf(model.layout, job.factors)
    this.adapter = job.adapter.slice()
    this.gradient = new Float32Array(this.adapter.length)
    this.start = gatherSpans(this.adapter, this.spans)
    this.trained = this.start.slice()
    this.optimizer = createOptimizer(job.optimizer ?? { name: 'adamw' }, this.trained.length, job.weightDecay)
    const windows = { sequenceLength, batchSize: Math.min(batchSize, this.plan.microBatchSize) }
    this.stopping =
      earlyStop === undefined || stopText === null
        ? null
        : new EarlyStopping(model, stopText, earlyStop, windows, this.spans)
    this.batches = trainingBatches(trainText, batchSize, sequenceLength, seededRandom(job.seed))
    this.savedAtMs = this.nowMs()
  }

  /** Goes on from the state that was kept, if there is one. */
  async resume(): Promise<void> {
    const state = await this.options.checkpoints?.load()
    if (!state) return
    this.trained.set(state.trained)
    scatterSpans(this.trained, this.spans, this.adapter)
    this.optimizer.restore(state.steps, state.moments)
    if (state.earlyStop !== null) this.stopping?.restore(state.earlyStop)
    for (const loss of state.losses) this.losses.push(loss)
    this.batches.skip(state.steps)
    this.spentMs = state.spentMs
    this.lastStepMs = state.spentMs / state.steps
    this.savedSteps = state.steps
  }

  async run(hooks: TrainHooks): Promise<TrainingEnd> {
    const { power } = this.options
    for (;;) {
      const endedBy = await this.end()
      if (endedBy !== null) return endedBy
      if (hooks.isAborted()) await this.giveUp()
      const pause = power?.pause() ?? null
      if (pause !== null) {
        // The power may be gone before training goes on.
        await this.save()
        await pause
        continue
      }
      const beganAtMs = this.nowMs()
      const loss = await this.step()
      this.lastStepMs = this.nowMs() - beganAtMs
      this.spentMs += this.lastStepMs
      hooks.onStep(this.losses.length, loss)
      if (this.isSaveDue()) await this.save()
    }
  }

  async result(endedBy: TrainingEnd): Promise<TrainResult> {
    const { losses, adapter, job } = this
    const steps = losses.length
    // A job that was long enough to be kept once is not done again if what follows is interrupted.
    if (this.savedSteps > 0) await this.save()
    await this.stopping?.takeBest(steps, adapter)
    return {
      adapter,
      steps,
      endedBy,
      seconds: this.options.clock === undefined ? null : this.spentMs / 1000,
      energyJoules: null,
      meanLoss: losses.reduce((sum, loss) => sum + loss, 0) / steps,
      lastLoss: losses.at(-1) ?? Number.NaN,
      tokens: steps * job.batchSize * job.sequenceLength
    }
  }

  /** Whether this was all. */
  private async end(): Promise<TrainingEnd | null> {
    const { job, options, adapter } = this
    const steps = this.losses.length
    if (steps >= job.steps) return 'steps'
    if ((await this.stopping?.isDone(steps, adapter)) === true) return 'early-stop'
    if (steps === 0) return null
    const { power, secondsMax = Number.POSITIVE_INFINITY } = options
    if (power !== undefined && steps >= power.stepsAllowed(job.steps)) return 'power'
    return (this.spentMs + this.lastStepMs) / 1000 > secondsMax ? 'seconds' : null
  }

  private async step(): Promise<number> {
    const { job, adapter, spans, gradient, trained } = this
    const steps = this.losses.length
    const batch = this.batches.next()
    const seed = `${job.seed} ${steps}`
    const loss = await batchGradient(this.model, batch, adapter, job.factors, this.plan, gradient, seed)
    const trainedGradient = gatherSpans(gradient, spans)
    const { proximalMu = 0 } = job
    if (proximalMu > 0) addProximalGradient(trainedGradient, trained, this.start, proximalMu)
    const norm = clipGradient(trainedGradient, job.gradientClipNorm)
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) throw diverged(steps, loss, job.learningRate)
    this.optimizer.step(trained, trainedGradient, learningRateAt(this.schedule, steps))
    scatterSpans(trained, spans, adapter)
    this.losses.push(loss)
    return loss
  }

  private async giveUp(): Promise<never> {
    const steps = this.losses.length
    await this.save()
    throw new TrainError('ABORTED', { steps }, `training was stopped after ${steps} steps`)
  }

  private isSaveDue(): boolean {
    const every = this.options.checkpoints?.every
    if (every === undefined) return false
    if ('steps' in every) return this.losses.length - this.savedSteps >= every.steps
    return this.nowMs() - this.savedAtMs >= every.ms
  }

  private async save(): Promise<void> {
    const { losses, spentMs, trained, optimizer, stopping } = this
    const { checkpoints } = this.options
    const steps = losses.length
    if (checkpoints === undefined || steps === this.savedSteps) return
    const { moments } = optimizer
    const earlyStop = stopping?.state ?? null
    await checkpoints.save({ steps, losses, spentMs, trained, moments, earlyStop })
    this.savedSteps = steps
    this.savedAtMs = this.nowMs()
  }

  private nowMs(): number {
    return this.options.clock?.nowMs() ?? 0
  }
}

function diverged(steps: number, loss: number, learningRate: number): TrainError {
  return new TrainError(
    'DIVERGED',
    { step: steps + 1, loss },
    `training diverged at step ${steps + 1} (loss ${loss}): lower the learning rate, now ${learningRate}`
  )
}
