import type * as tfjs from '@tensorflow/tfjs-core'
import type { BackendMemory, Shape, Tensor } from '../backend.ts'
import { BackendError } from '../errors.ts'
import { isSameShape, sizeOf } from '../shape-checks.ts'

/** A tensor of the composed backend. Kernels that work in place put other values into it. */
class Handle implements Tensor {
  readonly shape: Shape
  /** Of the size that `shape` says, though it may be shaped otherwise. */
  values: tfjs.Tensor
  /** What kernels worked out of the values, to use it again. */
  readonly derived = new Map<string, tfjs.Tensor>()

  constructor(values: tfjs.Tensor, shape: Shape) {
    this.values = values
    this.shape = shape
  }

  dispose(): void {
    this.values.dispose()
    for (const tensor of this.derived.values()) tensor.dispose()
    this.derived.clear()
  }
}

/** The tensors of one backend that are not freed yet. */
export class TensorStore {
  readonly #reshape: typeof tfjs.reshape
  readonly #handles = new Set<Handle>()
  #bytes = 0
  #peakBytes = 0

  constructor(reshape: typeof tfjs.reshape) {
    this.#reshape = reshape
  }

  memory(): BackendMemory {
    return { tensors: this.#handles.size, bytes: this.#bytes, peakBytes: this.#peakBytes }
  }

  add(values: tfjs.Tensor, shape: Shape): Tensor {
    const handle = new Handle(values, [...shape])
    this.#handles.add(handle)
    this.#bytes += 4 * sizeOf(shape)
    this.notePeak(this.#bytes)
    return handle
  }

  notePeak(bytes: number): void {
    this.#peakBytes = Math.max(this.#peakBytes, bytes)
  }

  /** @throws BackendError FREED */
  get(kernel: string, tensor: Tensor): tfjs.Tensor {
    return this.getAs(kernel, tensor, tensor.shape)
  }

  /** As `get`, shaped as asked; a reshaped one belongs to the enclosing tidy. */
  getAs(kernel: string, tensor: Tensor, shape: Shape): tfjs.Tensor {
    const { values } = this.#handle(kernel, tensor)
    return isSameShape(values.shape, shape) ? values : this.#reshape(values, [...shape])
  }

  /** What `make` gives for the tensor's values, made once; `make` must keep it from an enclosing tidy. */
  derive(kernel: string, tensor: Tensor, key: string, make: () => tfjs.Tensor): tfjs.Tensor {
    const { derived } = this.#handle(kernel, tensor)
    const made = derived.get(key) ?? make()
    derived.set(key, made)
    return made
  }

  replace(kernel: string, tensor: Tensor, values: tfjs.Tensor): void {
    const handle = this.#handle(kernel, tensor)
    handle.dispose()
    handle.values = values
  }

  free(tensor: Tensor): void {
    const handle = this.#handle('free', tensor)
    handle.dispose()
    this.#handles.delete(handle)
    this.#bytes -= 4 * sizeOf(handle.shape)
  }

  freeAll(): void {
    for (const handle of [...this.#handles]) this.free(handle)
  }

  #handle(kernel: string, tensor: Tensor): Handle {
    if (this.#handles.has(tensor as Handle)) return tensor as Handle
    const shape = `[${tensor.shape.join(', ')}]`
    const message = `${kernel} was given a tensor ${shape} that was freed before or belongs to another backend`
    throw new BackendError('FREED', { kernel }, message)
  }
}
