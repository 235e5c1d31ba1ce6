import type { Random } from '../../aggregation/random.ts'
import { ignoredTarget } from '../backend/backend.ts'
import type { TokenBatch } from '../model/transformer.ts'
import { firstFit } from './packing.ts'
import { below, shuffle } from './shuffle.ts'
import { exampleRanges, type TokenRange, type TokenText } from './token-text.ts'

/** Inputs and the token that follows each. */
export interface TrainingBatch {
  readonly tokens: TokenBatch
  /** [batch * time], -1 where no token is to be predicted. */
  readonly targets: Int32Array
}

/** The batches of one job, in order: the same text, sizes and random numbers give the same ones. */
export interface TrainingBatches {
  next(): TrainingBatch
  /** Leaves batches out, as if they had been drawn: a job that goes on after a restart draws the ones after them. */
  skip(count: number): void
}

/**
 * Windows of a stream at random places, or examples packed into windows: whole, shuffled anew in every epoch.
 * @param time - inputs of one window
 */
export function trainingBatches(
  text: TokenText,
  batch: number,
  time: number,
  random: Random
): TrainingBatches {
  if (text.examples !== undefined) return new PackedBatches(text, batch, time, random)
  return {
    next: () => randomWindows(() => text.ids, batch, time, random),
    skip(count) {
      for (let i = 0; i < count * batch; i++) windowStart(text.ids, time, random)
    }
  }
}

/**
 * `batch` windows of `time` + 1 tokens at random places; `pick` chooses the text of each window.
 * A text shorter than a window is repeated from its start.
 */
export function randomWindows(
  pick: () => Int32Array,
  batch: number,
  time: number,
  random: Random
): TrainingBatch {
  const ids = new Int32Array(batch * time)
  const targets = new Int32Array(batch * time)
  for (let b = 0; b < batch; b++) {
    const text = pick()
    const start = windowStart(text, time, random)
    for (let t = 0; t < time; t++) {
      ids[b * time + t] = text[(start + t) % text.length]!
      targets[b * time + t] = text[(start + t + 1) % text.length]!
    }
  }
  return { tokens: { ids, batch, time }, targets }
}

function windowStart(text: Int32Array, time: number, random: Random): number {
  return text.length > time + 1 ? below(random, text.length - time) : 0
}

/** Epoch after epoch of packed windows; a batch may span two epochs. */
class PackedBatches implements TrainingBatches {
  private readonly text: TokenText
  private readonly batch: number
  private readonly time: number
  private readonly random: Random
  private readonly ranges: readonly TokenRange[]
  private windows: TokenRange[][] = []
  private nextWindow = 0

  constructor(text: TokenText, batch: number, time: number, random: Random) {
    this.text = text
    this.batch = batch
    this.time = time
    this.random = random
    this.ranges = predictableRanges(text, time)
    if (this.ranges.length === 0)
      throw new RangeError('expected an example with a token that counts, got none')
  }

  next(): TrainingBatch {
    const { batch, time } = this
    // What fills a window up is never predicted, and what comes before it does not see it.
    const ids = new Int32Array(batch * time)
    const targets = new Int32Array(batch * time).fill(ignoredTarget)
    for (let b = 0; b < batch; b++) {
      let at = b * time
      for (const range of this.drawWindow()) {
        placeRange(this.text, range, at, ids.subarray(0, (b + 1) * time), targets)
        at += range.end - range.start
      }
    }
    return { tokens: { ids, batch, time }, targets }
  }

  skip(count: number): void {
    for (let i = 0; i < count * this.batch; i++) this.drawWindow()
  }

  private drawWindow(): readonly TokenRange[] {
    if (this.nextWindow === this.windows.length) this.beginEpoch()
    return this.windows[this.nextWindow++]!
  }

  private beginEpoch(): void {
    const order = shuffle([...this.ranges], this.random)
    const lengths = order.map(({ start, end }) => end - start)
    const packed = firstFit(lengths, this.time + 1).map(window => window.map(item => order[item]!))
    // The first windows got the short examples: a job that ends within an epoch must see both kinds alike.
    this.windows = shuffle(packed, this.random)
    this.nextWindow = 0
  }
}

/**
 * Writes the tokens of a range to `ids` from `at` on, and for each the one after it to `targets`, if that counts. The
 * last token of a range is a target only: it is written if there is room.
 */
export function placeRange(
  { ids: source, examples }: TokenText,
  { start, end }: TokenRange,
  at: number,
  ids: Int32Array,
  targets: Int32Array
): void {
  for (let i = start; i < end && at + i - start < ids.length; i++) {
    ids[at + i - start] = source[i]!
    const isPredicted = i + 1 < end && (examples === undefined || examples.counts[i + 1] === 1)
    if (isPredicted) targets[at + i - start] = source[i + 1]!
  }
}

/**
 * The examples of a text as ranges of at most `time` + 1 tokens. A longer example is cut so that the last token of
 * a range is the first of the next and each token is still predicted once; ranges that predict nothing are left out.
 */
function predictableRanges(text: TokenText, time: number): TokenRange[] {
  const { counts } = text.examples!
  return exampleRanges(text)
    .flatMap(({ start, end }) => {
      const pieces = Math.max(1, Math.ceil((end - start - 1) / time))
      return Array.from({ length: pieces }, (_, i) => ({
        start: start + i * time,
        end: Math.min(start + (i + 1) * time + 1, end)
      }))
    })
    .filter(({ start, end }) => counts.subarray(start + 1, end).includes(1))
}
