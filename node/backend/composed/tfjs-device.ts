import type * as tfjs from '@tensorflow/tfjs-core'
import type { BackendMemory, Shape, Tensor } from '../backend.ts'
import { BackendError } from '../errors.ts'
import { TensorStore } from './tensor-store.ts'

/**
 * TensorFlow.js as an instance: tfjs-node brings its own copy of tfjs-core, and an operation only knows the backends and
 * tensors of its own copy.
 */
export type Tfjs = Omit<typeof tfjs, 'default'>

const maxScalars = 100

/** What a kernel sees while it runs. tfjs tensors that it neither outputs nor replaces with are freed at its end. */
export class KernelRun {
  readonly #kernel: string
  readonly #device: TfjsDevice

  constructor(kernel: string, device: TfjsDevice) {
    this.#kernel = kernel
    this.#device = device
  }

  /** @throws BackendError FREED */
  input(tensor: Tensor): tfjs.Tensor {
    return this.#device.store.get(this.#kernel, tensor)
  }

  matrix(tensor: Tensor): tfjs.Tensor2D {
    return this.input(tensor) as tfjs.Tensor2D
  }

  vector(tensor: Tensor): tfjs.Tensor1D {
    return this.input(tensor) as tfjs.Tensor1D
  }

  /** The same values in another shape. */
  shaped(tensor: Tensor, shape: Shape): tfjs.Tensor {
    return this.#device.store.getAs(this.#kernel, tensor, shape)
  }

  /** A vector [rows] as [rows, 1]. */
  column(tensor: Tensor): tfjs.Tensor2D {
    return this.shaped(tensor, [tensor.shape[0]!, 1]) as tfjs.Tensor2D
  }

  /** Something worked out of a tensor's values alone, kept until they change. */
  derived(tensor: Tensor, key: string, make: (values: tfjs.Tensor) => tfjs.Tensor): tfjs.Tensor {
    const { store, tf } = this.#device
    return store.derive(this.#kernel, tensor, key, () => tf.keep(make(this.input(tensor))))
  }

  /** @param shape - of the result, if `values` is shaped otherwise: reshaping costs as much as a small operation */
  output(values: tfjs.Tensor, shape: Shape = values.shape): Tensor {
    return this.#device.store.add(this.#device.tf.keep(values), shape)
  }

  /** [rows, 1] becomes a vector [rows]. */
  outputColumn(values: tfjs.Tensor): Tensor {
    return this.output(values, [values.shape[0]!])
  }

  /** In-place kernels end with it. @param values - of the tensor's size, in any shape */
  replace(tensor: Tensor, values: tfjs.Tensor): void {
    this.#device.notePeak()
    this.#device.store.replace(this.#kernel, tensor, this.#device.tf.keep(values))
  }
}

/** One backend of TensorFlow.js, the tensors on it, and how kernels run there. */
export class TfjsDevice {
  readonly tf: Tfjs
  readonly store: TensorStore
  readonly #tfjsBackend: string
  readonly #fault: () => Error | null
  /** Bytes of the engine, and of the store, when the current kernel began. */
  #bytesBefore = { engine: 0, store: 0 }
  readonly #scalars = new Map<number, tfjs.Scalar>()
  #isClosed = false

  /**
   * @param tfjsBackend - its name in tfjs; started already
   * @param fault - what went wrong on a device that only tells afterwards
   */
  constructor(tf: Tfjs, tfjsBackend: string, fault: () => Error | null = () => null) {
    this.tf = tf
    this.#fault = fault
    this.store = new TensorStore(tf.reshape)
    this.#tfjsBackend = tfjsBackend
  }

  /** @throws BackendError CLOSED, OUT_OF_MEMORY, and what `kernel` throws */
  run<R>(name: string, kernel: (run: KernelRun) => R): R {
    this.#select(name)
    const { tf } = this
    let result: R
    this.#bytesBefore = { engine: tf.memory().numBytes, store: this.store.memory().bytes }
    try {
      tf.tidy(() => {
        result = kernel(new KernelRun(name, this))
        this.notePeak()
      })
    } catch (error) {
      throw isOutOfMemory(error) ? this.#outOfMemory(name, error) : error
    }
    return result!
  }

  /** A number as a tensor, which is not made anew each time: that would double the time of a small operation. */
  scalar(value: number): tfjs.Scalar {
    const known = this.#scalars.get(value)
    if (known !== undefined) return known
    // Most are constants of a model. Should there be others, such as a learning rate of each step, they must not pile up.
    if (this.#scalars.size >= maxScalars) this.#freeScalars()
    const made = this.tf.keep(this.tf.scalar(value))
    this.#scalars.set(value, made)
    return made
  }

  /** Takes what a running kernel holds at the moment into the peak. */
  notePeak(): void {
    const { engine, store } = this.#bytesBefore
    this.store.notePeak(store + this.tf.memory().numBytes - engine)
  }

  async download(tensor: Tensor): Promise<Float32Array> {
    this.#select('download')
    const values = await this.store.get('download', tensor).data<'float32'>()
    const fault = this.#fault()
    if (fault !== null) throw isOutOfMemory(fault) ? this.#outOfMemory('download', fault) : fault
    // Copied: on the CPU these are the tensor's own values.
    return values.slice()
  }

  free(tensor: Tensor): void {
    this.#select('free')
    this.store.free(tensor)
  }

  memory(): BackendMemory {
    return this.store.memory()
  }

  /** @returns false if it was closed before */
  close(): boolean {
    if (this.#isClosed) return false
    this.#select('close')
    this.store.freeAll()
    this.#freeScalars()
    this.#isClosed = true
    return true
  }

  #select(kernel: string): void {
    if (this.#isClosed)
      throw new BackendError('CLOSED', {}, `${kernel} was called on a backend that was closed`)
    // tfjs has one current backend per instance. Selecting one that was started before takes effect at once.
    if (this.tf.getBackend() !== this.#tfjsBackend) void this.tf.setBackend(this.#tfjsBackend)
  }

  #freeScalars(): void {
    for (const scalar of this.#scalars.values()) scalar.dispose()
    this.#scalars.clear()
  }

  #outOfMemory(kernel: string, cause: unknown): BackendError {
    const { bytes } = this.memory()
    const held = `${(bytes / 2 ** 20).toFixed(0)} MiB`
    const message = `${kernel} ran out of memory with ${held} held: use a smaller batch, shorter sequences or checkpointing`
    return new BackendError('OUT_OF_MEMORY', { kernel, heldBytes: bytes }, message, { cause })
  }
}

/** How TensorFlow, V8 and WebGPU word it. */
function isOutOfMemory(error: unknown): boolean {
  return (
    error instanceof Error &&
    /\bOOM\b|RESOURCE_EXHAUSTED|out of memory|Array buffer allocation failed|Invalid typed array length/i.test(
      error.message
    )
  )
}
