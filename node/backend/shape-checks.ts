import {
  type AttentionShape,
  type HeadShape,
  ignoredTarget,
  type MatmulOptions,
  type Past,
  type RotaryTables,
  type Shape,
  type Tensor
} from './backend.ts'
import { BackendError } from './errors.ts'

export function sizeOf(shape: Shape): number {
  return shape.reduce((size, length) => size * length, 1)
}

/** That a kernel cannot combine these shapes. */
export function misfit(kernel: string, ...tensors: ReadonlyArray<{ readonly shape: Shape }>): BackendError {
  const shapes = tensors.map(({ shape }) => shape)
  const listed = shapes.map(shape => `[${shape.join(', ')}]`).join(', ')
  return new BackendError('BAD_SHAPE', { kernel, shapes }, `${kernel} cannot combine the shapes ${listed}`)
}

export function isSameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i])
}

/** All of one shape. */
export function checkSame(kernel: string, first: Tensor, ...others: readonly Tensor[]): void {
  if (others.some(({ shape }) => !isSameShape(shape, first.shape))) throw misfit(kernel, first, ...others)
}

/** [rows, columns] of a matrix. */
export function matrixShape(kernel: string, x: Tensor): [rows: number, columns: number] {
  if (x.shape.length !== 2) throw misfit(kernel, x)
  return x.shape as [number, number]
}

/** Vectors as long as a matrix has columns. */
export function checkColumns(kernel: string, x: Tensor, ...vectors: readonly Tensor[]): void {
  const [, columns] = matrixShape(kernel, x)
  if (vectors.some(({ shape }) => !isSameShape(shape, [columns]))) throw misfit(kernel, x, ...vectors)
}

/**
 * Runs of a gain's length, of which each row of a matrix is one or several.
 * @returns [number of runs, their length]
 */
export function checkRuns(kernel: string, x: Tensor, gain: Tensor): [rows: number, columns: number] {
  const [rows, columns] = matrixShape(kernel, x)
  const length = gain.shape[0]!
  if (gain.shape.length !== 1 || !(length >= 1) || columns % length !== 0) throw misfit(kernel, x, gain)
  return [(rows * columns) / length, length]
}

/** As `checkRuns`, from one value per run. */
export function checkRunsOf(kernel: string, x: Tensor, inverse: Tensor): [rows: number, columns: number] {
  const [rows, columns] = matrixShape(kernel, x)
  const runs = inverse.shape[0]!
  if (inverse.shape.length !== 1 || !(runs >= 1) || runs % rows !== 0 || (rows * columns) % runs !== 0)
    throw misfit(kernel, x, inverse)
  return [runs, (rows * columns) / runs]
}

/** Vectors as long as a matrix has rows. */
export function checkRows(kernel: string, x: Tensor, ...vectors: readonly Tensor[]): void {
  const [rows] = matrixShape(kernel, x)
  if (vectors.some(({ shape }) => !isSameShape(shape, [rows]))) throw misfit(kernel, x, ...vectors)
}

/** Sizes of [m, inner] x [inner, n]. */
export function matmulSizes(
  a: Tensor,
  b: Tensor,
  options: MatmulOptions
): { m: number; inner: number; n: number } {
  const [rowsA, columnsA] = matrixShape('matmul', a)
  const [rowsB, columnsB] = matrixShape('matmul', b)
  const [m, inner] = options.transposeA ? [columnsA, rowsA] : [rowsA, columnsA]
  const [innerB, n] = options.transposeB ? [columnsB, rowsB] : [rowsB, columnsB]
  const { onto } = options
  if (inner !== innerB || (onto && !isSameShape(onto.shape, [m, n])))
    throw misfit('matmul', a, b, ...(onto ? [onto] : []))
  return { m, inner, n }
}

/** A block of heads [batch * time, headCount * headSize]. */
export function checkHeads(kernel: string, x: Tensor, { batch, time, headCount, headSize }: HeadShape): void {
  if (!isSameShape(x.shape, [batch * time, headCount * headSize]))
    throw misfit(kernel, x, { shape: [batch, time, headCount, headSize] })
}

/** Matrices whose sizes along one axis are free, and alike along the other. */
export function checkJoined(kernel: string, parts: readonly Tensor[], axis: 0 | 1): void {
  const other = 1 - axis
  if (
    parts.length === 0 ||
    parts.some(({ shape }) => shape.length !== 2 || shape[other] !== parts[0]!.shape[other])
  )
    throw misfit(kernel, ...parts)
}

/** Indices into `size` things. @throws RangeError naming the first outside */
export function checkIndices(kernel: string, indices: Int32Array, size: number, lowest = 0): void {
  for (const [i, index] of indices.entries()) {
    if (index < lowest || index >= size)
      throw new RangeError(`${kernel}: index ${index} at ${i} is not between ${lowest} and ${size - 1}`)
  }
}

/** @returns pairs that are rotated in each head. */
export function rotaryHalf(kernel: string, x: Tensor, shape: HeadShape, { cos, sin }: RotaryTables): number {
  checkHeads(kernel, x, shape)
  checkSame(kernel, cos, sin)
  const [time, half] = matrixShape(kernel, cos)
  if (time !== shape.time || 2 * half > shape.headSize) throw misfit(kernel, x, cos)
  return half
}

export function checkAttention(
  kernel: string,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  shape: AttentionShape,
  past: Past | undefined
): void {
  const { batch, headCount, keyValueHeadCount, headSize } = shape
  checkHeads(kernel, q, shape)
  checkSame(kernel, k, v)
  checkHeads(kernel, k, { ...shape, headCount: keyValueHeadCount })
  if (headCount % keyValueHeadCount !== 0) throw misfit(kernel, q, k)
  if (past === undefined) return
  const before = [(past.shared ? 1 : batch) * past.length, keyValueHeadCount * headSize]
  if (!isSameShape(past.keys.shape, before) || !isSameShape(past.values.shape, before))
    throw misfit(kernel, q, past.keys, past.values)
}

/** One target per row of logits. @throws RangeError for a target that is neither -1 nor in the vocabulary */
export function checkTargets(
  kernel: string,
  logits: Tensor,
  targets: Int32Array
): [rows: number, columns: number] {
  const [rows, columns] = matrixShape(kernel, logits)
  if (rows !== targets.length) throw misfit(kernel, logits, { shape: [targets.length] })
  checkIndices(kernel, targets, columns, ignoredTarget)
  return [rows, columns]
}
