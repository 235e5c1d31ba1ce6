import type { Backend } from '../backend.ts'
import { BackendError } from '../errors.ts'
import * as check from '../shape-checks.ts'
import { attentionKernels } from './attention.ts'
import { KernelDevice } from './device.ts'
import { gateKernels } from './gates.ts'
import { Heap } from './heap.ts'
import { scratchBytes } from './kernel-control.ts'
import { compileKernels, instantiateKernels, type KernelFiles, memoryPages } from './kernel-module.ts'
import type { SpawnKernelThread } from './kernel-thread.ts'
import { linearKernels } from './linear.ts'
import { lossKernels } from './loss.ts'
import { normKernels } from './norms.ts'
import { rowKernels } from './rows.ts'
import { ThreadTeam } from './thread-team.ts'
import { type WasmMemory, webAssembly } from './web-assembly.ts'

export interface WasmBackendOptions {
  readonly kernels: KernelFiles
  /** The calling thread is one of them; 1 by default, for which nothing is spawned and no memory is shared. */
  readonly threads?: number
  /** Of everything: tensors, and a megabyte for each thread; at most, and by default, 4 GB, which is taken as needed. */
  readonly memoryMaxBytes?: number
  /** Starts a thread that runs `serveKernels`; needed for more than one. */
  readonly spawn?: SpawnKernelThread
}

const pageBytes = 65536

/**
 * Our own kernels in WebAssembly SIMD. They block the calling thread until they are done; in a browser, whose main
 * thread must not wait for others, this belongs into a worker.
 * @throws BackendError UNAVAILABLE, OUT_OF_MEMORY, THREAD_FAILED
 */
export async function openWasmBackend(options: WasmBackendOptions): Promise<Backend> {
  const { kernels: files, threads = 1, spawn, memoryMaxBytes = Number.POSITIVE_INFINITY } = options
  if (!Number.isInteger(threads) || threads < 1)
    throw new RangeError(`${threads} threads: 1 or more expected`)
  const { module, isRelaxed } = await compileKernels(files, threads > 1)
  const maxBytes = Math.min(memoryMaxBytes, memoryPages.max * pageBytes)
  const memory = makeMemory(maxBytes, threads)
  const heap = new Heap(memory, maxBytes)
  const scratches = Array.from({ length: threads }, () => heap.allocate(scratchBytes).at)
  const kernels = instantiateKernels(module, memory)
  kernels.setScratch(scratches[0]!)
  const starts = scratches.slice(1).map(scratch => ({ module, memory, scratch }))
  const team = starts.length > 0 ? await ThreadTeam.start(starts, spawn ?? noSpawn) : null
  const device = new KernelDevice({ memory, heap, kernels, team, threads })
  return {
    name: 'wasm',
    description: `WebAssembly SIMD${isRelaxed ? ' with fused multiply-add' : ''}, ${threads} thread${threads > 1 ? 's' : ''}`,
    threads,
    upload(values, shape) {
      if (values.length !== check.sizeOf(shape))
        throw check.misfit('upload', { shape: [values.length] }, { shape })
      const tensor = device.make(shape)
      device.values('upload', tensor).set(values)
      return tensor
    },
    zeros(shape) {
      const tensor = device.make(shape)
      device.values('zeros', tensor).fill(0)
      return tensor
    },
    // What is waited for is already there: kernels are done when they return.
    download: async tensor => new Float32Array(device.values('download', tensor)),
    free: tensor => device.free(tensor),
    memory: () => device.memory(),
    close: () => device.close(),
    ...linearKernels(device),
    ...rowKernels(device),
    ...normKernels(device),
    ...gateKernels(device),
    ...attentionKernels(device),
    ...lossKernels(device)
  }
}

function makeMemory(maxBytes: number, threads: number): WasmMemory {
  try {
    const maximum = Math.max(memoryPages.min, Math.floor(maxBytes / pageBytes))
    return new webAssembly!.Memory({ initial: memoryPages.min, maximum, shared: threads > 1 })
  } catch (error) {
    const message = `the backend wasm cannot be opened: no address space for a memory of up to ${maxBytes} bytes: lower its memory limit`
    throw new BackendError('OUT_OF_MEMORY', { askedBytes: maxBytes, heldBytes: 0 }, message, { cause: error })
  }
}

function noSpawn(): never {
  throw new RangeError('more than one thread needs `spawn`')
}
