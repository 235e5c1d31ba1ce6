/** How a machine's memory is used for training: whole batches, smaller pieces, or activations computed twice. */
import { TrainError } from './errors.ts'
import type { MemoryEstimate } from './memory-estimate.ts'
import type { StepPlan } from './micro-batches.ts'
import type { TrainJob } from './trainer.ts'

/** What a plan is made for. */
export type BatchShape = Pick<TrainJob, 'batchSize' | 'sequenceLength'>

/** What memory there is for it. */
export interface MemoryBudget {
  /** What the person, or the machine, allows. */
  readonly allowedBytes: number
  /** What the program takes of it for other things. */
  readonly besidesBytes: number
  /** What is left for the tensors of one trainer, the model among them, with some headroom. */
  readonly tensorBytes: number
  /** E.g. `in memory`, `on the graphics card`. */
  readonly where: string
}

export interface TrainingPlan extends StepPlan {
  /** The most that tensors take at once, the model included; an estimate. */
  readonly estimatedBytes: number
  /** What whole batches with every activation kept would take. */
  readonly wholeBytes: number
  readonly budget: MemoryBudget
}

/**
 * The fastest way that fits: whole batches if they do, else the largest pieces that do, else the same with the activations
 * of each layer computed twice, which takes about a third more time.
 * @throws TrainError DOES_NOT_FIT, with the longest sequence and the largest model that would
 */
export async function planTraining(
  estimate: MemoryEstimate,
  { batchSize, sequenceLength }: BatchShape,
  budget: MemoryBudget
): Promise<TrainingPlan> {
  const limitBytes = budget.tensorBytes
  const wholeBytes = await estimate.stepBytes({ microBatchSize: batchSize, mode: 'record' }, sequenceLength)
  for (const mode of ['record', 'checkpoint'] as const) {
    const bytesOf = (microBatchSize: number) => estimate.stepBytes({ microBatchSize, mode }, sequenceLength)
    const most = await largest(batchSize, async size => (await bytesOf(size)) <= limitBytes)
    if (most === 0) continue
    // As few pieces as with the largest ones, and these as even as can be.
    const microBatchSize = Math.ceil(batchSize / Math.ceil(batchSize / most))
    return { microBatchSize, mode, estimatedBytes: await bytesOf(microBatchSize), wholeBytes, budget }
  }
  throw await doesNotFit(estimate, sequenceLength, budget)
}

/** The next plan that takes less, for a machine that has less than was thought; null if there is none. */
export function smallerPlan({ microBatchSize, mode }: StepPlan): StepPlan | null {
  if (microBatchSize > 1) return { microBatchSize: Math.ceil(microBatchSize / 2), mode }
  return mode === 'record' ? { microBatchSize, mode: 'checkpoint' } : null
}

/** In words, for a person: what was chosen and why. */
export function planText(
  { microBatchSize, mode, estimatedBytes, wholeBytes, budget }: TrainingPlan,
  { batchSize, sequenceLength }: BatchShape
): string {
  const { tensorBytes, where } = budget
  const pieces = Math.ceil(batchSize / microBatchSize)
  const batch = `${batchSize} x ${sequenceLength} tokens`
  const limit = Number.isFinite(tensorBytes) ? ` of ${sizeText(tensorBytes)} ${where}` : ` ${where}`
  const takes = `about ${sizeText(estimatedBytes)}${limit}`
  if (pieces === 1 && mode === 'record') return `whole batches of ${batch}: ${takes}`
  const how = [
    ...(pieces === 1 ? [] : [`in ${pieces} pieces of ${microBatchSize}, whose gradients are added up`]),
    ...(mode === 'record' ? [] : ['with the activations of each layer computed twice'])
  ]
  return `batches of ${batch} ${how.join(', ')}: ${takes}; at once they would take ${sizeText(wholeBytes)}`
}

async function doesNotFit(
  estimate: MemoryEstimate,
  sequenceLength: number,
  { allowedBytes, besidesBytes, tensorBytes: limitBytes, where }: MemoryBudget
): Promise<TrainError> {
  const leanBytes = (length: number) => estimate.stepBytes({ microBatchSize: 1, mode: 'checkpoint' }, length)
  const neededBytes = await leanBytes(sequenceLength)
  const { weightsBytes } = estimate
  const sequenceMax = await largest(
    sequenceLength - 1,
    async length => (await leanBytes(length)) <= limitBytes
  )
  // Of this width, with fewer layers: what a step takes besides the weights hardly changes.
  const parametersMax = Math.max(0, Math.floor((limitBytes - (neededBytes - weightsBytes)) / 4))
  const would = [
    ...(sequenceMax < 2 ? [] : [`windows of ${sequenceMax} tokens instead of ${sequenceLength}`]),
    ...(parametersMax < 1e5 ? [] : [`a model of at most ${countText(parametersMax)} parameters`])
  ]
  const fits =
    would.length === 0 ? 'Nothing of this kind would fit' : `What would fit: ${would.join(', or ')}`
  const besides = besidesBytes === 0 ? '' : `, of which the program itself takes ${sizeText(besidesBytes)}`
  return new TrainError(
    'DOES_NOT_FIT',
    { neededBytes, limitBytes, allowedBytes, besidesBytes, weightsBytes, sequenceMax, parametersMax },
    `training this model takes at least ${sizeText(neededBytes)} ${where} (${sizeText(weightsBytes)} of them the model), ` +
      `even with one window of ${sequenceLength} tokens at a time; ${sizeText(allowedBytes)} are allowed${besides}. ` +
      `${fits}. Or allow more memory.`
  )
}

/** The largest of 1 to `most` that passes, where every smaller one does too; 0 if none does. */
async function largest(most: number, passes: (size: number) => Promise<boolean>): Promise<number> {
  // Most often it is all of it.
  if (most < 1 || (await passes(most))) return Math.max(0, most)
  let [fits, fails] = [0, most]
  while (fails - fits > 1) {
    const middle = Math.floor((fits + fails) / 2)
    if (await passes(middle)) fits = middle
    else fails = middle
  }
  return fits
}

/** E.g. `812 MB`, `1.4 GB`. */
function sizeText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toPrecision(bytes >= 1e10 ? 3 : 2)} GB`
  return `${Math.max(1, Math.round(bytes / 1e6))} MB`
}

function countText(count: number): string {
  const [value, unit] = count >= 1e9 ? [count / 1e9, 'billion'] : [count / 1e6, 'million']
  return `${value < 10 ? value.toPrecision(2) : Math.round(value)} ${unit}`
}
