// Causal softmax attention, block by block with a running maximum and sum. Dao et al. 2022, arXiv:2205.14135.

import { pointer, scratch, word } from './arguments.ts'
import {
  blockSize, endSeen, firstSeen, headSizeArgument, headsArgument, keyBlocks, keyCount, keyRow, logSumsArgument,
  ofQueries, openKeys, qArgument, queryRow, rowEnd, rowFirst, scoreKeys, scoreRow, scores, seeKeys, timeArgument,
  values, yArgument
} from './attention-blocks.ts'
import { exp, log, splat, sumLanes } from './lanes.ts'
import { product } from './product.ts'

/** Tasks are blocks of queries of one head. */
export function attention(task: i32): void {
  const time = word(timeArgument)
  const blocks = (time + blockSize - 1) / blockSize
  const head = task / blocks % word(headsArgument)
  const batch = task / blocks / word(headsArgument)
  const first = (task % blocks) * blockSize
  const count = min(blockSize, time - first)
  const y = ofQueries(yArgument, batch, head, first)
  const highest = scores() + (blockSize as usize) * scoreRow
  const sums = highest + ((blockSize as usize) << 2)
  for (let i = 0; i < count; i++) {
    memory.fill(y + (i as usize) * queryRow(), 0, pointer(headSizeArgument) << 2)
    store<f32>(highest + ((i as usize) << 2), -Infinity)
    store<f32>(sums + ((i as usize) << 2), 0)
  }
  for (let index = 0; index < keyBlocks(); index++) {
    openKeys(index, batch, head)
    if (!seeKeys(first, count)) continue
    scoreKeys(ofQueries(qArgument, batch, head, first))
    for (let i = rowFirst; i < rowEnd; i++) {
      const at = (i as usize) << 2
      softmaxRow(scores() + (i as usize) * scoreRow, first + i, highest + at, sums + at, y + (i as usize) * queryRow())
    }
    product(
      y + (rowFirst as usize) * queryRow(), queryRow(),
      scores() + (rowFirst as usize) * scoreRow, scoreRow, 4,
      values, keyRow(), 4,
      rowEnd - rowFirst, word(headSizeArgument), keyCount, 1, true, scratch
    )
  }
  const logSums = pointer(logSumsArgument) + (((batch * word(headsArgument) + head) * time + first) as usize << 2)
  for (let i = 0; i < count; i++) {
    const at = (i as usize) << 2
    const sum = load<f32>(sums + at)
    scaleRow(y + (i as usize) * queryRow(), 1 / sum)
    store<f32>(logSums + at, (log(sum as f64) + (load<f32>(highest + at) as f64)) as f32)
  }
}

/** Scores become e^(score - highest), what was summed so far is brought to the new maximum. */
function softmaxRow(row: usize, time: i32, highest: usize, sum: usize, y: usize): void {
  const start = firstSeen(time)
  const end = endSeen(time)
  const width = (keyCount + 3) & ~3
  for (let j = 0; j < start; j++) store<f32>(row + ((j as usize) << 2), -Infinity)
  for (let j = end; j < width; j++) store<f32>(row + ((j as usize) << 2), -Infinity)
  if (start >= end) {
    memory.fill(row, 0, (width as usize) << 2)
    return
  }
  const rowEnd = row + ((width as usize) << 2)
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
  scaleRow(y, shrink)
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
