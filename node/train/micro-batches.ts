import type { AdapterFactor } from '../../aggregation/adapter-layout.ts'
import { ignoredTarget } from '../backend/backend.ts'
import type { AdaptedModel, GradientOptions } from '../peft/adapted-model.ts'
import type { TrainingBatch } from './batches.ts'

/** How a step is computed: memory against time. No effect on its result beyond rounding. */
export interface StepPlan {
  /** Windows of a batch that are computed at once; the gradients of the pieces are added up. */
  readonly microBatchSize: number
  readonly mode: NonNullable<GradientOptions['mode']>
}

/** The plan where memory is no question: every activation kept. */
export function wholeBatches(batchSize: number): StepPlan {
  return { microBatchSize: batchSize, mode: 'record' }
}

/** Pieces of at most `size` windows, in order; without those that predict nothing. */
export function microBatches({ tokens, targets }: TrainingBatch, size: number): MicroBatch[] {
  const { ids, batch, time } = tokens
  const pieces: MicroBatch[] = []
  for (let from = 0; from < batch; from += size) {
    const to = Math.min(from + size, batch)
    const range = [from * time, to * time] as const
    const wanted = targets.subarray(...range)
    const counted = wanted.reduce((count, target) => count + Number(target !== ignoredTarget), 0)
    if (counted === 0) continue
    const piece = { ids: ids.subarray(...range), batch: to - from, time }
    pieces.push({ tokens: piece, targets: wanted, firstWindow: from, counted })
  }
  return pieces
}

export interface MicroBatch extends TrainingBatch {
  /** Of the batch. */
  readonly firstWindow: number
  /** Targets that count. */
  readonly counted: number
}

/**
 * Loss and gradient of a batch, in pieces that are weighted by the targets that count in each: the mean over all of them
 * is what a single piece gives.
 * @param gradient - [layout.length]; written where `factors` has a gradient
 * @param dropoutSeed - which elements dropout drops
 * @returns mean nats per counted target
 */
export async function batchGradient(
  model: AdaptedModel,
  batch: TrainingBatch,
  adapter: Float32Array,
  factors: readonly AdapterFactor[],
  { microBatchSize, mode }: StepPlan,
  gradient: Float32Array,
  dropoutSeed: string
): Promise<number> {
  const pieces = microBatches(batch, microBatchSize)
  const of = (piece: MicroBatch, into: Float32Array): Promise<number> =>
    model.lossAndGradient(piece.tokens, piece.targets, adapter, factors, into, {
      mode,
      dropoutSeed,
      firstSequence: piece.firstWindow
    })
  if (pieces.length === 1) return of(pieces[0]!, gradient)
  const counted = pieces.reduce((sum, piece) => sum + piece.counted, 0)
  const part = new Float32Array(gradient.length)
  let loss = 0
  gradient.fill(0)
  for (const piece of pieces) {
    const share = piece.counted / counted
    loss += share * (await of(piece, part))
    for (let i = 0; i < gradient.length; i++) gradient[i]! += share * part[i]!
  }
  return loss
}
