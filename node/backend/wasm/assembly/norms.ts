// RMSNorm (Zhang and Sennrich 2019) and LayerNorm (Ba et al. 2016), by rows.

import { pointer, real, word } from './arguments.ts'
import { firstLanes, madd, splat, storeFirst, sumLanes } from './lanes.ts'

// @ts-ignore: decorator
@inline
function put(row: usize, j: i32, columns: i32, x: v128): void {
  const at = row + ((j as usize) << 2)
  if (j + 4 <= columns) v128.store(at, x)
  else storeFirst(at, x, columns - j)
}

/** Elements from j on, 0 in lanes past the last column. Rows may be read past their end: tensors are padded. */
// @ts-ignore: decorator
@inline
function get(row: usize, j: i32, columns: i32): v128 {
  const x = v128.load(row + ((j as usize) << 2))
  return j + 4 <= columns ? x : v128.and(x, firstLanes(columns - j))
}

// @ts-ignore: decorator
@inline
function inverseRoot(x: f32): f32 {
  const one: f32 = 1
  return one / sqrt<f32>(x)
}

/** Arguments: y, x, gain, inverse, rows, columns, epsilon, rows of a task. */
export function rmsNorm(task: i32): void {
  const gain = pointer(2), columns = word(5), epsilon = real(6)
  const bytes = (columns as usize) << 2
  const first = task * word(7)
  const end = min(first + word(7), word(4))
  for (let i = first; i < end; i++) {
    const x = pointer(1) + (i as usize) * bytes
    const y = pointer(0) + (i as usize) * bytes
    let squares = splat(0)
    for (let j = 0; j < columns; j += 4) {
      const v = get(x, j, columns)
      squares = madd(squares, v, v)
    }
    const inverse = inverseRoot(sumLanes(squares) / (columns as f32) + epsilon)
    store<f32>(pointer(3) + ((i as usize) << 2), inverse)
    const factor = splat(inverse)
    for (let j = 0; j < columns; j += 4) {
      const at = (j as usize) << 2
      put(y, j, columns, f32x4.mul(f32x4.mul(v128.load(x + at), factor), v128.load(gain + at)))
    }
  }
}

/**
 * dx = inverse (gain dy) - x inverse³ mean(gain dy x).
 * Arguments: dx, dy, x, gain, rows, columns, inverse, rows of a task.
 */
export function rmsNormGradient(task: i32): void {
  const gain = pointer(3), columns = word(5)
  const bytes = (columns as usize) << 2
  const first = task * word(7)
  const end = min(first + word(7), word(4))
  for (let i = first; i < end; i++) {
    const dx = pointer(0) + (i as usize) * bytes
    const dy = pointer(1) + (i as usize) * bytes
    const x = pointer(2) + (i as usize) * bytes
    let dot = splat(0)
    for (let j = 0; j < columns; j += 4) {
      const at = (j as usize) << 2
      dot = madd(dot, f32x4.mul(get(dy, j, columns), v128.load(gain + at)), get(x, j, columns))
    }
    const inverse = load<f32>(pointer(6) + ((i as usize) << 2))
    const factor = splat(inverse)
    const shrink = splat(-(sumLanes(dot) / (columns as f32)) * inverse * inverse * inverse)
    for (let j = 0; j < columns; j += 4) {
      const at = (j as usize) << 2
      const scaled = f32x4.mul(f32x4.mul(v128.load(dy + at), v128.load(gain + at)), factor)
      put(dx, j, columns, madd(scaled, v128.load(x + at), shrink))
    }
  }
}

/** Arguments: y, x, gain, inverse, rows, columns, epsilon, bias, mean, rows of a task. */
export function layerNorm(task: i32): void {
  const gain = pointer(2), columns = word(5), epsilon = real(6), bias = pointer(7)
  const bytes = (columns as usize) << 2
  const first = task * word(9)
  const end = min(first + word(9), word(4))
  for (let i = first; i < end; i++) {
    const x = pointer(1) + (i as usize) * bytes
    const y = pointer(0) + (i as usize) * bytes
    let sum = splat(0)
    for (let j = 0; j < columns; j += 4) sum = f32x4.add(sum, get(x, j, columns))
    const mean = sumLanes(sum) / (columns as f32)
    const shift = splat(mean)
    let squares = splat(0)
    for (let j = 0; j < columns; j += 4) {
      let v = f32x4.sub(get(x, j, columns), shift)
      if (j + 4 > columns) v = v128.and(v, firstLanes(columns - j))
      squares = madd(squares, v, v)
    }
    const inverse = inverseRoot(sumLanes(squares) / (columns as f32) + epsilon)
    store<f32>(pointer(3) + ((i as usize) << 2), inverse)
    store<f32>(pointer(8) + ((i as usize) << 2), mean)
    const factor = splat(inverse)
    for (let j = 0; j < columns; j += 4) {
      const at = (j as usize) << 2
      const normed = f32x4.mul(f32x4.sub(v128.load(x + at), shift), factor)
      put(y, j, columns, madd(v128.load(bias + at), normed, v128.load(gain + at)))
    }
  }
}

/**
 * With h = (x - mean) inverse and g = gain dy: dx = inverse (g - mean(g) - h mean(g h)).
 * Arguments: dx, dy, x, gain, rows, columns, inverse, mean, rows of a task.
 */
export function layerNormGradient(task: i32): void {
  const gain = pointer(3), columns = word(5)
  const bytes = (columns as usize) << 2
  const first = task * word(8)
  const end = min(first + word(8), word(4))
  for (let i = first; i < end; i++) {
    const dx = pointer(0) + (i as usize) * bytes
    const dy = pointer(1) + (i as usize) * bytes
    const x = pointer(2) + (i as usize) * bytes
    const factor = v128.load32_splat(pointer(6) + ((i as usize) << 2))
    const shift = v128.load32_splat(pointer(7) + ((i as usize) << 2))
    let sum = splat(0)
    let dot = splat(0)
    for (let j = 0; j < columns; j += 4) {
      const at = (j as usize) << 2
      const g = f32x4.mul(get(dy, j, columns), get(gain, j, columns))
      const h = f32x4.mul(f32x4.sub(get(x, j, columns), shift), factor)
      sum = f32x4.add(sum, g)
      dot = madd(dot, g, h)
    }
    const offset = splat(sumLanes(sum) / (columns as f32))
    const shrink = splat(sumLanes(dot) / (columns as f32))
    for (let j = 0; j < columns; j += 4) {
      const at = (j as usize) << 2
      const g = f32x4.mul(v128.load(dy + at), v128.load(gain + at))
      const h = f32x4.mul(f32x4.sub(v128.load(x + at), shift), factor)
      put(dx, j, columns, f32x4.mul(factor, f32x4.sub(f32x4.sub(g, offset), f32x4.mul(h, shrink))))
    }
  }
}
