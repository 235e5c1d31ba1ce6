// SiLU, GELU, ReLU, and the gates made of them. Each is x times a share of it that lies between 0 and 1, and so each has
// its slope from x and that share.

import { pointer, word } from './arguments.ts'
import { exp, madd, one, sigmoid } from './lanes.ts'

// Activations as types, which tell a generic function at compile time what to compute. Their sizes are their numbers in
// ../gates.ts, which lists them in this order.
type Silu = u8
type Gelu = u16
type GeluTanh = u32
type Relu = u64

/** sqrt(2 / pi) and the cubic's coefficient of GELU's tanh approximation. Hendrycks and Gimpel 2016, arXiv:1606.08415. */
const tanhScale: f32 = 0.7978845608028654
const tanhCubic: f32 = 0.044715

// As in lanes.ts, constants are read from memory.
const data = memory.data<f32>([
  // erfc, from the highest power down.
  0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
  -1.26551223,
  // 1 / sqrt 2, 1 / 2, -1 / 2, 1 / sqrt(2 pi)
  0.7071067811865476, 0.5, -0.5, 0.3989422804014327,
  2 * tanhScale, 2 * tanhScale * tanhCubic, 6 * tanhScale * tanhCubic
])

// @ts-ignore: decorator
@inline
function datum(i: i32): v128 {
  return v128.load32_splat(data + (i << 2))
}

/**
 * The normal distribution function, to about 1e-6 relative even far below 0: half of erfc(-x / sqrt 2) by the Chebyshev
 * fit of Press et al., Numerical Recipes, section 6.2 (fractional error below 1.2e-7).
 */
// @ts-ignore: decorator
@inline
function normal(x: v128): v128 {
  const z = f32x4.mul(f32x4.abs(x), datum(10))
  const t = f32x4.div(one(), madd(one(), datum(11), z))
  let p = madd(datum(1), t, datum(0))
  p = madd(datum(2), t, p)
  p = madd(datum(3), t, p)
  p = madd(datum(4), t, p)
  p = madd(datum(5), t, p)
  p = madd(datum(6), t, p)
  p = madd(datum(7), t, p)
  p = madd(datum(8), t, p)
  p = madd(datum(9), t, p)
  const tail = f32x4.mul(f32x4.mul(datum(11), t), exp(f32x4.sub(p, f32x4.mul(z, z))))
  return v128.bitselect(tail, f32x4.sub(one(), tail), f32x4.lt(x, i32x4.splat(0)))
}

/** The share of x that passes. Of ReLU, ones in all bits or in none: 0 times infinity would not be 0. */
// @ts-ignore: decorator
@inline
function shareOf<Kind>(x: v128): v128 {
  if (sizeof<Kind>() == sizeof<Silu>()) return sigmoid(x)
  if (sizeof<Kind>() == sizeof<Gelu>()) return normal(x)
  // 1 + tanh(u) = 2 sigmoid(2 u), which does not cancel.
  if (sizeof<Kind>() == sizeof<GeluTanh>()) return sigmoid(f32x4.mul(x, madd(datum(14), datum(15), f32x4.mul(x, x))))
  return v128.not(f32x4.lt(x, i32x4.splat(0)))
}

// @ts-ignore: decorator
@inline
function activation<Kind>(x: v128, share: v128): v128 {
  return sizeof<Kind>() == sizeof<Relu>() ? v128.and(x, share) : f32x4.mul(x, share)
}

// @ts-ignore: decorator
@inline
function slope<Kind>(x: v128, share: v128): v128 {
  if (sizeof<Kind>() == sizeof<Silu>()) return madd(share, f32x4.mul(x, share), f32x4.sub(one(), share))
  if (sizeof<Kind>() == sizeof<Gelu>()) {
    return madd(share, x, f32x4.mul(datum(13), exp(f32x4.mul(datum(12), f32x4.mul(x, x)))))
  }
  if (sizeof<Kind>() == sizeof<GeluTanh>()) {
    const reach = f32x4.mul(x, madd(datum(14), datum(16), f32x4.mul(x, x)))
    return madd(share, reach, f32x4.mul(share, f32x4.sub(one(), share)))
  }
  return v128.and(f32x4.gt(x, i32x4.splat(0)), one())
}

