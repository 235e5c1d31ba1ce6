// A matrix product on one thread, of any layout and size: blocked for the caches, packed, cut into tiles.

import { columnsMax, depthMax } from '../kernel-control.ts'
import { packColumns, packLeft, packRows } from './pack.ts'
import { tile1, tile2, tile4, tile6 } from './tile.ts'

/** Below so many rows of C it does not pay to pack rows of B. */
const packRowsMin: i32 = 17

/** Bytes of scratch memory that a product takes. */
export const productBytes: usize = (depthMax * (columnsMax + 6) + 64) << 2

/**
 * C[m, n] = scale A B, or C += scale A B.
 *
 * A[i, k] lies at a + i aRow + k aColumn, B[k, j] at b + k bRow + j bColumn, C[i, j] at c + i cRow + 4 j, in bytes. One of
 * A's strides and one of B's is 4. m, n, depth >= 1.
 * @param panels - `productBytes` of scratch memory
 */
export function product(
  c: usize, cRow: usize, a: usize, aRow: usize, aColumn: usize, b: usize, bRow: usize, bColumn: usize,
  m: i32, n: i32, depth: i32, scale: f32, onto: bool, panels: usize
): void {
  const blocks = (depth + depthMax - 1) / depthMax
  const blockDepth = (((depth + blocks - 1) / blocks) + 7) & ~7
  for (let k = 0; k < depth; k += blockDepth) {
    const kCount = min(blockDepth, depth - k)
    const aBlock = a + (k as usize) * aColumn
    const bBlock = b + (k as usize) * bRow
    for (let j = 0; j < n; j += columnsMax) {
      block(
        c + ((j as usize) << 2), cRow, aBlock, aRow, aColumn, bBlock + (j as usize) * bColumn, bRow, bColumn,
        m, min(columnsMax, n - j), kCount, scale, onto || k > 0, panels
      )
    }
  }
}

/** `product` where depth <= depthMax and n <= columnsMax. */
function block(
  c: usize, cRow: usize, a: usize, aRow: usize, aColumn: usize, b: usize, bRow: usize, bColumn: usize,
  m: i32, n: i32, depth: i32, scale: f32, onto: bool, panels: usize
): void {
  let whole = n
  let bPanel = panels
  let bStep: usize = 32
  let panelBytes: usize = (depth as usize) << 5
  if (bColumn != 4) packColumns(panels, b, bColumn, depth, n)
  else if (m >= packRowsMin) packRows(panels, b, bRow, depth, n)
  else {
    // Tiles read B where it is, but for a last panel that would reach over its right edge.
    whole = n & ~7
    bPanel = b
    bStep = bRow
    panelBytes = 32
    if (whole < n) packRows(panels, b + ((whole as usize) << 2), bRow, depth, n - whole)
  }
  const leftPanel = panels + (((depthMax * columnsMax) as usize) << 2)
  const edge = leftPanel + ((depthMax * 6) << 2)
  for (let i = 0; i < m; ) {
    const rows = tileRows(m - i)
    let left = a + (i as usize) * aRow
    let leftRow = aRow
    let leftStep = aColumn
    // Six at a time, rows of a transposed A lie on few cache lines, but those are far apart: worth it for many panels.
    if (rows == 6 && aColumn != 4 && n >= 32) {
      packLeft(leftPanel, left, aColumn, depth)
      left = leftPanel
      leftRow = 4
      leftStep = 24
    }
    const to = c + (i as usize) * cRow
    let right = bPanel
    for (let j = 0; j < n; j += 8) {
      const at = to + ((j as usize) << 2)
      if (j + 8 <= n) tile(rows, depth, left, leftRow, leftStep, right, bStep, at, cRow, scale, onto)
      else if (whole < n) edgeTile(rows, n - j, depth, left, leftRow, leftStep, panels, 32, at, cRow, scale, onto, edge)
      else edgeTile(rows, n - j, depth, left, leftRow, leftStep, right, bStep, at, cRow, scale, onto, edge)
      right += panelBytes
    }
    i += rows
  }
}

/** Tiles of 6 rows as far as they go without leaving 1 or 2 that tiles of 4 could take along. */
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
