// A product of few rows with a transposed matrix, as when text is generated token by token: each element is the product
// of two rows as they lie in memory. Packing would cost more than it saves; the matrix is read once, and that is the cost.

import { firstLanes, madd, splat, sumLanes } from './lanes.ts'

/** C[m, n] = scale A Bᵀ, or C += scale A Bᵀ: rows of A, B and C are aRow, bRow and cRow bytes apart. */
export function dots(
  c: usize, cRow: usize, a: usize, aRow: usize, b: usize, bRow: usize,
  m: i32, n: i32, depth: i32, scale: f32, onto: bool
): void {
  let j = 0
  for (; j + 4 <= n; j += 4) {
    const right = b + (j as usize) * bRow
    for (let i: usize = 0; i < (m as usize); i++) {
      const sums = fourDots(a + i * aRow, right, bRow, depth)
      const at = c + i * cRow + ((j as usize) << 2)
      const scaled = f32x4.mul(sums, splat(scale))
      v128.store(at, onto ? f32x4.add(v128.load(at), scaled) : scaled)
    }
  }
  for (; j < n; j++) {
    for (let i: usize = 0; i < (m as usize); i++) {
      // The same row four times gives the same sum as among others.
      const sums = fourDots(a + i * aRow, b + (j as usize) * bRow, 0, depth)
      const at = c + i * cRow + ((j as usize) << 2)
      const scaled = f32x4.extract_lane(sums, 0) * scale
      store<f32>(at, onto ? load<f32>(at) + scaled : scaled)
    }
  }
}

/** One row of A with four of B. */
function fourDots(a: usize, b: usize, bRow: usize, depth: i32): v128 {
  const b1 = b + bRow
  const b2 = b1 + bRow
  const b3 = b2 + bRow
  let s0 = splat(0), s1 = splat(0), s2 = splat(0), s3 = splat(0)
  let t0 = splat(0), t1 = splat(0), t2 = splat(0), t3 = splat(0)
  const bytes = (depth as usize) << 2
  let k: usize = 0
  for (; k + 32 <= bytes; k += 32) {
    const x = v128.load(a + k), y = v128.load(a + k, 16)
    s0 = madd(s0, x, v128.load(b + k))
    s1 = madd(s1, x, v128.load(b1 + k))
    s2 = madd(s2, x, v128.load(b2 + k))
    s3 = madd(s3, x, v128.load(b3 + k))
    t0 = madd(t0, y, v128.load(b + k, 16))
    t1 = madd(t1, y, v128.load(b1 + k, 16))
    t2 = madd(t2, y, v128.load(b2 + k, 16))
    t3 = madd(t3, y, v128.load(b3 + k, 16))
  }
  for (; k < bytes; k += 16) {
    // Rows may be read past their end, where anything may lie.
    const mask = firstLanes(min<i32>(4, ((bytes - k) >> 2) as i32))
    const x = v128.and(v128.load(a + k), mask)
    s0 = madd(s0, x, v128.and(v128.load(b + k), mask))
    s1 = madd(s1, x, v128.and(v128.load(b1 + k), mask))
    s2 = madd(s2, x, v128.and(v128.load(b2 + k), mask))
    s3 = madd(s3, x, v128.and(v128.load(b3 + k), mask))
  }
  let sums = splat(sumLanes(f32x4.add(s0, t0)))
  sums = f32x4.replace_lane(sums, 1, sumLanes(f32x4.add(s1, t1)))
  sums = f32x4.replace_lane(sums, 2, sumLanes(f32x4.add(s2, t2)))
  return f32x4.replace_lane(sums, 3, sumLanes(f32x4.add(s3, t3)))
}
