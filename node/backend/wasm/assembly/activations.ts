// SiLU, GELU, ReLU, and the gates made of them.

import { pointer, word } from './arguments.ts'
import { exp, madd, sigmoid, splat } from './lanes.ts'

// By the order of `Activation` in TypeScript.
const silu: i32 = 0
const gelu: i32 = 1
const geluTanh: i32 = 2

/** sqrt(2 / pi) and the cubic's coefficient of GELU's tanh approximation. Hendrycks and Gimpel 2016, arXiv:1606.08415. */
const tanhScale: f32 = 0.7978845608028654
const tanhCubic: f32 = 0.044715

/**
 * The normal distribution function, to about 1e-6 relative even far below 0: half of erfc(-x / sqrt 2) by the Chebyshev
 * fit of Press et al., Numerical Recipes, section 6.2 (fractional error below 1.2e-7).
 */
// @ts-ignore: decorator
@inline
function normal(x: v128): v128 {
  const z = f32x4.mul(f32x4.abs(x), splat(0.7071067811865476))
  const t = f32x4.div(splat(1), madd(splat(1), splat(0.5), z))
  let p = madd(splat(-0.82215223), t, splat(0.17087277))
  p = madd(splat(1.48851587), t, p)
  p = madd(splat(-1.13520398), t, p)
  p = madd(splat(0.27886807), t, p)
  p = madd(splat(-0.18628806), t, p)
  p = madd(splat(0.09678418), t, p)
  p = madd(splat(0.37409196), t, p)
  p = madd(splat(1.00002368), t, p)
  p = madd(splat(-1.26551223), t, p)
  const tail = f32x4.mul(f32x4.mul(splat(0.5), t), exp(f32x4.sub(p, f32x4.mul(z, z))))
  return v128.bitselect(tail, f32x4.sub(splat(1), tail), f32x4.lt(x, splat(0)))
}

/** sigmoid(2 u): GELU's tanh approximation is x times it, without the cancellation of 1 + tanh. */
// @ts-ignore: decorator
@inline
function tanhGate(x: v128): v128 {
  const cubic = madd(splat(2 * tanhScale), splat(2 * tanhScale * tanhCubic), f32x4.mul(x, x))
  return sigmoid(f32x4.mul(x, cubic))
}

// @ts-ignore: decorator
@inline
function activation(kind: i32, x: v128): v128 {
  if (kind == silu) return f32x4.mul(x, sigmoid(x))
  if (kind == gelu) return f32x4.mul(x, normal(x))
  if (kind == geluTanh) return f32x4.mul(x, tanhGate(x))
  return f32x4.pmax(x, splat(0))
}

// @ts-ignore: decorator
@inline
function slope(kind: i32, x: v128): v128 {
  if (kind == silu) {
    const s = sigmoid(x)
    return f32x4.mul(s, madd(splat(1), x, f32x4.sub(splat(1), s)))
  }
  if (kind == gelu) {
    const density = f32x4.mul(splat(0.3989422804014327), exp(f32x4.mul(splat(-0.5), f32x4.mul(x, x))))
    return madd(normal(x), x, density)
  }
  if (kind == geluTanh) {
    const s = tanhGate(x)
    const inner = madd(splat(2 * tanhScale), splat(6 * tanhScale * tanhCubic), f32x4.mul(x, x))
    return madd(s, f32x4.mul(x, inner), f32x4.mul(s, f32x4.sub(splat(1), s)))
  }
  return v128.and(f32x4.gt(x, splat(0)), splat(1))
}

/** Arguments: y, x, kind, elements, bytes of a task. */
export function activate(task: i32): void {
  const y = pointer(0), x = pointer(1), kind = word(2)
  const start = (task as usize) * pointer(4)
  const end = min(start + pointer(4), pointer(3) << 2)
  for (let i = start; i < end; i += 16) v128.store(y + i, activation(kind, v128.load(x + i)))
}

/** Arguments: dx, dy, kind, elements, bytes of a task, x. */
export function activateGradient(task: i32): void {
  const dx = pointer(0), dy = pointer(1), kind = word(2), x = pointer(5)
  const start = (task as usize) * pointer(4)
  const end = min(start + pointer(4), pointer(3) << 2)
  for (let i = start; i < end; i += 16) {
    v128.store(dx + i, f32x4.mul(v128.load(dy + i), slope(kind, v128.load(x + i))))
  }
}

/** Arguments: y, gate, kind, elements, bytes of a task, up. */
export function gate(task: i32): void {
  const y = pointer(0), gate = pointer(1), kind = word(2), up = pointer(5)
  const start = (task as usize) * pointer(4)
  const end = min(start + pointer(4), pointer(3) << 2)
  for (let i = start; i < end; i += 16) {
    v128.store(y + i, f32x4.mul(activation(kind, v128.load(gate + i)), v128.load(up + i)))
  }
}

/** Arguments: gradient of gate, dy, kind, elements, bytes of a task, gate, up, gradient of up. */
export function gateGradient(task: i32): void {
  const dGate = pointer(0), dy = pointer(1), kind = word(2), gate = pointer(5), up = pointer(6), dUp = pointer(7)
  const start = (task as usize) * pointer(4)
  const end = min(start + pointer(4), pointer(3) << 2)
  for (let i = start; i < end; i += 16) {
    const x = v128.load(gate + i), d = v128.load(dy + i)
    v128.store(dGate + i, f32x4.mul(f32x4.mul(d, v128.load(up + i)), slope(kind, x)))
    v128.store(dUp + i, f32x4.mul(d, activation(kind, x)))
  }
}
