// scale op(A) op(B) as a command: tasks are blocks of C.

import { pointer, real, scratch, word } from './arguments.ts'
import { product } from './product.ts'

/**
 * Arguments: c, a, b, m, n, k, transposeA, transposeB, onto, scale, rows and columns of a task (multiples of 8), tasks side by side.
 */
export function matmul(task: i32): void {
  const m = word(3), n = word(4), depth = word(5)
  const rowsMax = word(10), columnsMax = word(11), across = word(12)
  const i = (task / across) * rowsMax
  const j = (task % across) * columnsMax
  const aRow: usize = word(6) ? 4 : (depth as usize) << 2
  const aColumn: usize = word(6) ? (m as usize) << 2 : 4
  const bRow: usize = word(7) ? 4 : (n as usize) << 2
  const bColumn: usize = word(7) ? (depth as usize) << 2 : 4
  const cRow = (n as usize) << 2
  product(
    pointer(0) + (i as usize) * cRow + ((j as usize) << 2), cRow,
    pointer(1) + (i as usize) * aRow, aRow, aColumn,
    pointer(2) + (j as usize) * bColumn, bRow, bColumn,
    min(rowsMax, m - i), min(columnsMax, n - j), depth, real(9), word(8) != 0, scratch
  )
}
