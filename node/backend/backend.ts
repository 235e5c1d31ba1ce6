/**
 * What computes: float32 tensors on one device and the kernels that a transformer's forward and backward passes are made
 * of. Nothing here records gradients: node/backend/tape.ts does, once for every backend.
 *
 * All matrices are row-major [rows, columns]. Activations are [tokens, width], tokens = batch * time, row b * time + t.
 * Kernels return new tensors, which the caller owns and frees, unless they say that they work in place.
 * Tensors that are freed or of another backend, and shapes that do not fit, are refused: BackendError FREED, BAD_SHAPE.
 */

/** Fastest first, as `auto` tries them. */
export const backendNames = ['cuda', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const

export type BackendName = (typeof backendNames)[number]

/** [rows, columns], or [length] of a vector. */
export type Shape = readonly number[]

/** Float32 values on a backend: a handle, of use only to the backend that made it. */
export interface Tensor {
  readonly shape: Shape
}

export interface MatmulOptions {
  readonly transposeA?: boolean
  readonly transposeB?: boolean
  /** The product is multiplied by it; 1 by default. */
  readonly scale?: number
  /** The product is added to this tensor in place, and it is what is returned. */
  readonly onto?: Tensor
}

/** Element-wise functions; `gelu` by the error function, `gelu-tanh` by its tanh approximation (GPT-2's `gelu_new`). */
export type Activation = 'silu' | 'gelu' | 'gelu-tanh' | 'relu'

/** Cosines and sines by position: [time, rotated / 2] each, row t for the t-th position of every sequence. */
export interface RotaryTables {
  readonly cos: Tensor
  readonly sin: Tensor
}

/** Heads in a block of activations [batch * time, headCount * headSize]. */
export interface HeadShape {
  readonly batch: number
  readonly time: number
  readonly headCount: number
  /** Even where heads are rotated. */
  readonly headSize: number
}

export interface AttentionShape extends HeadShape {
  /** Heads of keys and values; headCount / keyValueHeadCount neighbouring query heads share one. */
  readonly keyValueHeadCount: number
  /** Scores are multiplied by it before the softmax. */
  readonly scale: number
  /**
   * A position sees itself and the window - 1 positions before it, those of a past included, whose last one lies right
   * before the first; null sees all before it.
   */
  readonly window: number | null
}

/** Keys and values before the first position of each sequence: a cache, or a learned prefix. */
export interface Past {
  /** [length, keyValueHeadCount * headSize] if shared by the batch, else [batch * length, …]. */
  readonly keys: Tensor
  readonly values: Tensor
  readonly length: number
  readonly shared: boolean
}

export interface BackendMemory {
  /** Tensors not freed yet. */
  readonly tensors: number
  /** Bytes that they hold. */
  readonly bytes: number
  /** The most that were held at once. */
  readonly peakBytes: number
}

export interface Backend {
  readonly name: BackendName
  /** For a person: library, version, device, instruction set. */
  readonly description: string
  /** Threads that its kernels use; what a GPU does counts as 1. */
  readonly threads: number

  /** Copies values in. @throws BackendError OUT_OF_MEMORY, as every kernel may */
  upload(values: Float32Array, shape: Shape): Tensor
  zeros(shape: Shape): Tensor
  /** Copies values out. */
  download(tensor: Tensor): Promise<Float32Array>
  /** A tensor is freed once; using it afterwards is an error that is thrown. */
  free(tensor: Tensor): void
  memory(): BackendMemory
  /** Frees everything and ends the threads. */
  close(): Promise<void>

  /** scale op(a) op(b): [m, k] x [k, n] -> [m, n], op transposing where asked. */
  matmul(a: Tensor, b: Tensor, options?: MatmulOptions): Tensor
  /** x[i, :] += bias, in place. @param bias - [columns] */
  addBias(x: Tensor, bias: Tensor): void
  /** [rows, columns] -> [columns]. */
  columnSums(x: Tensor): Tensor
  /** a + b of one shape. */
  add(a: Tensor, b: Tensor): Tensor
  /** a * b of one shape, element by element. */
  multiply(a: Tensor, b: Tensor): Tensor
  /** target += scale x of one shape, in place; scale is 1 by default. */
  accumulate(target: Tensor, x: Tensor, scale?: number): void

  /** Rows of a table: [rows, columns], n indices -> [n, columns]. @throws RangeError for an index outside */
  gather(table: Tensor, indices: Int32Array): Tensor
  /** The gradient of `gather` to its table, [rows, columns]: rows of dy [n, columns] added up by index. @throws RangeError likewise */
  gatherGradient(dy: Tensor, indices: Int32Array, rows: number): Tensor
  /** [rows, sum of widths] -> one [rows, width] each. */
  splitColumns(x: Tensor, widths: readonly number[]): Tensor[]
  /** The inverse of `splitColumns`. */
  joinColumns(parts: readonly Tensor[]): Tensor
  /** One under the other: [rows of each, columns] -> [sum of rows, columns]. */
  joinRows(parts: readonly Tensor[]): Tensor

  /**
   * x / sqrt(mean(x²) + epsilon) gain, by rows. Zhang and Sennrich 2019, arXiv:1910.07467. A gain shorter than a row
   * norms each run of that length by itself (the heads of queries and keys): rows of x count as several, here and below.
   * @returns inverse - [rows], 1 / sqrt(…)
   */
  rmsNorm(x: Tensor, gain: Tensor, epsilon: number): { y: Tensor; inverse: Tensor }
  rmsNormGradient(dy: Tensor, x: Tensor, gain: Tensor, inverse: Tensor): Tensor
  /** -> [elements of x / elements of inverse] */
  rmsNormGainGradient(dy: Tensor, x: Tensor, inverse: Tensor): Tensor
  /** (x - mean) / sqrt(variance + epsilon) gain + bias, by rows. Ba et al. 2016, arXiv:1607.06450. @returns mean, inverse - [rows] */
  layerNorm(
    x: Tensor,
    gain: Tensor,
    bias: Tensor,
    epsilon: number
  ): { y: Tensor; mean: Tensor; inverse: Tensor }
  layerNormGradient(dy: Tensor, x: Tensor, gain: Tensor, mean: Tensor, inverse: Tensor): Tensor
  /** -> [columns]; the gradient of the bias is `columnSums(dy)`. */
  layerNormGainGradient(dy: Tensor, x: Tensor, mean: Tensor, inverse: Tensor): Tensor

  activate(kind: Activation, x: Tensor): Tensor
  activateGradient(kind: Activation, dy: Tensor, x: Tensor): Tensor
  /** activation(gate) * up: SwiGLU with `silu` (Shazeer 2020, arXiv:2002.05202). */
  gate(kind: Activation, gate: Tensor, up: Tensor): Tensor
  gateGradient(kind: Activation, dy: Tensor, gate: Tensor, up: Tensor): { gate: Tensor; up: Tensor }

  /**
   * Turns each head by its position, in place: pair i of a head is elements i and i + rotated / 2, as Hugging Face pairs
   * them; elements from `rotated` on stay. Su et al. 2021, arXiv:2104.09864.
   * @param direction - -1 turns back, which is the gradient
   */
  rotate(x: Tensor, shape: HeadShape, tables: RotaryTables, direction: 1 | -1): void
  /**
   * Causal softmax attention, [batch * time, headCount * headSize] like the queries.
   * @param k, v - [batch * time, keyValueHeadCount * headSize]
   * @returns saved - what the gradient needs besides the inputs; the caller frees them
   */
  attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    shape: AttentionShape,
    past?: Past
  ): { y: Tensor; saved: readonly Tensor[] }
  /** @returns past - gradients of a shared past's keys and values, null without one */
  attentionGradient(
    dy: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    y: Tensor,
    saved: readonly Tensor[],
    shape: AttentionShape,
    past?: Past
  ): { q: Tensor; k: Tensor; v: Tensor; past: { keys: Tensor; values: Tensor } | null }

  /**
   * Nats of each target, -log softmax(logits)[target]: [rows, vocabulary] -> [rows], 0 where the target is -1.
   * @param gradientScale - if not null, `logits` becomes (softmax - one hot) gradientScale in place, 0 in ignored rows
   * @throws RangeError for a target that is neither -1 nor in the vocabulary
   */
  crossEntropy(logits: Tensor, targets: Int32Array, gradientScale: number | null): Tensor
}

/** Marks a position that is not predicted. */
export const ignoredTarget = -1
