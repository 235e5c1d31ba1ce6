// RMSNorm (Zhang and Sennrich 2019) and LayerNorm (Ba et al. 2016), by rows.

import { pointer, real, word } from './arguments.ts'
import { dot, lastOf, madd, splat, storeFirst, sumLanes, wholeBytes } from './lanes.ts'

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
  const whole = wholeBytes(columns)
  const first = task * word(7)
  const end = min(first + word(7), word(4))
  for (let row = first; row < end; row++) {
    const x = pointer(1) + (row as usize) * bytes
    const y = pointer(0) + (row as usize) * bytes
    const inverse = inverseRoot(dot(x, x, columns) / (columns as f32) + epsilon)
    store<f32>(pointer(3) + ((row as usize) << 2), inverse)
    const factor = splat(inverse)
    let i: usize = 0
    for (; i < whole; i += 16) v128.store(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), factor), v128.load(gain + i)))
    if (i < bytes) storeFirst(y + i, f32x4.mul(f32x4.mul(v128.load(x + i), factor), v128.load(gain + i)), columns & 3)
  }
}

/**
 * dx = inverse (gain dy) - x inverse³ mean(gain dy x).
 * Arguments: dx, dy, x, gain, rows, columns, inverse, rows of a task.
 */
export function rmsNormGradient(task: i32): void {
  const gain = pointer(3), columns = word(5)
  const bytes = (columns as usize) << 2
  const whole = wholeBytes(columns)
  const first = task * word(7)
  const end = min(first + word(7), word(4))
  for (let row = first; row < end; row++) {
    const dx = pointer(0) + (row as usize) * bytes
    const dy = pointer(1) + (row as usize) * bytes
    const x = pointer(2) + (row as usize) * bytes
    let sum = splat(0)
    let i: usize = 0
    for (; i < whole; i += 16) sum = madd(sum, f32x4.mul(v128.load(dy + i), v128.load(gain + i)), v128.load(x + i))
    if (i < bytes) sum = madd(sum, f32x4.mul(lastOf(dy + i, columns), lastOf(gain + i, columns)), lastOf(x + i, columns))
    const inverse = load<f32>(pointer(6) + ((row as usize) << 2))
    const factor = splat(inverse)
    const shrink = splat(-(sumLanes(sum) / (columns as f32)) * inverse * inverse * inverse)
    for (i = 0; i < whole; i += 16) v128.store(dx + i, rmsSlope(dy + i, x + i, gain + i, factor, shrink))
    if (i < bytes) storeFirst(dx + i, rmsSlope(dy + i, x + i, gain + i, factor, shrink), columns & 3)
  }
}

// @ts-ignore: decorator
@inline
function rmsSlope(dy: usize, x: usize, gain: usize, factor: v128, shrink: v128): v128 {
  const scaled = f32x4.mul(f32x4.mul(v128.load(dy), v128.load(gain)), factor)
  return madd(scaled, v128.load(x), shrink)
}

/** Arguments: y, x, gain, inverse, rows, columns, epsilon, bias, mean, rows of a task. */
export function layerNorm(task: i32): void {
  const gain = pointer(2), columns = word(5), epsilon = real(6), bias = pointer(7)
  const bytes = (columns as usize) << 2
  const whole = wholeBytes(columns)
  const first = task * word(9)
  const end = min(first + word(9), word(4))
  for (let row = first; row < end; row++) {
    const x = pointer(1) + (row as usize) * bytes
    const y = pointer(0) + (row as usize) * bytes
    let sum = splat(0)
    let i: usize = 0
    for (; i < whole; i += 16) sum = f32x4.add(sum, v128.load(x + i))
    if (i < bytes) sum = f32x4.add(sum, lastOf(x + i, columns))
    const mean = sumLanes(sum) / (columns as f32)
    const shift = splat(mean)
    // The centred row is kept in y for the time being.
    for (i = 0; i < whole; i += 16) v128.store(y + i, f32x4.sub(v128.load(x + i), shift))
    if (i < bytes) storeFirst(y + i, f32x4.sub(v128.load(x + i), shift), columns & 3)
    const inverse = inverseRoot(dot(y, y, columns) / (columns as f32) + epsilon)
    store<f32>(pointer(3) + ((row as usize) << 2), inverse)
    store<f32>(pointer(8) + ((row as usize) << 2), mean)
    const factor = splat(inverse)
    for (i = 0; i < whole; i += 16) v128.store(y + i, stretch(y + i, gain + i, bias + i, factor))
    if (i < bytes) storeFirst(y + i, stretch(y + i, gain + i, bias + i, factor), columns & 3)
  }
}

// @ts-ignore: decorator
@inline
function stretch(centred: usize, gain: usize, bias: usize, factor: v128): v128 {
  return madd(v128.load(bias), f32x4.mul(v128.load(centred), factor), v128.load(gain))
}

/**
 * With h = (x - mean) inverse and g = gain dy: dx = inverse (g - mean(g) - h mean(g h)).
 * Arguments: dx, dy, x, gain, rows, columns, inverse, mean, rows of a task.
 */
export function layerNormGradient(task: i32): void {
  const gain = pointer(3), columns = word(5)
  const bytes = (columns as usize) << 2
  const whole = wholeBytes(columns)
  const first = task * word(8)
  const end = min(first + word(8), word(4))
  for (let row = first; row < end; row++) {
    const dx = pointer(0) + (row as usize) * bytes
    const dy = pointer(1) + (row as usize) * bytes
    const x = pointer(2) + (row as usize) * bytes
    const factor = v128.load32_splat(pointer(6) + ((row as usize) << 2))
    const shift = v128.load32_splat(pointer(7) + ((row as usize) << 2))
    let sum = splat(0)
    let product = splat(0)
    let i: usize = 0
    for (; i < whole; i += 16) {
      const g = f32x4.mul(v128.load(dy + i), v128.load(gain + i))
      sum = f32x4.add(sum, g)
      product = madd(product, g, f32x4.mul(f32x4.sub(v128.load(x + i), shift), factor))
    }
    if (i < bytes) {
      const g = f32x4.mul(lastOf(dy + i, columns), lastOf(gain + i, columns))
      sum = f32x4.add(sum, g)
      product = madd(product, g, f32x4.mul(f32x4.sub(lastOf(x + i, columns), shift), factor))
    }
    const offset = splat(sumLanes(sum) / (columns as f32))
    const shrink = splat(sumLanes(product) / (columns as f32))
    for (i = 0; i < whole; i += 16) v128.store(dx + i, layerSlope(dy + i, x + i, gain + i, shift, factor, offset, shrink))
    if (i < bytes) storeFirst(dx + i, layerSlope(dy + i, x + i, gain + i, shift, factor, offset, shrink), columns & 3)
  }
}

// @ts-ignore: decorator
@inline
function layerSlope(
  dy: usize, x: usize, gain: usize, shift: v128, factor: v128, offset: v128, shrink: v128
): v128 {
  const g = f32x4.mul(v128.load(dy), v128.load(gain))
  const h = f32x4.mul(f32x4.sub(v128.load(x), shift), factor)
  return f32x4.mul(factor, f32x4.sub(f32x4.sub(g, offset), f32x4.mul(h, shrink)))
}
