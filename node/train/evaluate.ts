import { ignoredTarget } from '../backend/backend.ts'
import type { AdaptedModel } from '../peft/adapted-model.ts'
import { placeRange, type TrainingBatch } from './batches.ts'
import { exampleRanges, type TokenRange, type TokenText } from './token-text.ts'
import type { TextMeasure } from './trainer.ts'

/**
 * How a text is cut for measuring. Every token that counts is predicted once: in a stream, all but the first, from at
 * most `sequenceLength` before it; in an example, from all of the example before it and from nothing else.
 */
export interface EvaluationWindows {
  readonly sequenceLength: number
  /** Windows computed at once: memory against speed, no effect on the result beyond rounding. */
  readonly batchSize: number
}

/** What is computed together, in order. Places that are not predicted, padding among them, have target -1. */
export function* evaluationBatches(text: TokenText, windows: EvaluationWindows): Generator<TrainingBatch> {
  if (text.examples === undefined) yield* streamBatches(text.ids, windows)
  else yield* exampleBatches(text, windows)
}

/** Consecutive windows that do not overlap; a last short one, and missing ones of the last batch, are padded. */
function* streamBatches(
  text: Int32Array,
  { sequenceLength, batchSize }: EvaluationWindows
): Generator<TrainingBatch> {
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
 * Each example in a row of its own, however long, with others of like length beside it. A batch has no more places
 * than one of a stream, unless one example needs more.
 */
function* exampleBatches(
  text: TokenText,
  { sequenceLength, batchSize }: EvaluationWindows
): Generator<TrainingBatch> {
  const ranges = exampleRanges(text).sort((a, b) => timeOf(b) - timeOf(a))
  const longest = timeOf(ranges[0]!)
  for (let i = 0; i < ranges.length; ) {
    // Few different times: what a model keeps for each of them adds up.
    const time = Math.min(longest, 2 ** Math.ceil(Math.log2(timeOf(ranges[i]!))))
    const rows = ranges.slice(i, i + Math.max(1, Math.floor((sequenceLength * batchSize) / time)))
    const batch = rows.length
    const ids = new Int32Array(batch * time)
    const targets = new Int32Array(batch * time).fill(ignoredTarget)
    for (const [row, range] of rows.entries()) {
      placeRange(text, range, row * time, ids.subarray(0, (row + 1) * time), targets)
    }
    yield { tokens: { ids, batch, time }, targets }
    i += batch
  }
}

/** Inputs that an example needs: its last token is a target only. */
function timeOf({ start, end }: TokenRange): number {
  return Math.max(1, end - start - 1)
}

/**
 * Bits per byte of a text under the model, over the tokens that count.
 * @param text - at least 2 tokens
 * @param tokenBytes - [text.ids.length], UTF-8 bytes of each token, or null if they are not known. A token that stands for
 *   no text (end of document) costs nats and brings no bytes.
 * @param adapter - null for the base alone
 */
export async function evaluateText(
  model: AdaptedModel,
  text: TokenText,
  tokenBytes: Int32Array | null,
  adapter: Float32Array | null,
  windows: EvaluationWindows
): Promise<TextMeasure> {
  let nats = 0
  for (const { tokens, targets } of evaluationBatches(text, windows)) {
    nats += await model.nats(tokens, targets, adapter)
  }
  let tokens = 0
  let bytes = 0
  for (let i = 1; i < text.ids.length; i++) {
    if (text.examples !== undefined && text.examples.counts[i] !== 1) continue
    tokens++
    bytes += tokenBytes?.[i] ?? 0
  }
  const bitsPerByte = bytes > 0 ? nats / Math.LN2 / bytes : Number.NaN
  return { nats, tokens, bytes, bitsPerByte }
}
