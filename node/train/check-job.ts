import type { AdaptedModel } from '../peft/adapted-model.ts'
import { TrainError } from './errors.ts'
import type { StepPlan } from './micro-batches.ts'
import { splitText, type TokenText } from './token-text.ts'
import type { EarlyStop, TrainJob } from './trainer.ts'

/** @throws TrainError BAD_JOB, naming the field */
export function checkJob(model: AdaptedModel, text: TokenText, job: TrainJob): void {
  const { length } = model.layout
  const { positionsMax } = model
  const { warmupSteps = 0, proximalMu = 0 } = job
  demand('adapter', job.adapter.length, `${length} values`, job.adapter.length === length)
  demand('factors', job.factors.join(), 'at least one of A and B', job.factors.length > 0)
  for (const field of ['steps', 'batchSize', 'sequenceLength'] as const) demandCount(field, job[field])
  demand(
    'sequenceLength',
    job.sequenceLength,
    `at most ${positionsMax}, the model's limit`,
    job.sequenceLength <= positionsMax
  )
  demand('learningRate', job.learningRate, 'above 0', job.learningRate > 0)
  demand(
    'warmupSteps',
    warmupSteps,
    'a whole number of at least 0',
    Number.isSafeInteger(warmupSteps) && warmupSteps >= 0
  )
  demand('weightDecay', job.weightDecay, 'at least 0', job.weightDecay >= 0)
  demand('gradientClipNorm', job.gradientClipNorm, 'above 0', job.gradientClipNorm > 0)
  demand('proximalMu', proximalMu, 'at least 0', proximalMu >= 0)
  demand('seed', job.seed, 'a safe integer', Number.isSafeInteger(job.seed))
  demand('text', text.ids.length, 'at least 2 tokens', text.ids.length >= 2)
  if (job.earlyStop !== undefined) checkEarlyStop(text, job.earlyStop)
}

/** @throws TrainError BAD_JOB, naming the field */
export function checkPlan({ microBatchSize }: StepPlan): void {
  demandCount('microBatchSize', microBatchSize)
}

function checkEarlyStop(text: TokenText, { evaluateEverySteps, patience, holdOutFraction }: EarlyStop): void {
  demandCount('evaluateEverySteps', evaluateEverySteps)
  demand('patience', patience, 'at least 1', patience >= 1)
  const isCut = holdOutFraction > 0 && holdOutFraction < 1 && splitText(text, 1 - holdOutFraction) !== null
  demand(
    'holdOutFraction',
    holdOutFraction,
    'a share that leaves an example, or 2 tokens, on both sides',
    isCut
  )
}

function demandCount(field: string, got: number): void {
  demand(field, got, 'a whole number of at least 1', Number.isSafeInteger(got) && got >= 1)
}

function demand(field: string, got: unknown, expected: string, isMet: boolean): void {
  if (!isMet)
    throw new TrainError('BAD_JOB', { field, got, expected }, `${field} is ${got}, expected ${expected}`)
}
