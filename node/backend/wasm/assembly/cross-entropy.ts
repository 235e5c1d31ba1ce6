// -log softmax(logits)[target], and its gradient in place of the logits.

import { pointer, real, word } from './arguments.ts'
import { exp, firstLanes, log, splat, storeFirst, sumLanes } from './lanes.ts'

/** Columns that are added up in float32 before they go into the float64 sum. */
const sumColumns: i32 = 512

/** Arguments: nats, logits, targets, rows, columns, gradient scale, whether a gradient is wanted, rows of a task. */
export function crossEntropy(task: i32): void {
  const columns = word(4)
  const bytes = (columns as usize) << 2
  const first = task * word(7)
  const end = min(first + word(7), word(3))
  for (let i = first; i < end; i++) {
    const row = pointer(1) + (i as usize) * bytes
    const target = load<i32>(pointer(2) + ((i as usize) << 2))
    const nats = pointer(0) + ((i as usize) << 2)
    if (target >= 0) store<f32>(nats, crossEntropyRow(row, columns, target, real(5), word(6) != 0))
    else {
      store<f32>(nats, 0)
      if (word(6)) memory.fill(row, 0, bytes)
    }
  }
}

function crossEntropyRow(row: usize, columns: i32, target: i32, scale: f32, wantsGradient: bool): f32 {
  const wanted = row + ((target as usize) << 2)
  const logit = load<f32>(wanted)
  const highest = maximum(row, columns)
  const sum = sumExp(row, columns, highest, wantsGradient)
  if (wantsGradient) {
    const factor = splat(((scale as f64) / sum) as f32)
    const rest = columns & 3
    const end = row + (((columns - rest) as usize) << 2)
    for (let at = row; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), factor))
    if (rest) storeFirst(end, f32x4.mul(v128.load(end), factor), rest)
    store<f32>(wanted, load<f32>(wanted) - scale)
  }
  return (log(sum) + ((highest as f64) - (logit as f64))) as f32
}

function maximum(row: usize, columns: i32): f32 {
  let a = splat(-Infinity), b = a
  let j = 0
  for (; j + 8 <= columns; j += 8) {
    const at = row + ((j as usize) << 2)
    a = f32x4.pmax(a, v128.load(at))
    b = f32x4.pmax(b, v128.load(at, 16))
  }
  a = f32x4.pmax(a, b)
  let highest = max(
    max(f32x4.extract_lane(a, 0), f32x4.extract_lane(a, 1)),
    max(f32x4.extract_lane(a, 2), f32x4.extract_lane(a, 3))
  )
  for (; j < columns; j++) highest = max(highest, load<f32>(row + ((j as usize) << 2)))
  return highest
}

/** The sum of e^(x - highest), which take the place of x if `keep`. */
function sumExp(row: usize, columns: i32, highest: f32, keep: bool): f64 {
  const shift = splat(highest)
  let sum: f64 = 0
  for (let start = 0; start < columns; start += sumColumns) {
    const end = min(columns, start + sumColumns)
    let a = splat(0), b = splat(0)
    let j = start
    for (; j + 8 <= end; j += 8) {
      const at = row + ((j as usize) << 2)
      const x = exp(f32x4.sub(v128.load(at), shift))
      const y = exp(f32x4.sub(v128.load(at, 16), shift))
      if (keep) {
        v128.store(at, x)
        v128.store(at, y, 16)
      }
      a = f32x4.add(a, x)
      b = f32x4.add(b, y)
    }
    for (; j < end; j += 4) {
      const at = row + ((j as usize) << 2)
      const lanes = min(4, end - j)
      const x = v128.and(exp(f32x4.sub(v128.load(at), shift)), firstLanes(lanes))
      if (keep) {
        if (lanes == 4) v128.store(at, x)
        else storeFirst(at, x, lanes)
      }
      a = f32x4.add(a, x)
    }
    sum += sumLanes(f32x4.add(a, b)) as f64
  }
  return sum
}
