// The gradient of attention: scores are computed anew from q, k and the saved logarithms of the sums.
// Dao et al. 2022, arXiv:2205.14135, algorithm 4.

import { pointer, real, scratch, word } from './arguments.ts'
import {
  addWeighted, blockSize, endSeen, firstSeeing, firstSeen, headSizeArgument, headsArgument, keyBlocks, keyCount,
  keyIndex, keysArePast, logSumsArgument, ofQueries, openKeys, packed, packKeys, packKeysTransposed,
  packValuesTransposed, pastLengthArgument, qArgument, queryRow, rowEnd, rowFirst, scaleArgument, scoreRow, scores,
  seeKeys, stripRows, timeArgument, timesTransposed, yArgument
} from './attention-blocks.ts'
import { dot, exp, firstLanes, splat } from './lanes.ts'
import { packRows } from './pack.ts'
import { tiles } from './product.ts'

const dyArgument = 15
const dqArgument = 16
/** Gradients of keys and values, for each head of the queries its own: [batch * time, headCount * headSize]. */
const dkArgument = 17
const dvArgument = 18
/** The same of a shared past, for each sequence its own: [batch * length, headCount * headSize]; 0 if not wanted. */
const dPastKeysArgument = 19
const dPastValuesArgument = 20

/** Tasks are heads: they alone write their gradients. */
export function attentionGradient(task: i32): void {
  const head = task % word(headsArgument)
  const batch = task / word(headsArgument)
  const time = word(timeArgument)
  clearRows(ofQueries(dqArgument, batch, head, 0), time)
  for (let index = 0; index < keyBlocks(); index++) {
    openKeys(index, batch, head)
    packKeysTransposed(packed(0))
    packValuesTransposed(packed(1))
    packKeys(packed(2))
    const dk = ofKeys(dkArgument, dPastKeysArgument, batch, head)
    const dv = ofKeys(dvArgument, dPastValuesArgument, batch, head)
    if (dk != 0) {
      clearRows(dk, keyCount)
      clearRows(dv, keyCount)
    }
    for (let first = 0; first < time; first += blockSize) {
      if (seeKeys(first, min(blockSize, time - first))) gradientBlock(batch, head, first, dk, dv)
    }
  }
}

/** Where the gradient of the current keys goes, 0 for nowhere. */
function ofKeys(own: i32, past: i32, batch: i32, head: i32): usize {
  const tensor = pointer(keysArePast() ? past : own)
  if (tensor == 0) return 0
  const length = keysArePast() ? word(pastLengthArgument) : word(timeArgument)
  return tensor + ((batch * length + keyIndex()) as usize) * queryRow() + ((head * word(headSizeArgument)) as usize << 2)
}

/** Of one head. */
function clearRows(row: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    memory.fill(row, 0, pointer(headSizeArgument) << 2)
    row += queryRow()
  }
}

/** What the queries from `first` on and the current keys give each other. */
function gradientBlock(batch: i32, head: i32, first: i32, dk: usize, dv: usize): void {
  const start = first + rowFirst
  const q = ofQueries(qArgument, batch, head, start)
  const dy = ofQueries(dyArgument, batch, head, start)
  const y = ofQueries(yArgument, batch, head, start)
  const dq = ofQueries(dqArgument, batch, head, start)
  const weights = scores(0)
  const slopes = scores(1)
  const logSums = pointer(logSumsArgument) + (((batch * word(headsArgument) + head) * word(timeArgument) + start) as usize << 2)
  const rows = rowEnd - rowFirst
  for (let i = 0; i < rows; i += stripRows) {
    const count = min(stripRows, rows - i)
    const seen = endSeen(start + i + count - 1)
    const offset = (i as usize) * queryRow()
    const at = (i as usize) * scoreRow
    timesTransposed(weights + at, q + offset, packed(0), count, seen, real(scaleArgument))
    timesTransposed(slopes + at, dy + offset, packed(1), count, seen, 1)
    for (let r = i; r < i + count; r++) {
      const row = (r as usize) * queryRow()
      const scoresAt = (r as usize) * scoreRow
      const spent = dot(dy + row, y + row, word(headSizeArgument))
      gradientRow(weights + scoresAt, slopes + scoresAt, start + r, load<f32>(logSums + ((r as usize) << 2)), spent)
    }
    addWeighted(dq + offset, slopes + at, packed(2), count, seen)
  }
  // A past that is not shared gets no gradient.
  if (dk == 0) return
  addToKeys(dv, weights, dy, start, rows)
  addToKeys(dk, slopes, q, start, rows)
}

/** Adds to the gradients of the current keys or values: scores of `rows` queries, transposed, times what these have. */
function addToKeys(to: usize, left: usize, right: usize, start: i32, rows: i32): void {
  const size = word(headSizeArgument)
  packRows(packed(3), right, queryRow(), rows, size)
  for (let j = 0; j < keyCount; j += stripRows) {
    const skipped = min(rows, firstSeeing(start, j))
    if (skipped == rows) continue
    tiles(
      to + (j as usize) * queryRow(), queryRow(),
      left + (skipped as usize) * scoreRow + ((j as usize) << 2), 4, scoreRow,
      packed(3) + ((skipped as usize) << 5), 32, (rows as usize) << 5,
      min(stripRows, keyCount - j), size, rows - skipped, 1, true, scratch
    )
  }
}

/**
 * Scores become weights p = e^(score - log sum); gradients dp of the weights become those of the scores,
 * p (dp - spent) scale. What is not seen becomes 0, to the end of the row.
 */
function gradientRow(weights: usize, slopes: usize, time: i32, logSum: f32, spent: f32): void {
  const start = firstSeen(time)
  const end = endSeen(time)
  const shift = splat(logSum), offset = splat(spent), scale = splat(real(scaleArgument))
  let j = 0
  for (; j < end; j += 4) {
    const at = (j as usize) << 2
    const seen = v128.andnot(firstLanes(end - j), firstLanes(start - j))
    const p = v128.and(exp(f32x4.sub(v128.load(weights + at), shift)), seen)
    v128.store(weights + at, p)
    const dp = f32x4.sub(v128.load(slopes + at), offset)
    v128.store(slopes + at, v128.and(f32x4.mul(f32x4.mul(p, dp), scale), seen))
  }
  const rest = ((blockSize - j) as usize) << 2
  memory.fill(weights + ((j as usize) << 2), 0, rest)
  memory.fill(slopes + ((j as usize) << 2), 0, rest)
}
