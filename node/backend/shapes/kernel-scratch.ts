import type { Activation, AttentionShape, Past } from '../backend.ts'

/**
 * What the kernels of one kind of backend hold besides inputs and outputs while they run, in elements of each piece.
 * Counted from their sources, and held against what they report (test/node/train/memory-estimate.test.ts).
 */
export interface KernelScratch {
  /** Of tensors, in bytes. */
  readonly alignment: number
  /** @param n - elements of the product @param isOnto - whether it is added to a tensor @param isScaled - by a factor */
  matmul(n: number, isOnto: boolean, isScaled: boolean): number[]
  /** In place, on n elements. */
  addBias(n: number): number[]
  accumulate(n: number, isScaled: boolean): number[]
  gather(rows: number): number[]
  /** @param columns - of each row */
  gatherGradient(rows: number, columns: number): number[]
  /** Of n elements in rows, one gain each or several. */
  rmsNorm(n: number, rows: number): number[]
  rmsNormGradient(n: number, rows: number): number[]
  layerNorm(n: number, rows: number): number[]
  layerNormGradient(n: number, rows: number): number[]
  normGainGradient(n: number): number[]
  activate(kind: Activation, n: number): number[]
  activateGradient(kind: Activation, n: number): number[]
  gate(kind: Activation, n: number): number[]
  gateGradient(kind: Activation, n: number): number[]
  rotate(n: number): number[]
  attention(sizes: AttentionSizes): number[]
  attentionGradient(sizes: AttentionSizes): number[]
  /** What `attention` keeps for its gradient. */
  attentionSaved(sizes: AttentionSizes): number[]
  crossEntropy(rows: number, columns: number, hasGradient: boolean): number[]
}

export interface AttentionSizes {
  readonly shape: AttentionShape
  readonly past: Past | undefined
  /** Elements of queries, of keys, of keys with those of a past, and of scores. */
  readonly queries: number
  readonly keys: number
  readonly allKeys: number
  readonly scores: number
}

export function attentionSizes(shape: AttentionShape, past: Past | undefined): AttentionSizes {
  const { batch, time, headCount, keyValueHeadCount, headSize } = shape
  const length = past?.length ?? 0
  return {
    shape,
    past,
    queries: batch * time * headCount * headSize,
    keys: batch * time * keyValueHeadCount * headSize,
    allKeys: batch * (length + time) * keyValueHeadCount * headSize,
    scores: batch * headCount * time * (length + time)
  }
}

const none = (): number[] => []

/** Our own kernels: results are written where they belong (node/backend/wasm). */
export const fusedScratch: KernelScratch = {
  alignment: 64,
  matmul: none,
  addBias: none,
  accumulate: none,
  gather: rows => [rows],
  gatherGradient: rows => [rows],
  rmsNorm: none,
  rmsNormGradient: none,
  layerNorm: none,
  layerNormGradient: none,
  normGainGradient: none,
  activate: none,
  activateGradient: none,
  gate: none,
  gateGradient: none,
  rotate: none,
  attention: none,
  // Heads that share keys, and sequences that share a past, write gradients of their own first.
  attentionGradient({ shape, past, queries }) {
    const { batch, headCount, keyValueHeadCount, headSize } = shape
    const group = headCount / keyValueHeadCount
    const own = group > 1 ? queries : 0
    const ofPast = past?.shared && batch * group > 1 ? batch * past.length * headCount * headSize : 0
    return [own, own, ofPast, ofPast]
  },
  attentionSaved: ({ shape }) => [shape.batch * shape.headCount * shape.time],
  crossEntropy: rows => [rows]
}

/** Results of the operations that an activation, and with its slope, is composed of; the last is what is used. */
const activationSteps: Readonly<Record<Activation, { readonly value: number; readonly slope: number }>> = {
  silu: { value: 2, slope: 5 },
  gelu: { value: 5, slope: 11 },
  'gelu-tanh': { value: 8, slope: 16 },
  relu: { value: 1, slope: 2 }
}

const times = (count: number, n: number): number[] => Array<number>(count).fill(n)

/**
 * Compositions of TensorFlow.js operations, whose results all live until the kernel is done (node/backend/composed). It
 * counts a tensor that is only shaped anew as if its values were its own.
 */
export const composedScratch: KernelScratch = {
  alignment: 4,
  matmul: (n, isOnto, isScaled) => times((isOnto ? 2 : 0) + (isScaled ? 1 : 0), n),
  addBias: n => [n],
  accumulate: (n, isScaled) => times(isScaled ? 2 : 1, n),
  gather: rows => [rows],
  // Rows are added up by a product with a matrix that says which belong together.
  gatherGradient: (rows, columns) => [rows * rows, rows * columns],
  rmsNorm: (n, rows) => [...times(2, n), ...times(3, rows)],
  rmsNormGradient: (n, rows) => [...times(4, n), ...times(3, rows)],
  layerNorm: (n, rows) => [...times(4, n), ...times(4, rows)],
  layerNormGradient: (n, rows) => [...times(7, n), ...times(2, rows)],
  normGainGradient: n => times(2, n),
  activate: (kind, n) => times(activationSteps[kind].value - 1, n),
  activateGradient: (kind, n) => times(activationSteps[kind].slope, n),
  gate: (kind, n) => times(activationSteps[kind].value, n),
  gateGradient: (kind, n) => times(activationSteps[kind].slope + 1, n),
  rotate: n => times(6, n),
  attention: ({ scores, queries, allKeys }) => [
    ...times(2, scores),
    ...times(4, queries),
    ...times(5, allKeys)
  ],
  attentionGradient: ({ scores, queries, allKeys }) => [
    ...times(3, scores),
    ...times(7, queries),
    ...times(7, allKeys)
  ],
  attentionSaved: ({ scores, queries, allKeys }) => [scores, queries, allKeys, allKeys, queries],
  crossEntropy: (rows, columns, hasGradient) => times(hasGradient ? 4 : 2, rows * columns)
}
