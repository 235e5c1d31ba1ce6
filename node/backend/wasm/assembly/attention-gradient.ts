// The gradient of attention: scores are computed anew from q, k and the saved logarithms of the sums.
// Dao et al. 2022, arXiv:2205.14135, algorithm 4.

import { pointer, real, scratch, word } from './arguments.ts'
import {
  blockSize, endSeen, firstSeen, headSizeArgument, headsArgument, keyBlocks, keyCount, keyIndex, keyRow, keys,
  keysArePast, logSumsArgument, ofQueries, openKeys, pastLengthArgument, qArgument, queryRow,
  rowEnd, rowFirst, scaleArgument, scoreKeys, scoreRow, scores, seeKeys, timeArgument, values, yArgument
} from './attention-blocks.ts'
import { exp, firstLanes, madd, splat, sumLanes } from './lanes.ts'
import { product } from './product.ts'

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
  for (let t = 0; t < time; t++) {
    memory.fill(ofQueries(dqArgument, batch, head, t), 0, pointer(headSizeArgument) << 2)
  }
  for (let index = 0; index < keyBlocks(); index++) {
    openKeys(index, batch, head)
    const dk = ofKeys(dkArgument, dPastKeysArgument, batch, head)
    const dv = ofKeys(dvArgument, dPastValuesArgument, batch, head)
    let isSeen = false
    for (let first = 0; first < time; first += blockSize) {
      if (!seeKeys(first, min(blockSize, time - first))) continue
      gradientBlock(batch, head, first, dk, dv, isSeen)
      isSeen = true
    }
    if (isSeen) continue
    clearKeys(dk)
    clearKeys(dv)
  }
}

/** Where the gradient of the current keys goes, 0 for nowhere. */
function ofKeys(own: i32, past: i32, batch: i32, head: i32): usize {
  const tensor = pointer(keysArePast() ? past : own)
  if (tensor == 0) return 0
  const length = keysArePast() ? word(pastLengthArgument) : word(timeArgument)
  return tensor + ((batch * length + keyIndex()) as usize) * queryRow() + ((head * word(headSizeArgument)) as usize << 2)
}

function clearKeys(gradient: usize): void {
  if (gradient == 0) return
  for (let j = 0; j < keyCount; j++) {
    memory.fill(gradient + (j as usize) * queryRow(), 0, pointer(headSizeArgument) << 2)
  }
}

function gradientBlock(batch: i32, head: i32, first: i32, dk: usize, dv: usize, onto: bool): void {
  const size = word(headSizeArgument)
  const rows = rowEnd - rowFirst
  const q = ofQueries(qArgument, batch, head, first)
  const dy = ofQueries(dyArgument, batch, head, first + rowFirst)
  const weights = scores() + (rowFirst as usize) * scoreRow
  const slopes = weights + (blockSize as usize) * scoreRow
  scoreKeys(q)
  product(slopes, scoreRow, dy, queryRow(), 4, values, 4, keyRow(), rows, keyCount, size, 1, false, scratch)
  const logSums = pointer(logSumsArgument) + (((batch * word(headsArgument) + head) * word(timeArgument)) as usize << 2)
  for (let i = 0; i < rows; i++) {
    const time = first + rowFirst + i
    const at = (i as usize) * scoreRow
    const offset = (i as usize) * queryRow()
    const spent = dot(dy + offset, ofQueries(yArgument, batch, head, time))
    gradientRow(weights + at, slopes + at, time, load<f32>(logSums + ((time as usize) << 2)), spent)
  }
  // The past's keys may be frozen; the queries' gradient passes through them all the same.
  product(
    ofQueries(dqArgument, batch, head, first + rowFirst), queryRow(),
    slopes, scoreRow, 4, keys, keyRow(), 4, rows, size, keyCount, 1, true, scratch
  )
  if (dk == 0) return
  product(dv, queryRow(), weights, 4, scoreRow, dy, queryRow(), 4, keyCount, size, rows, 1, onto, scratch)
  product(
    dk, queryRow(), slopes, 4, scoreRow, q + (rowFirst as usize) * queryRow(), queryRow(), 4,
    keyCount, size, rows, 1, onto, scratch
  )
}

/** Scores become weights p = e^(score - log sum); gradients dp of the weights become those of the scores, p (dp - spent) scale. */
function gradientRow(weights: usize, slopes: usize, time: i32, logSum: f32, spent: f32): void {
  const start = firstSeen(time)
  const end = endSeen(time)
  const shift = splat(logSum), offset = splat(spent), scale = splat(real(scaleArgument))
  for (let j = 0; j < keyCount; j += 4) {
    const at = (j as usize) << 2
    const seen = v128.andnot(firstLanes(end - j), firstLanes(start - j))
    const p = v128.and(exp(f32x4.sub(v128.load(weights + at), shift)), seen)
    v128.store(weights + at, p)
    const dp = f32x4.sub(v128.load(slopes + at), offset)
    v128.store(slopes + at, v128.and(f32x4.mul(f32x4.mul(p, dp), scale), seen))
  }
}

/** Of one head's elements at two positions. */
function dot(a: usize, b: usize): f32 {
  const size = word(headSizeArgument)
  let sum = splat(0)
  for (let j = 0; j < size; j += 4) {
    const at = (j as usize) << 2
    let x = v128.load(a + at), y = v128.load(b + at)
    if (j + 4 > size) {
      x = v128.and(x, firstLanes(size - j))
      y = v128.and(y, firstLanes(size - j))
    }
    sum = madd(sum, x, y)
  }
  return sumLanes(sum)
}
