// A matrix product on one thread, of any layout and size: blocked for the caches, packed, cut into tiles.

import { columnsMax, depthMax } from '../kernel-control.ts'
import { dots } from './dots.ts'
import { packColumns, packLeft, packRows } from './pack.ts'
import { tile1, tile2, tile4, tile6 } from './tile.ts'

/** Below so many rows of C it does not pay to pack rows of B. */
const packRowsMin: i32 = 17

/** Up to so many rows of C it does not pay to transpose B. */
const dotsMax: i32 = 3

/** Bytes of scratch memory that `tiles` takes: a panel of A and the edge of C. */
export const spareBytes: usize = ((depthMax * 6 + 64) as usize) << 2

/** Bytes of scratch memory that a product takes. */
export const productBytes: usize = spareBytes + (((depthMax * columnsMax) as usize) << 2)

/**
 * C[m, n] = scale A B, or C += scale A B.
 *
 * A[i, k] lies at a + i aRow + k aColumn, B[k, j] at b + k bRow + j bColumn, C[i, j] at c + i cRow + 4 j, in bytes. One of
 * A's strides and one of B's is 4. m, n, depth >= 1.
 * @param memory - `productBytes` of scratch memory
 */
export function product(
  c: usize, cRow: usize, a: usize, aRow: usize, aColumn: usize, b: usize, bRow: usize, bColumn: usize,
  m: i32, n: i32, depth: i32, scale: f32, onto: bool, memory: usize
): void {
  if (m <= dotsMax && aColumn == 4 && bRow == 4) {
    dots(c, cRow, a, aRow, b, bColumn, m, n, depth, scale, onto)
    return
  }
  const blocks = (depth + depthMax - 1) / depthMax
  const blockDepth = (((depth + blocks - 1) / blocks) + 7) & ~7
  for (let k = 0; k < depth; k += blockDepth) {
    const kCount = min(blockDepth, depth - k)
    const aBlock = a + (k as usize) * aColumn
    const bBlock = b + (k as usize) * bRow
    for (let j = 0; j < n; j += columnsMax) {
      block(
        c + ((j as usize) << 2), cRow, aBlock, aRow, aColumn, bBlock + (j as usize) * bColumn, bRow, bColumn,
        m, min(columnsMax, n - j), kCount, scale, onto || k > 0, memory
      )
    }
  }
}

/** `product` where depth <= depthMax and n <= columnsMax. */
function block(
  c: usize, cRow: usize, a: usize, aRow: usize, aColumn: usize, b: usize, bRow: usize, bColumn: usize,
  m: i32, n: i32, depth: i32, scale: f32, onto: bool, memory: usize
): void {
  const panels = memory + spareBytes
  const panelBytes = (depth as usize) << 5
  if (bColumn != 4) packColumns(panels, b, bColumn, depth, n)
  else if (m >= packRowsMin) packRows(panels, b, bRow, depth, n)
  else {
    // Tiles read B where it is, but for a last panel that would reach over its right edge.
    const whole = n & ~7
    const right = (whole as usize) << 2
    if (whole > 0) tiles(c, cRow, a, aRow, aColumn, b, bRow, 32, m, whole, depth, scale, onto, memory)
    if (whole == n) return
    packRows(panels, b + right, bRow, depth, n - whole)
    tiles(c + right, cRow, a, aRow, aColumn, panels, 32, panelBytes, m, n - whole, depth, scale, onto, memory)
    return
  }
  tiles(c, cRow, a, aRow, aColumn, panels, 32, panelBytes, m, n, depth, scale, onto, memory)
}

/**
 * `product` where B lies in panels of eight columns: row k of a panel at k bStep, panels `panelBytes` apart.
 * depth <= depthMax.
 * @param spare - `spareBytes` of scratch memory
 */
export function tiles(
  c: usize, cRow: usize, a: usize, aRow: usize, aColumn: usize, panels: usize, bStep: usize, panelBytes: usize,
  m: i32, n: i32, depth: i32, scale: f32, onto: bool, spare: usize
): void {
  const edge = spare + (((depthMax * 6) as usize) << 2)
  // Rows of a transposed A lie on the same cache lines, but far apart: six go together if they are read often.
  const packs = aColumn > 1024 && n >= 32
  for (let i = 0; i < m; ) {
    const rows = tileRows(m - i)
    let left = a + (i as usize) * aRow
    let leftRow = aRow
    let leftStep = aColumn
    if (packs && rows == 6) {
      packLeft(spare, left, aColumn, depth)
      left = spare
      leftRow = 4
      leftStep = 24
    }
    let at = c + (i as usize) * cRow
    let right = panels
    for (let j = 0; j < n; j += 8) {
      if (j + 8 <= n) tile(rows, depth, left, leftRow, leftStep, right, bStep, at, cRow, scale, onto)
      else edgeTile(rows, n - j, depth, left, leftRow, leftStep, right, bStep, at, cRow, scale, onto, edge)
      right += panelBytes
      at += 32
    }
    i += rows
  }
}

/** Tiles of 6 rows, but where two of 4 leave fewer over. */
// @ts-ignore: decorator
@inline
function tileRows(left: i32): i32 {
  if (left >= 6) return left == 8 ? 4 : 6
  if (left >= 4) return 4
  return left >= 2 ? 2 : 1
}

// @ts-ignore: decorator
@inline
function tile(
  rows: i32, depth: i32, a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize,
  c: usize, cRow: usize, scale: f32, onto: bool
): void {
  if (rows == 6) tile6(depth, a, aRow, aStep, b, bStep, c, cRow, scale, onto)
  else if (rows == 4) tile4(depth, a, aRow, aStep, b, bStep, c, cRow, scale, onto)
  else if (rows == 2) tile2(depth, a, aRow, aStep, b, bStep, c, cRow, scale, onto)
  else tile1(depth, a, aRow, aStep, b, bStep, c, cRow, scale, onto)
}

/** A tile of fewer than 8 columns, by way of a whole one. */
function edgeTile(
  rows: i32, columns: i32, depth: i32, a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize,
  c: usize, cRow: usize, scale: f32, onto: bool, edge: usize
): void {
  const bytes = (columns as usize) << 2
  if (onto) for (let i: usize = 0; i < (rows as usize); i++) copyFew(edge + (i << 5), c + i * cRow, bytes)
  tile(rows, depth, a, aRow, aStep, b, bStep, edge, 32, scale, onto)
  for (let i: usize = 0; i < (rows as usize); i++) copyFew(c + i * cRow, edge + (i << 5), bytes)
}

// @ts-ignore: decorator
@inline
function copyFew(to: usize, from: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at))
}
