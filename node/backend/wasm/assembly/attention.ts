// Causal softmax attention, block by block with a running maximum and sum. Dao et al. 2022, arXiv:2205.14135.

import { pointer, real, word } from './arguments.ts'
import {
  addWeighted, blockSize, endSeen, firstSeen, headSizeArgument, headsArgument, keyBlocks, logSumsArgument, ofQueries,
  openKeys, packed, packKeysTransposed, packValues, qArgument, queryRow, rowEnd, rowFirst, scaleArgument, scoreRow,
  scores, seeKeys, stripRows, timeArgument, timesTransposed, yArgument
} from './attention-blocks.ts'
import { exp, log, splat, sumLanes } from './lanes.ts'

/** Tasks are blocks of queries of one head. */
export function attention(task: i32): void {
  const time = word(timeArgument)
  const blocks = (time + blockSize - 1) / blockSize
  const head = task / blocks % word(headsArgument)
  const batch = task / blocks / word(headsArgument)
  const first = (task % blocks) * blockSize
  const count = min(blockSize, time - first)
  const q = ofQueries(qArgument, batch, head, first)
  const y = ofQueries(yArgument, batch, head, first)
  const highest = scores(1)
  const sums = highest + ((blockSize as usize) << 2)
  for (let i = 0; i < count; i++) {
    memory.fill(y + (i as usize) * queryRow(), 0, pointer(headSizeArgument) << 2)
    store<f32>(highest + ((i as usize) << 2), -Infinity)
    store<f32>(sums + ((i as usize) << 2), 0)
  }
  for (let index = 0; index < keyBlocks(); index++) {
    openKeys(index, batch, head)
    if (!seeKeys(first, count)) continue
    packKeysTransposed(packed(0))
    packValues(packed(1))
    for (let i = rowFirst; i < rowEnd; i += stripRows) {
      const rows = min(stripRows, rowEnd - i)
      const seen = endSeen(first + i + rows - 1)
      const offset = (i as usize) * queryRow()
      timesTransposed(scores(0), q + offset, packed(0), rows, seen, real(scaleArgument))
      for (let r = 0; r < rows; r++) {
        const at = ((i + r) as usize) << 2
        const yRow = y + offset + (r as usize) * queryRow()
        softmaxRow(scores(0) + (r as usize) * scoreRow, seen, first + i + r, highest + at, sums + at, yRow)
      }
      addWeighted(y + offset, scores(0), packed(1), rows, seen)
    }
  }
  const logSums = pointer(logSumsArgument) + (((batch * word(headsArgument) + head) * time + first) as usize << 2)
  const one: f32 = 1
  for (let i = 0; i < count; i++) {
    const at = (i as usize) << 2
    const sum = load<f32>(sums + at)
    scaleRow(y + (i as usize) * queryRow(), one / sum)
    store<f32>(logSums + at, (log(sum as f64) + (load<f32>(highest + at) as f64)) as f32)
  }
}

/** The first `count` scores become e^(score - highest), or 0 if not seen; what was summed so far is brought to the new maximum. */
function softmaxRow(row: usize, count: i32, time: i32, highest: usize, sum: usize, y: usize): void {
  const start = firstSeen(time)
  const end = endSeen(time)
  const width = (count + 3) & ~3
  const rowEnd = row + ((width as usize) << 2)
  if (start >= end) {
    memory.fill(row, 0, (width as usize) << 2)
    return
  }
  for (let j = 0; j < start; j++) store<f32>(row + ((j as usize) << 2), -Infinity)
  for (let j = end; j < width; j++) store<f32>(row + ((j as usize) << 2), -Infinity)
  const before = load<f32>(highest)
  let a = splat(before)
  for (let at = row; at < rowEnd; at += 16) a = f32x4.pmax(a, v128.load(at))
  const now = max(
    max(f32x4.extract_lane(a, 0), f32x4.extract_lane(a, 1)),
    max(f32x4.extract_lane(a, 2), f32x4.extract_lane(a, 3))
  )
  const shift = splat(now)
  let total = splat(0)
  for (let at = row; at < rowEnd; at += 16) {
    const x = exp(f32x4.sub(v128.load(at), shift))
    v128.store(at, x)
    total = f32x4.add(total, x)
  }
  if (now == before) {
    store<f32>(sum, load<f32>(sum) + sumLanes(total))
    return
  }
  const shrink = f32x4.extract_lane(exp(splat(before - now)), 0)
  store<f32>(sum, load<f32>(sum) * shrink + sumLanes(total))
  store<f32>(highest, now)
  // Nothing was summed into y before the first seen key.
  if (before > -Infinity) scaleRow(y, shrink)
}

// @ts-ignore: decorator
@inline
function scaleRow(row: usize, factor: f32): void {
  const factors = splat(factor)
  const bytes = pointer(headSizeArgument) << 2
  let i: usize = 0
  for (; i + 16 <= bytes; i += 16) v128.store(row + i, f32x4.mul(v128.load(row + i), factors))
  for (; i < bytes; i += 4) store<f32>(row + i, load<f32>(row + i) * factor)
}
