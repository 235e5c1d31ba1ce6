import type { BackendMemory, Shape, Tensor } from '../backend.ts'
import { BackendError } from '../errors.ts'
import { sizeOf } from '../shape-checks.ts'

/** Counts the bytes of tensors that have a shape and no values. */
export class ShapeMemory {
  readonly #tensors = new Set<Tensor>()
  readonly #alignment: number
  #bytes = 0
  #peakBytes = 0

  /** @param alignment - of tensors, in bytes */
  constructor(alignment: number) {
    this.#alignment = alignment
  }

  make(shape: Shape): Tensor {
    const tensor: Tensor = { shape: [...shape] }
    this.#tensors.add(tensor)
    this.#bytes += this.#bytesOf(sizeOf(shape))
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes)
    return tensor
  }

  /** What a kernel holds besides inputs and outputs, once the outputs are there. @param sizes - in elements */
  scratch(...sizes: readonly number[]): void {
    const bytes = sizes.reduce((sum, size) => sum + this.#bytesOf(size), 0)
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes + bytes)
  }

  /** @throws BackendError FREED */
  free(tensor: Tensor): void {
    if (!this.#tensors.delete(tensor))
      throw new BackendError(
        'FREED',
        { kernel: 'free' },
        'a tensor was freed before, or is of another backend'
      )
    this.#bytes -= this.#bytesOf(sizeOf(tensor.shape))
  }

  memory(): BackendMemory {
    return { tensors: this.#tensors.size, bytes: this.#bytes, peakBytes: this.#peakBytes }
  }

  #bytesOf(elements: number): number {
    if (elements === 0) return 0
    return Math.ceil((4 * elements) / this.#alignment) * this.#alignment
  }
}
