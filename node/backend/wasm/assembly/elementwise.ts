// Element by element. Tensors end on whole vectors (their memory is padded), so the last one may be computed whole.

import { pointer, real, word } from './arguments.ts'
import { madd, splat } from './lanes.ts'

/** The byte where a task ends that starts at `start` and does `share` bytes. */
// @ts-ignore: decorator
@inline
function endOf(start: usize, share: i32, length: i32): usize {
  return min(start + (share as usize), (length as usize) << 2)
}

/** Arguments: y, a, b, elements, bytes of a task. */
export function add(task: i32): void {
  const y = pointer(0), a = pointer(1), b = pointer(2)
  const start = (task as usize) * pointer(4)
  const end = endOf(start, word(4), word(3))
  for (let i = start; i < end; i += 16) v128.store(y + i, f32x4.add(v128.load(a + i), v128.load(b + i)))
}

/** Arguments: y, a, b, elements, bytes of a task. */
export function multiply(task: i32): void {
  const y = pointer(0), a = pointer(1), b = pointer(2)
  const start = (task as usize) * pointer(4)
  const end = endOf(start, word(4), word(3))
  for (let i = start; i < end; i += 16) v128.store(y + i, f32x4.mul(v128.load(a + i), v128.load(b + i)))
}

/** target += scale x. Arguments: target, x, scale, elements, bytes of a task. */
export function accumulate(task: i32): void {
  const target = pointer(0), x = pointer(1), scale = splat(real(2))
  const start = (task as usize) * pointer(4)
  const end = endOf(start, word(4), word(3))
  for (let i = start; i < end; i += 16) {
    v128.store(target + i, madd(v128.load(target + i), scale, v128.load(x + i)))
  }
}
