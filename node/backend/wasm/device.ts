import type { BackendMemory, Shape, Tensor } from '../backend.ts'
import { BackendError } from '../errors.ts'
import { sizeOf } from '../shape-checks.ts'
import type { Block, Heap } from './heap.ts'
import { argumentsAt, argumentsMax } from './kernel-control.ts'
import type { KernelExports } from './kernel-module.ts'
import type { ThreadTeam } from './thread-team.ts'
import type { WasmMemory } from './web-assembly.ts'

class WasmTensor implements Tensor {
  readonly shape: Shape
  readonly block: Block
  readonly owner: KernelDevice
  isFree = false

  constructor(shape: Shape, block: Block, owner: KernelDevice) {
    this.shape = shape
    this.block = block
    this.owner = owner
  }
}

export interface KernelDeviceOptions {
  readonly memory: WasmMemory
  readonly heap: Heap
  readonly kernels: KernelExports
  /** null with one thread. */
  readonly team: ThreadTeam | null
  readonly threads: number
}

/** Below so many multiplications a kernel is done before another thread could help. */
const sharedWorkMin = 60_000

/** Elements of a task that goes through tensors once: enough to hide its claim, few enough to balance. */
const taskElements = 8192

/** What goes through memory once takes about the time of so many multiplications in registers for each element. */
const elementWork = 8

/** The memory of the kernels, the tensors in it, and how a kernel is run. */
export class KernelDevice {
  readonly threads: number
  readonly #memory: WasmMemory
  readonly #heap: Heap
  readonly #kernels: KernelExports
  readonly #team: ThreadTeam | null
  readonly #tensors = new Set<WasmTensor>()
  #floats: Float32Array
  #arguments: Int32Array
  #command = 0
  #isClosed = false
  /** What was held before the tensors. */
  readonly #ownBytes: number

  constructor({ memory, heap, kernels, team, threads }: KernelDeviceOptions) {
    this.threads = threads
    this.#memory = memory
    this.#heap = heap
    this.#kernels = kernels
    this.#team = team
    this.#ownBytes = heap.heldBytes
    this.#floats = new Float32Array(memory.buffer)
    this.#arguments = new Int32Array(memory.buffer, argumentsAt, argumentsMax)
  }

