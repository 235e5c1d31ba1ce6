import { ignoredTarget } from '../model/cross-entropy.ts'
import type { TokenBatch } from '../model/transformer.ts'
import type { AdaptedModel } from '../peft/adapted-model.ts'
import type { EvaluateResult } from './trainer.ts'

/** How a text is cut for measuring. Every token but the first is predicted once, from at most `sequenceLength` before it. */
export interface EvaluationWindows {
  readonly sequenceLength: number
  /** Windows computed at once: memory against speed, no effect on the result beyond rounding. */
  readonly batchSize: number
}

/** Consecutive windows that do not overlap; a last short one, and missing ones of the last batch, are padded. */
export function* evaluationBatches(
  text: Int32Array,
  { sequenceLength, batchSize }: EvaluationWindows
): Generator<{ tokens: TokenBatch; targets: Int32Array }> {
  const predicted = text.length - 1
  const time = Math.min(sequenceLength, predicted)
  for (let start = 0; start < predicted; start += batchSize * time) {
    const batch = Math.min(batchSize, Math.ceil((predicted - start) / time))
    const ids = new Int32Array(batch * time)
    const targets = new Int32Array(batch * time).fill(ignoredTarget)
    const end = Math.min(start + batch * time, predicted)
    ids.set(text.subarray(start, end))
    targets.set(text.subarray(start + 1, end + 1))
    yield { tokens: { ids, batch, time }, targets }
  }
}

/**
 * Bits per byte of a text under the model.
 * @param text - at least 2 tokens
 * @param tokenBytes - [text.length], UTF-8 bytes of each token, or null if they are not known. A token that stands for
 *   no text (end of document) costs nats and brings no bytes.
 * @param adapter - null for the base alone
 */
export function evaluateText(
  model: AdaptedModel,
  text: Int32Array,
  tokenBytes: Int32Array | null,
  adapter: Float32Array | null,
  windows: EvaluationWindows
): EvaluateResult {
  let nats = 0
  for (const { tokens, targets } of evaluationBatches(text, windows)) {
    nats += model.nats(tokens, targets, adapter)
  }
  const bytes = tokenBytes === null ? 0 : tokenBytes.subarray(1).reduce((sum, bytes) => sum + bytes, 0)
  const bitsPerByte = bytes > 0 ? nats / Math.LN2 / bytes : Number.NaN
  return { nats, tokens: text.length - 1, bytes, bitsPerByte }
}
