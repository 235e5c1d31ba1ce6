// Rotary position embeddings (Su et al. 2021), in place.

import { pointer, real, word } from './arguments.ts'
import { madd, splat } from './lanes.ts'

/** Arguments: x, cos, sin, rows, time, heads, headSize, half of the rotated elements, direction, rows of a task. */
export function rotate(task: i32): void {
  const time = word(4), heads = word(5), headSize = pointer(6), half = word(7), direction = real(8)
  const first = task * word(9)
  const end = min(first + word(9), word(3))
  const halfBytes = (half as usize) << 2
  for (let i = first; i < end; i++) {
    const cos = pointer(1) + ((i % time) as usize) * halfBytes
    const sin = pointer(2) + ((i % time) as usize) * halfBytes
    for (let head = 0; head < heads; head++) {
      const x = pointer(0) + (((i * heads + head) as usize) * headSize << 2)
      rotateHead(x, x + halfBytes, cos, sin, halfBytes, direction)
    }
  }
}

// @ts-ignore: decorator
@inline
function rotateHead(left: usize, right: usize, cos: usize, sin: usize, bytes: usize, direction: f32): void {
  const turn = splat(direction)
  let i: usize = 0
  for (; i + 16 <= bytes; i += 16) {
    const a = v128.load(left + i), b = v128.load(right + i), c = v128.load(cos + i)
    const s = f32x4.mul(v128.load(sin + i), turn)
    v128.store(left + i, madd(f32x4.mul(a, c), f32x4.neg(b), s))
    v128.store(right + i, madd(f32x4.mul(b, c), a, s))
  }
  for (; i < bytes; i += 4) {
    const a = load<f32>(left + i), b = load<f32>(right + i), c = load<f32>(cos + i), s = load<f32>(sin + i) * direction
    store<f32>(left + i, a * c - b * s)
    store<f32>(right + i, b * c + a * s)
  }
}