  /** A new tensor whose values are whatever lay there. @throws BackendError OUT_OF_MEMORY, CLOSED */
  make(shape: Shape): Tensor {
    this.#checkOpen()
    const tensor = new WasmTensor([...shape], this.#heap.allocate(4 * sizeOf(shape)), this)
    this.#tensors.add(tensor)
    return tensor
  }

  /** Where a tensor's values lie: a byte of the memory. @throws BackendError FREED, CLOSED */
  at(kernel: string, tensor: Tensor): number {
    return this.#own(kernel, tensor).block.at
  }

  free(tensor: Tensor): void {
    const own = this.#own('free', tensor)
    own.isFree = true
    this.#tensors.delete(own)
    this.#heap.free(own.block)
  }

  /** A view of a tensor's values, until the next allocation. */
  values(kernel: string, tensor: Tensor): Float32Array {
    const start = this.at(kernel, tensor) / 4
    return this.#view().subarray(start, start + sizeOf(tensor.shape))
  }

  /** As `make`: all or none. */
  makeAll(shapes: readonly Shape[]): Tensor[] {
    const tensors: Tensor[] = []
    try {
      for (const shape of shapes) tensors.push(this.make(shape))
    } catch (error) {
      for (const tensor of tensors) this.free(tensor)
      throw error
    }
    return tensors
  }

  /** Memory for so many floats each, for the time of `use` only, which gets the addresses: 0 for none. */
  borrowing<R>(lengths: readonly number[], use: (at: readonly number[]) => R): R {
    const blocks: Block[] = []
    try {
      const at = lengths.map(length => {
        if (length === 0) return 0
        blocks.push(this.#heap.allocate(4 * length))
        return blocks.at(-1)!.at
      })
      return use(at)
    } finally {
      for (const block of blocks) this.#heap.free(block)
    }
  }

  /** Indices where kernels can read them, for the time of `use`. */
  withIndices<R>(indices: Int32Array, use: (at: number) => R): R {
    return this.borrowing([Math.max(1, indices.length)], ([at]) => {
      new Int32Array(this.#memory.buffer, at, indices.length).set(indices)
      return use(at!)
    })
  }

  /**
   * Runs a kernel's tasks, on all threads if there is enough work.
   * @param work - multiplications in all, or what takes as long
   * @param words - its arguments; numbers that are not integers go through `wordOf`
   */
  run(kernel: number, taskCount: number, work: number, ...words: readonly number[]): void {
    this.#checkOpen()
    this.#view()
    this.#arguments.set(words)
    if (this.#team === null || taskCount === 1 || work < sharedWorkMin) {
      this.#kernels.runHere(kernel, taskCount)
      return
    }
    this.#command = (this.#command % 0x3fffffff) + 1
    this.#team.check()
    this.#kernels.runShared(this.#command, kernel, taskCount)
    this.#team.check()
  }

  /** Runs a kernel that goes through rows once. @param words - but for the last, the rows of a task */
  runRows(kernel: number, rows: number, columns: number, ...words: readonly number[]): void {
    const share = Math.max(1, Math.floor(taskElements / columns))
    this.run(kernel, Math.ceil(rows / share), elementWork * rows * columns, ...words, share)
  }

  /** Runs a kernel that goes through elements one by one. @param words - elements, and bytes of a task, come after the first three */
  runElements(
    kernel: number,
    elements: number,
    a: number,
    b: number,
    c: number,
    ...words: readonly number[]
  ): void {
    const tasks = Math.ceil(elements / taskElements)
    this.run(kernel, tasks, elementWork * elements, a, b, c, elements, 4 * taskElements, ...words)
  }

  /** Runs a kernel that adds up columns of [rows, columns]. @param words - these and the columns of a task come after the first two */
  runColumns(
    kernel: number,
    rows: number,
    columns: number,
    to: number,
    from: number,
    ...words: readonly number[]
  ): void {
    const share = 4 * Math.max(1, Math.floor(taskElements / 4 / Math.max(1, rows)))
    this.run(
      kernel,
      Math.ceil(columns / share),
      elementWork * rows * columns,
      to,
      from,
      rows,
      columns,
      share,
      ...words
    )
  }

  memory(): BackendMemory {
    return {
      tensors: this.#tensors.size,
      bytes: this.#heap.heldBytes - this.#ownBytes,
      peakBytes: this.#heap.peakBytes - this.#ownBytes
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const tensor of this.#tensors) tensor.isFree = true
    this.#tensors.clear()
    await this.#team?.close()
  }

  #own(kernel: string, tensor: Tensor): WasmTensor {
    this.#checkOpen()
    if (tensor instanceof WasmTensor && tensor.owner === this && !tensor.isFree) return tensor
    const shape = `[${tensor.shape.join(', ')}]`
    const message = `${kernel} was given a tensor ${shape} that was freed before or belongs to another backend`
    throw new BackendError('FREED', { kernel }, message)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new BackendError('CLOSED', {}, 'the backend wasm was closed: open another one')
  }

  /** Growth of the memory detaches views of it, or leaves them short. */
  #view(): Float32Array {
    const { buffer } = this.#memory
    if (this.#floats.buffer !== buffer) {
      this.#floats = new Float32Array(buffer)
      this.#arguments = new Int32Array(buffer, argumentsAt, argumentsMax)
    }
    return this.#floats
  }
}

const real = new Float32Array(1)
const realBits = new Int32Array(real.buffer)

/** A float32 as the word that a kernel reads it from. */
export function wordOf(value: number): number {
  real[0] = value
  return realBits[0]!
}
