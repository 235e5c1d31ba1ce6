// Panels of B for the tiles: eight columns wide, [depth, 8] one after the other; what is missing on the right is 0.

/** Of B[k, j] at b + k bRow + 4 j: rows are copied in pieces. */
export function packRows(panels: usize, b: usize, bRow: usize, depth: i32, columns: i32): void {
  const panelBytes = (depth as usize) << 5
  let j = 0
  // Two panels are one cache line of B.
  for (; j + 16 <= columns; j += 16) {
    let from = b + ((j as usize) << 2)
    let left = panels
    let right = panels + panelBytes
    for (let k = 0; k < depth; k++) {
      v128.store(left, v128.load(from))
      v128.store(left, v128.load(from, 16), 16)
      v128.store(right, v128.load(from, 32))
      v128.store(right, v128.load(from, 48), 16)
      from += bRow
      left += 32
      right += 32
    }
    panels += 2 * panelBytes
  }
  for (; j < columns; j += 8) {
    packRowsPanel(panels, b + ((j as usize) << 2), bRow, depth, columns - j)
    panels += panelBytes
  }
}

function packRowsPanel(panel: usize, b: usize, bRow: usize, depth: i32, columns: i32): void {
  if (columns >= 8) {
    for (let k = 0; k < depth; k++) {
      v128.store(panel, v128.load(b))
      v128.store(panel, v128.load(b, 16), 16)
      b += bRow
      panel += 32
    }
    return
  }
  for (let k = 0; k < depth; k++) {
    for (let j = 0; j < 8; j++) {
      store<f32>(panel + (j << 2), j < columns ? load<f32>(b + (j << 2)) : 0)
    }
    b += bRow
    panel += 32
  }
}

/** Of B[k, j] at b + 4 k + j bColumn: transposed four by four. */
export function packColumns(panels: usize, b: usize, bColumn: usize, depth: i32, columns: i32): void {
  const panelBytes = (depth as usize) << 5
  for (let j = 0; j < columns; j += 8) {
    const from = b + (j as usize) * bColumn
    if (columns - j >= 8) packColumnsPanel(panels, from, bColumn, depth)
    else packFewColumns(panels, from, bColumn, depth, columns - j)
    panels += panelBytes
  }
}

function packColumnsPanel(panel: usize, b: usize, bColumn: usize, depth: i32): void {
  let b0 = b
  let b1 = b0 + bColumn
  let b2 = b1 + bColumn
  let b3 = b2 + bColumn
  let b4 = b3 + bColumn
  let b5 = b4 + bColumn
  let b6 = b5 + bColumn
  let b7 = b6 + bColumn
  let k = 0
  for (; k + 4 <= depth; k += 4) {
    transpose(panel, v128.load(b0), v128.load(b1), v128.load(b2), v128.load(b3))
    transpose(panel + 16, v128.load(b4), v128.load(b5), v128.load(b6), v128.load(b7))
    panel += 128
    b0 += 16
    b1 += 16
    b2 += 16
    b3 += 16
    b4 += 16
    b5 += 16
    b6 += 16
    b7 += 16
  }
  packFewColumns(panel, b0, bColumn, depth - k, 8)
}

/** Rows of 4 columns become columns of 4 rows, 32 bytes apart. */
// @ts-ignore: decorator
@inline
function transpose(to: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const low01 = i8x16.shuffle(r0, r1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const high01 = i8x16.shuffle(r0, r1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  const low23 = i8x16.shuffle(r2, r3, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const high23 = i8x16.shuffle(r2, r3, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  v128.store(to, i8x16.shuffle(low01, low23, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23))
  v128.store(to, i8x16.shuffle(low01, low23, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 32)
  v128.store(to, i8x16.shuffle(high01, high23, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), 64)
  v128.store(to, i8x16.shuffle(high01, high23, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 96)
}

function packFewColumns(panel: usize, b: usize, bColumn: usize, depth: i32, columns: i32): void {
  for (let j: usize = 0; j < 8; j++) {
    let to = panel + (j << 2)
    let from = b + j * bColumn
    const isThere = (j as i32) < columns
    for (let k = 0; k < depth; k++) {
      store<f32>(to, isThere ? load<f32>(from) : 0)
      to += 32
      from += 4
    }
  }
}

/** Six rows of A[r, k] at a + 4 r + k aStep (A was transposed), as [depth, 6]. */
export function packLeft(panel: usize, a: usize, aStep: usize, depth: i32): void {
  for (let k = 0; k < depth; k++) {
    v128.store(panel, v128.load(a))
    store<u64>(panel, load<u64>(a, 16), 16)
    a += aStep
    panel += 24
  }
}
