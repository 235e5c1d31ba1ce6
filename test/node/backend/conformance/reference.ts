// The kernels as naive loops in float64: slow, and simple enough to be seen to be right.

import type { Activation } from '../../../../node/backend/backend.ts'
import { type Exact, exactZeros, map } from './exact.ts'

export function matmul(a: Exact, b: Exact, transposeA = false, transposeB = false, scale = 1): Exact {
  const [rowsA, columnsA] = a.shape as [number, number]
  const [rowsB, columnsB] = b.shape as [number, number]
  const [m, inner] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA]
  const n = transposeB ? rowsB : columnsB
  const product = exactZeros([m, n])
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let k = 0; k < inner; k++) {
        const left = transposeA ? a.values[k * columnsA + i]! : a.values[i * columnsA + k]!
        const right = transposeB ? b.values[j * columnsB + k]! : b.values[k * columnsB + j]!
        sum += left * right
      }
      product.values[i * n + j] = scale * sum
    }
  }
  return product
}

export function sumOf(a: Exact, b: Exact, scale = 1): Exact {
  return map(a, (value, i) => value + scale * b.values[i]!)
}

export function columnSums(x: Exact): Exact {
  const columns = x.shape[1]!
  const sums = exactZeros([columns])
  for (const [i, value] of x.values.entries()) sums.values[i % columns]! += value
  return sums
}

export function addBias(x: Exact, bias: Exact): Exact {
  return map(x, (value, i) => value + bias.values[i % x.shape[1]!]!)
}

/** A row of a matrix; a view. */
export function rowOf(x: Exact, row: number): Float64Array {
  const columns = x.shape[1]!
  return x.values.subarray(row * columns, (row + 1) * columns)
}

export function gather(table: Exact, indices: ArrayLike<number>): Exact {
  const columns = table.shape[1]!
  const rows = exactZeros([indices.length, columns])
  for (let i = 0; i < indices.length; i++) rows.values.set(rowOf(table, indices[i]!), i * columns)
  return rows
}

export function gatherGradient(dy: Exact, indices: ArrayLike<number>, rows: number): Exact {
  const columns = dy.shape[1]!
  const sums = exactZeros([rows, columns])
  for (let i = 0; i < indices.length; i++) {
    for (let j = 0; j < columns; j++) sums.values[indices[i]! * columns + j]! += dy.values[i * columns + j]!
  }
  return sums
}

/** Columns [from, from + width). */
export function columnsOf(x: Exact, from: number, width: number): Exact {
  const [rows, columns] = x.shape as [number, number]
  const cut = exactZeros([rows, width])
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width; j++) cut.values[i * width + j] = x.values[i * columns + from + j]!
  }
  return cut
}

export function rmsNorm(x: Exact, gain: Exact, epsilon: number): { y: Exact; inverse: Exact } {
  const [rows, columns] = x.shape as [number, number]
  const inverse = exactZeros([rows])
  for (let i = 0; i < rows; i++) {
    const squares = rowOf(x, i).reduce((sum, value) => sum + value * value, 0)
    inverse.values[i] = 1 / Math.sqrt(squares / columns + epsilon)
  }
  const y = map(x, (value, i) => {
    const row = Math.floor(i / columns)
    return value * inverse.values[row]! * gain.values[i - row * columns]!
  })
  return { y, inverse }
}

export function layerNorm(
  x: Exact,
  gain: Exact,
  bias: Exact,
  epsilon: number
): { y: Exact; mean: Exact; inverse: Exact } {
  const [rows, columns] = x.shape as [number, number]
  const mean = exactZeros([rows])
  for (let i = 0; i < rows; i++) {
    mean.values[i] = rowOf(x, i).reduce((sum, value) => sum + value, 0) / columns
  }
  const centred = map(x, (value, i) => value - mean.values[Math.floor(i / columns)]!)
  const { y, inverse } = rmsNorm(centred, gain, epsilon)
  return { y: addBias(y, bias), mean, inverse }
}

/** The error function by its Maclaurin series, and by its continued fraction where that would cancel; about 1e-14. */
export function erf(x: number): number {
  const z = Math.abs(x)
  if (z > 3) {
    let fraction = 0
    for (let k = 60; k > 0; k--) fraction = k / 2 / (z + fraction)
    return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction))
  }
  let term = x
  let sum = x
  for (let k = 1; Math.abs(term) > 1e-18 && k < 200; k++) {
    term *= (-x * x) / k
    sum += term / (2 * k + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

export function activation(kind: Activation, x: number): number {
  switch (kind) {
    case 'silu':
      return x / (1 + Math.exp(-x))
    case 'gelu':
      return 0.5 * x * (1 + erf(x / Math.SQRT2))
    case 'gelu-tanh':
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    case 'relu':
      return Math.max(x, 0)
  }
}

export function activate(kind: Activation, x: Exact): Exact {
  return map(x, value => activation(kind, value))
}

export function gate(kind: Activation, gate: Exact, up: Exact): Exact {
  return map(gate, (value, i) => activation(kind, value) * up.values[i]!)
}

export function softmax(row: Float64Array): Float64Array {
  const most = Math.max(...row)
  const powers = row.map(value => Math.exp(value - most))
  const total = powers.reduce((sum, value) => sum + value, 0)
  return powers.map(value => value / total)
}

/** Nats of each target; 0 where it is -1. */
export function crossEntropy(logits: Exact, targets: ArrayLike<number>): Exact {
  const rows = logits.shape[0]!
  const nats = exactZeros([rows])
  for (let i = 0; i < rows; i++) {
    if (targets[i] === -1) continue
    const row = rowOf(logits, i)
    const most = row.reduce((a, b) => Math.max(a, b))
    const total = row.reduce((sum, value) => sum + Math.exp(value - most), 0)
    nats.values[i] = Math.log(total) + (most - row[targets[i]!]!)
  }
  return nats
}

/** (softmax - one hot) scale; 0 in ignored rows. */
export function crossEntropyGradient(logits: Exact, targets: ArrayLike<number>, scale: number): Exact {
  const [rows, columns] = logits.shape as [number, number]
  const gradient = exactZeros(logits.shape)
  for (let i = 0; i < rows; i++) {
    if (targets[i] === -1) continue
    const row = softmax(rowOf(logits, i))
    row[targets[i]!]! -= 1
    gradient.values.set(
      row.map(value => value * scale),
      i * columns
    )
  }
  return gradient
}