// Arguments of all that follow: to, from, kind, elements, bytes of a task; what else there is follows.

function activateAll<Kind>(start: usize, end: usize): void {
  const y = pointer(0), x = pointer(1)
  for (let i = start; i < end; i += 16) {
    const v = v128.load(x + i)
    v128.store(y + i, activation<Kind>(v, shareOf<Kind>(v)))
  }
}

/** y, x. */
export function activate(task: i32): void {
  const start = (task as usize) * pointer(4)
  const end = min(start + pointer(4), pointer(3) << 2)
  switch (word(2)) {
    case 0: return activateAll<Silu>(start, end)
    case 1: return activateAll<Gelu>(start, end)
    case 2: return activateAll<GeluTanh>(start, end)
    default: return activateAll<Relu>(start, end)
  }
}

function activateGradientAll<Kind>(start: usize, end: usize): void {
  const dx = pointer(0), dy = pointer(1), x = pointer(5)
  for (let i = start; i < end; i += 16) {
    const v = v128.load(x + i)
    v128.store(dx + i, f32x4.mul(v128.load(dy + i), slope<Kind>(v, shareOf<Kind>(v))))
  }
}

/** dx, dy; x. */
export function activateGradient(task: i32): void {
  const start = (task as usize) * pointer(4)
  const end = min(start + pointer(4), pointer(3) << 2)
  switch (word(2)) {
    case 0: return activateGradientAll<Silu>(start, end)
    case 1: return activateGradientAll<Gelu>(start, end)
    case 2: return activateGradientAll<GeluTanh>(start, end)
    default: return activateGradientAll<Relu>(start, end)
  }
}

function gateAll<Kind>(start: usize, end: usize): void {
  const y = pointer(0), gate = pointer(1), up = pointer(5)
  for (let i = start; i < end; i += 16) {
    const v = v128.load(gate + i)
    v128.store(y + i, f32x4.mul(activation<Kind>(v, shareOf<Kind>(v)), v128.load(up + i)))
  }
}

/** y, gate; up. */
export function gate(task: i32): void {
  const start = (task as usize) * pointer(4)
  const end = min(start + pointer(4), pointer(3) << 2)
  switch (word(2)) {
    case 0: return gateAll<Silu>(start, end)
    case 1: return gateAll<Gelu>(start, end)
    case 2: return gateAll<GeluTanh>(start, end)
    default: return gateAll<Relu>(start, end)
  }
}

function gateGradientAll<Kind>(start: usize, end: usize): void {
  const dGate = pointer(0), dy = pointer(1), gate = pointer(5), up = pointer(6), dUp = pointer(7)
  for (let i = start; i < end; i += 16) {
    const v = v128.load(gate + i), d = v128.load(dy + i)
    const share = shareOf<Kind>(v)
    v128.store(dGate + i, f32x4.mul(f32x4.mul(d, v128.load(up + i)), slope<Kind>(v, share)))
    v128.store(dUp + i, f32x4.mul(d, activation<Kind>(v, share)))
  }
}

/** The gradient of gate, dy; gate, up, the gradient of up. */
export function gateGradient(task: i32): void {
  const start = (task as usize) * pointer(4)
  const end = min(start + pointer(4), pointer(3) << 2)
  switch (word(2)) {
    case 0: return gateGradientAll<Silu>(start, end)
    case 1: return gateGradientAll<Gelu>(start, end)
    case 2: return gateGradientAll<GeluTanh>(start, end)
    default: return gateGradientAll<Relu>(start, end)
  }
}
