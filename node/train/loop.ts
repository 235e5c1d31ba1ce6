import { gatherSpans, type Span, spansOf } from '../../aggregation/adapter-layout.ts'
import { seededRandom } from '../../aggregation/random.ts'
import type { AdaptedModel } from '../peft/adapted-model.ts'
import { trainingBatches } from './batches.ts'
import { TrainError } from './errors.ts'
import { type EvaluationWindows, evaluateText } from './evaluate.ts'
import { AdamW, adamWDefaults, clipGradient } from './optimizer.ts'
import { splitText, type TokenText } from './token-text.ts'
import type { EarlyStop, TrainJob, TrainResult } from './trainer.ts'

/** Asked and told between steps. */
export interface TrainHooks {
  onStep(steps: number, loss: number): void
  /** Whether to give up now. */
  isAborted(): boolean
}

/**
 * Trains an adapter on windows of a text with AdamW (betas 0.9 and 0.999, fresh moments).
 * Some backends hold the thread while they compute: it belongs off the one that serves the network.
 * @throws TrainError BAD_JOB, DIVERGED, ABORTED
 */
export async function trainAdapter(
  model: AdaptedModel,
  text: TokenText,
  job: TrainJob,
  hooks: TrainHooks
): Promise<TrainResult> {
  checkJob(model, text, job)
  const { earlyStop } = job
  const [trainText, stopText] =
    earlyStop === undefined ? [text, null] : splitText(text, 1 - earlyStop.holdOutFraction)!
  const stopper =
    earlyStop === undefined || stopText === null ? null : new Stopper(model, stopText, earlyStop, job)
  const batches = trainingBatches(trainText, job.batchSize, job.sequenceLength, seededRandom(job.seed))
  const adapter = job.adapter.slice()
  const gradient = new Float32Array(adapter.length)
  const spans = spansOf(model.layout, job.factors)
  const trained = gatherSpans(adapter, spans)
  const optimizer = new AdamW(trained.length, { ...adamWDefaults, weightDecay: job.weightDecay })
  let lossSum = 0
  let lastLoss = Number.NaN
  let steps = 0
  while (steps < job.steps && (await stopper?.isDone(steps, adapter)) !== true) {
    if (hooks.isAborted())
      throw new TrainError('ABORTED', { steps }, `training was stopped after ${steps} steps`)
    const { tokens, targets } = batches.next()
    lastLoss = await model.lossAndGradient(tokens, targets, adapter, job.factors, gradient)
    const trainedGradient = gatherSpans(gradient, spans)
    const norm = clipGradient(trainedGradient, job.gradientClipNorm)
    if (!Number.isFinite(lastLoss) || !Number.isFinite(norm))
      throw diverged(steps, lastLoss, job.learningRate)
    optimizer.step(trained, trainedGradient, job.learningRate)
    scatterSpans(trained, spans, adapter)
    lossSum += lastLoss
    steps++
    hooks.onStep(steps, lastLoss)
  }
  return {
    adapter: stopper === null ? adapter : await stopper.best(steps, adapter),
    steps,
    meanLoss: lossSum / steps,
    lastLoss,
    tokens: steps * job.batchSize * job.sequenceLength
  }
}

/** Keeps the adapter that did best on text set apart. Prechelt 1998, "Early stopping - but when?". */
class Stopper {
  private readonly model: AdaptedModel
  private readonly text: TokenText
  private readonly settings: EarlyStop
  private readonly windows: EvaluationWindows
  private bestNats = Number.POSITIVE_INFINITY
  private bestAdapter: Float32Array | null = null
  private measuredSteps = -1
  private withoutBest = 0

  constructor(model: AdaptedModel, text: TokenText, settings: EarlyStop, windows: EvaluationWindows) {
    this.model = model
    this.text = text
    this.settings = settings
    this.windows = { sequenceLength: windows.sequenceLength, batchSize: windows.batchSize }
  }

  /** Measures if it is time to, and says whether to stop. */
  async isDone(steps: number, adapter: Float32Array): Promise<boolean> {
    if (steps % this.settings.evaluateEverySteps === 0) await this.measure(steps, adapter)
    return this.withoutBest >= this.settings.patience
  }

  async best(steps: number, adapter: Float32Array): Promise<Float32Array> {
    await this.measure(steps, adapter)
    return this.bestAdapter ?? adapter
  }

  private async measure(steps: number, adapter: Float32Array): Promise<void> {
    if (steps === this.measuredSteps) return
    this.measuredSteps = steps
    const { nats } = await evaluateText(this.model, this.text, null, adapter, this.windows)
    if (nats < this.bestNats) {
      this.bestNats = nats
      this.bestAdapter = adapter.slice()
      this.withoutBest = 0
    } else this.withoutBest++
  }
}

function scatterSpans(dense: Float32Array, spans: readonly Span[], vector: Float32Array): void {
  let at = 0
  for (const { offset, length } of spans) {
    vector.set(dense.subarray(at, at + length), offset)
    at += length
  }
}

function diverged(steps: number, loss: number, learningRate: number): TrainError {
  return new TrainError(
    'DIVERGED',
    { step: steps + 1, loss },
    `training diverged at step ${steps + 1} (loss ${loss}): lower the learning rate, now ${learningRate}`
  )
}

function checkJob(model: AdaptedModel, text: TokenText, job: TrainJob): void {
  const maxPositions = model.positionsMax
  demand(
    'adapter',
    job.adapter.length,
    `${model.layout.length} values`,
    job.adapter.length === model.layout.length
  )
  demand('factors', job.factors.join(), 'at least one of A and B', job.factors.length > 0)
  for (const field of ['steps', 'batchSize', 'sequenceLength'] as const) {
    demand(
      field,
      job[field],
      'a whole number of at least 1',
      Number.isSafeInteger(job[field]) && job[field] >= 1
    )
  }
  demand(
    'sequenceLength',
    job.sequenceLength,
    `at most ${maxPositions}, the model's limit`,
    job.sequenceLength <= maxPositions
  )
  demand('learningRate', job.learningRate, 'above 0', job.learningRate > 0)
  demand('weightDecay', job.weightDecay, 'at least 0', job.weightDecay >= 0)
  demand('gradientClipNorm', job.gradientClipNorm, 'above 0', job.gradientClipNorm > 0)
  demand('seed', job.seed, 'a safe integer', Number.isSafeInteger(job.seed))
  demand('text', text.ids.length, 'at least 2 tokens', text.ids.length >= 2)
  if (job.earlyStop !== undefined) checkEarlyStop(text, job.earlyStop)
}

function checkEarlyStop(text: TokenText, { evaluateEverySteps, patience, holdOutFraction }: EarlyStop): void {
  demand(
    'evaluateEverySteps',
    evaluateEverySteps,
    'at least 1',
    Number.isSafeInteger(evaluateEverySteps) && evaluateEverySteps >= 1
  )
  demand('patience', patience, 'at least 1', patience >= 1)
  const isCut = holdOutFraction > 0 && holdOutFraction < 1 && splitText(text, 1 - holdOutFraction) !== null
  demand(
    'holdOutFraction',
    holdOutFraction,
    'a share that leaves an example, or 2 tokens, on both sides',
    isCut
  )
}

function demand(field: string, got: unknown, expected: string, isMet: boolean): void {
  if (!isMet)
    throw new TrainError('BAD_JOB', { field, got, expected }, `${field} is ${got}, expected ${expected}`)
}
