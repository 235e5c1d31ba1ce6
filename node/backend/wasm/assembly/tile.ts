// The heart of a matrix product: C[rows, 8] = scale A B, or C += scale A B, with C in registers all the while. Eight
// columns are two vectors; six rows make twelve sums, which with two vectors of B and one element of A fill the sixteen
// registers that x86 and the engine's own need leave, and hide the latency of the fused multiply-add.
//
// A[r, k] lies at a + r aRow + k aStep, row k of B at b + k bStep, row r of C at c + r cRow, all in bytes: any operand may
// be transposed, packed or neither. Each element of C is one chain of additions in the order of k, whatever the tile, so
// how a product is cut into tiles and tasks never shows in its bits.
//
// The loops are not unrolled here: the engine's register allocator then spills, which costs a fourth of the speed.

import { madd, splat } from './lanes.ts'

// @ts-ignore: decorator
@inline
function putRow(c: usize, x0: v128, x1: v128, scale: v128, onto: bool): void {
  if (onto) {
    v128.store(c, madd(v128.load(c), scale, x0))
    v128.store(c, madd(v128.load(c, 16), scale, x1), 16)
  } else {
    v128.store(c, f32x4.mul(scale, x0))
    v128.store(c, f32x4.mul(scale, x1), 16)
  }
}

export function tile6(
  depth: i32, a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize,
  c: usize, cRow: usize, scale: f32, onto: bool
): void {
  let a0 = a
  let a1 = a0 + aRow
  let a2 = a1 + aRow
  let a3 = a2 + aRow
  let a4 = a3 + aRow
  let a5 = a4 + aRow
  let c00 = splat(0), c01 = splat(0)
  let c10 = splat(0), c11 = splat(0)
  let c20 = splat(0), c21 = splat(0)
  let c30 = splat(0), c31 = splat(0)
  let c40 = splat(0), c41 = splat(0)
  let c50 = splat(0), c51 = splat(0)
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    b += bStep
    const x0 = v128.load32_splat(a0)
    a0 += aStep
    c00 = madd(c00, x0, b0)
    c01 = madd(c01, x0, b1)
    const x1 = v128.load32_splat(a1)
    a1 += aStep
    c10 = madd(c10, x1, b0)
    c11 = madd(c11, x1, b1)
    const x2 = v128.load32_splat(a2)
    a2 += aStep
    c20 = madd(c20, x2, b0)
    c21 = madd(c21, x2, b1)
    const x3 = v128.load32_splat(a3)
    a3 += aStep
    c30 = madd(c30, x3, b0)
    c31 = madd(c31, x3, b1)
    const x4 = v128.load32_splat(a4)
    a4 += aStep
    c40 = madd(c40, x4, b0)
    c41 = madd(c41, x4, b1)
    const x5 = v128.load32_splat(a5)
    a5 += aStep
    c50 = madd(c50, x5, b0)
    c51 = madd(c51, x5, b1)
  }
  const scales = splat(scale)
  putRow(c, c00, c01, scales, onto)
  putRow(c + cRow, c10, c11, scales, onto)
  putRow(c + 2 * cRow, c20, c21, scales, onto)
  putRow(c + 3 * cRow, c30, c31, scales, onto)
  putRow(c + 4 * cRow, c40, c41, scales, onto)
  putRow(c + 5 * cRow, c50, c51, scales, onto)
}

export function tile4(
  depth: i32, a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize,
  c: usize, cRow: usize, scale: f32, onto: bool
): void {
  let a0 = a
  let a1 = a0 + aRow
  let a2 = a1 + aRow
  let a3 = a2 + aRow
  let c00 = splat(0), c01 = splat(0)
  let c10 = splat(0), c11 = splat(0)
  let c20 = splat(0), c21 = splat(0)
  let c30 = splat(0), c31 = splat(0)
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    b += bStep
    const x0 = v128.load32_splat(a0)
    a0 += aStep
    c00 = madd(c00, x0, b0)
    c01 = madd(c01, x0, b1)
    const x1 = v128.load32_splat(a1)
    a1 += aStep
    c10 = madd(c10, x1, b0)
    c11 = madd(c11, x1, b1)
    const x2 = v128.load32_splat(a2)
    a2 += aStep
    c20 = madd(c20, x2, b0)
    c21 = madd(c21, x2, b1)
    const x3 = v128.load32_splat(a3)
    a3 += aStep
    c30 = madd(c30, x3, b0)
    c31 = madd(c31, x3, b1)
  }
  const scales = splat(scale)
  putRow(c, c00, c01, scales, onto)
  putRow(c + cRow, c10, c11, scales, onto)
  putRow(c + 2 * cRow, c20, c21, scales, onto)
  putRow(c + 3 * cRow, c30, c31, scales, onto)
}

export function tile2(
  depth: i32, a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize,
  c: usize, cRow: usize, scale: f32, onto: bool
): void {
  let a0 = a
  let a1 = a0 + aRow
  let c00 = splat(0), c01 = splat(0)
  let c10 = splat(0), c11 = splat(0)
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    b += bStep
    const x0 = v128.load32_splat(a0)
    a0 += aStep
    c00 = madd(c00, x0, b0)
    c01 = madd(c01, x0, b1)
    const x1 = v128.load32_splat(a1)
    a1 += aStep
    c10 = madd(c10, x1, b0)
    c11 = madd(c11, x1, b1)
  }
  const scales = splat(scale)
  putRow(c, c00, c01, scales, onto)
  putRow(c + cRow, c10, c11, scales, onto)
}

export function tile1(
  depth: i32, a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize,
  c: usize, cRow: usize, scale: f32, onto: bool
): void {
  let a0 = a
  let c00 = splat(0), c01 = splat(0)
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    b += bStep
    const x0 = v128.load32_splat(a0)
    a0 += aStep
    c00 = madd(c00, x0, b0)
    c01 = madd(c01, x0, b1)
  }
  const scales = splat(scale)
  putRow(c, c00, c01, scales, onto)
}
