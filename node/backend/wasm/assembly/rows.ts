// Moving rows and columns about, and adding them up.

import { pointer, word } from './arguments.ts'
import { splat, storeFirst } from './lanes.ts'

/** Rows that are added up on their own, so that rounding errors grow with their number's root only. */
const sumRows: i32 = 64

/** x[i, :] += bias, in place. Arguments: x, bias, rows, columns, rows of a task. */
export function addBias(task: i32): void {
  const bias = pointer(1), columns = word(3)
  const first = task * word(4)
  const end = min(first + word(4), word(2))
  for (let i = first; i < end; i++) {
    const row = pointer(0) + (((i as usize) * (columns as usize)) << 2)
    let j = 0
    for (; j + 4 <= columns; j += 4) {
      const at = row + ((j as usize) << 2)
      v128.store(at, f32x4.add(v128.load(at), v128.load(bias + ((j as usize) << 2))))
    }
    for (; j < columns; j++) {
      const at = row + ((j as usize) << 2)
      store<f32>(at, load<f32>(at) + load<f32>(bias + ((j as usize) << 2)))
    }
  }
}

/** Arguments: y, x, rows, columns, columns of a task (a multiple of 4). */
export function columnSums(task: i32): void {
  const rows = word(2), columns = word(3)
  const first = task * word(4)
  const end = min(first + word(4), columns)
  const rowBytes = (columns as usize) << 2
  for (let j = first; j < end; j += 4) {
    let x = pointer(1) + ((j as usize) << 2)
    let total = splat(0)
    for (let i = 0; i < rows; i += sumRows) {
      let sum = splat(0)
      for (let left = min(sumRows, rows - i); left > 0; left--) {
        sum = f32x4.add(sum, v128.load(x))
        x += rowBytes
      }
      total = f32x4.add(total, sum)
    }
    putColumns(pointer(0), j, columns, total)
  }
}

/**
 * dgain[j] = the sum over i of dy[i, j] (x[i, j] - mean[i]) inverse[i].
 * Arguments: dgain, dy, rows, columns, columns of a task (a multiple of 4), x, mean (0 for none), inverse.
 */
export function normGainGradient(task: i32): void {
  const rows = word(2), columns = word(3), mean = pointer(6), inverse = pointer(7)
  const first = task * word(4)
  const end = min(first + word(4), columns)
  const rowBytes = (columns as usize) << 2
  for (let j = first; j < end; j += 4) {
    let dy = pointer(1) + ((j as usize) << 2)
    let x = pointer(5) + ((j as usize) << 2)
    let total = splat(0)
    for (let i = 0; i < rows; i += sumRows) {
      let sum = splat(0)
      const last = min(rows, i + sumRows)
      for (let r = i; r < last; r++) {
        const at = (r as usize) << 2
        const shift = mean ? v128.load32_splat(mean + at) : splat(0)
        const normed = f32x4.mul(f32x4.sub(v128.load(x), shift), v128.load32_splat(inverse + at))
        sum = f32x4.add(sum, f32x4.mul(v128.load(dy), normed))
        dy += rowBytes
        x += rowBytes
      }
      total = f32x4.add(total, sum)
    }
    putColumns(pointer(0), j, columns, total)
  }
}

// @ts-ignore: decorator
@inline
function putColumns(y: usize, j: i32, columns: i32, x: v128): void {
  const at = y + ((j as usize) << 2)
  if (j + 4 <= columns) v128.store(at, x)
  else storeFirst(at, x, columns - j)
}

/** Arguments: y, table, indices, columns, rows of y, rows of a task. */
export function gather(task: i32): void {
  const bytes = pointer(3) << 2
  const first = task * word(5)
  const end = min(first + word(5), word(4))
  for (let i = first; i < end; i++) {
    const index = load<i32>(pointer(2) + ((i as usize) << 2)) as usize
    memory.copy(pointer(0) + (i as usize) * bytes, pointer(1) + index * bytes, bytes)
  }
}

/** Tasks own rows of the table's gradient. Arguments: dtable, dy, indices, columns, rows of dy, rows of dtable, rows of a task. */
export function gatherGradient(task: i32): void {
  const bytes = pointer(3) << 2
  const first = task * word(6)
  const end = min(first + word(6), word(5))
  memory.fill(pointer(0) + (first as usize) * bytes, 0, ((end - first) as usize) * bytes)
  const rows = word(4)
  for (let i = 0; i < rows; i++) {
    const index = load<i32>(pointer(2) + ((i as usize) << 2))
    if (index < first || index >= end) continue
    addRow(pointer(0) + (index as usize) * bytes, pointer(1) + (i as usize) * bytes, bytes)
  }
}

// @ts-ignore: decorator
@inline
function addRow(to: usize, from: usize, bytes: usize): void {
  let i: usize = 0
  for (; i + 16 <= bytes; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)))
  for (; i < bytes; i += 4) store<f32>(to + i, load<f32>(to + i) + load<f32>(from + i))
}

/** A block of columns from one matrix to another. Arguments: to, bytes of its row, from, bytes of its row, bytes, rows, rows of a task. */
export function copyColumns(task: i32): void {
  const bytes = pointer(4)
  const first = task * word(6)
  const end = min(first + word(6), word(5))
  for (let i = first; i < end; i++) {
    memory.copy(pointer(0) + (i as usize) * pointer(1), pointer(2) + (i as usize) * pointer(3), bytes)
  }
}

/**
 * Gradients of heads that shared keys and values, and of sequences that shared them, added up:
 * y[row, kv, i] = the sum over batch and g of x[batch, row, kv * group + g, i].
 * Arguments: y, x, rows, heads of y, group, headSize, batch, rows of a task.
 */
export function foldHeads(task: i32): void {
  const rows = word(2), heads = word(3), group = word(4), batch = word(6)
  const bytes = pointer(5) << 2
  const xRow = ((heads * group) as usize) * bytes
  const first = task * word(7)
  const end = min(first + word(7), rows)
  for (let i = first; i < end; i++) {
    for (let head = 0; head < heads; head++) {
      const y = pointer(0) + ((i * heads + head) as usize) * bytes
      memory.fill(y, 0, bytes)
      for (let n = 0; n < batch; n++) {
        const x = pointer(1) + ((n * rows + i) as usize) * xRow + ((head * group) as usize) * bytes
        for (let g = 0; g < group; g++) addRow(y, x + (g as usize) * bytes, bytes)
      }
    }
  }
}
