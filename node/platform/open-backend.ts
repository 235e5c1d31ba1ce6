import { availableParallelism } from 'node:os'
import type { Backend, BackendName } from '../backend/backend.ts'
import { openComposedBackend } from '../backend/composed/composed-backend.ts'
import { openCpuBackend } from '../backend/composed/cpu-backend.ts'
import { BackendError } from '../backend/errors.ts'
import { openWasmBackend } from '../backend/wasm/wasm-backend.ts'
import { readKernelFiles } from './kernel-files.ts'
import { spawnKernelThread } from './kernel-threads.ts'
import { isTensorflowLoaded, openTensorflow } from './tensorflow.ts'
import { openWebgpu } from './webgpu.ts'

/** What a person asks for. */
export interface BackendRequest {
  /** `auto` takes the fastest that can be opened here. */
  readonly name: BackendName | 'auto'
  /** Threads of kernels, those of all trainers together; by default one per core. */
  readonly threads?: number
  /** Trainers that share the threads, each with a backend of its own; by default 1. See `isSolitary`. */
  readonly trainers?: number
  /** Width of the model that it is for (hidden size): with `auto`, TensorFlow on the CPU is for wide ones. */
  readonly modelWidth?: number
  /** Largest amount of memory for the tensors of a backend that can be held to one (`wasm`); by default what it can have. */
  readonly memoryMaxBytes?: number
}

export interface OpenedBackend {
  readonly backend: Backend
  /** With `auto`: why it is not a faster one, a line each. */
  readonly notes: readonly string[]
}

/** What one backend is opened with. */
export interface BackendLimits {
  readonly threads: number
  readonly memoryMaxBytes?: number
  /** Chosen by us, not by name: what is there but slow, such as a graphics driver in software, is to refuse. */
  readonly isAuto: boolean
}

/** @throws BackendError UNAVAILABLE, with the reason and what to do */
export type BackendOpeners = Readonly<Record<BackendName, (limits: BackendLimits) => Promise<Backend>>>

/**
 * TensorFlow's products are faster than ours, but each of its operations has a fixed cost, on one thread. Training on two
 * threads of an AMD EPYC, ours did at least 1.6 times its tokens per second at a width of 96 and 1.2 times at 256; TensorFlow
 * did 1.1 times ours at 576, 1.2 times at 960 and 1.4 times at 1536.
 */
export const tensorflowWidthMin = 512

export const wideFastestFirst: readonly BackendName[] = ['cuda', 'webgpu', 'tensorflow', 'wasm', 'cpu']
/** For models less than `tensorflowWidthMin` wide. */
export const narrowFastestFirst: readonly BackendName[] = ['cuda', 'webgpu', 'wasm', 'tensorflow', 'cpu']

/** Whether a process can have this backend only once: it then takes all threads, and its users wait their turn. */
export function isSolitary(name: BackendName): boolean {
  return name === 'cuda' || name === 'tensorflow' || name === 'webgpu'
}

/**
 * Opens a backend in this thread.
 * @param openers - those of this machine, unless a test has others
 * @throws BackendError UNAVAILABLE, with the reason and what to do, if the one asked for cannot be opened
 */
export async function openBackend(
  request: BackendRequest,
  openers: BackendOpeners = machineOpeners
): Promise<OpenedBackend> {
  const { name, threads = availableParallelism(), trainers = 1, memoryMaxBytes } = request
  const isAuto = name === 'auto'
  const open = (candidate: BackendName): Promise<Backend> => {
    const share = isSolitary(candidate) ? threads : Math.max(1, Math.floor(threads / trainers))
    return openers[candidate]({
      threads: share,
      isAuto,
      ...(memoryMaxBytes === undefined ? {} : { memoryMaxBytes })
    })
  }
  if (!isAuto) return { backend: await open(name), notes: [] }
  const { modelWidth = tensorflowWidthMin } = request
  const candidates = modelWidth < tensorflowWidthMin ? narrowFastestFirst : wideFastestFirst
  const notes: string[] = []
  for (const candidate of candidates) {
    try {
      return { backend: await open(candidate), notes }
    } catch (error) {
      if (!(error instanceof BackendError && error.code === 'UNAVAILABLE')) throw error
      notes.push(error.message)
    }
  }
  throw new BackendError('UNAVAILABLE', { backend: 'auto', reason: notes }, notes.join('\n'))
}

/** Those of this machine. */
export const machineOpeners: BackendOpeners = {
  cuda: ({ threads }) => openThroughTensorflow('cuda', threads),
  tensorflow: ({ threads }) => openThroughTensorflow('tensorflow', threads),
  webgpu: openThroughWebgpu,
  wasm: ({ threads, memoryMaxBytes }) =>
    openWasmBackend({
      kernels: readKernelFiles(),
      threads,
      spawn: spawnKernelThread,
      ...(memoryMaxBytes === undefined ? {} : { memoryMaxBytes })
    }),
  cpu: openCpuUnlessShared
}

/** TensorFlow's package registers kernels of its own for the processor, under the same global name; with them results differ. */
async function openCpuUnlessShared(): Promise<Backend> {
  if (!isTensorflowLoaded()) return openCpuBackend()
  const reason = 'TensorFlow is loaded in this process, and its kernels would take the place of these'
  throw unavailable('cpu', { reason, fix: 'choose the backend in a new process: --backend cpu' })
}

async function openThroughTensorflow(name: 'cuda' | 'tensorflow', threadsWanted: number): Promise<Backend> {
  const loaded = openTensorflow(name, { threads: threadsWanted })
  if (!loaded.isThere) throw unavailable(name, loaded)
  const { tf, description, threads } = loaded
  return openComposedBackend({ tf, tfjsBackend: 'tensorflow', name, description, threads })
}

async function openThroughWebgpu({ isAuto }: BackendLimits): Promise<Backend> {
  const name = 'webgpu'
  const loaded = await openWebgpu()
  if (!loaded.isThere) throw unavailable(name, loaded)
  const { tf, description, isSoftware, fault, close } = loaded
  if (isAuto && isSoftware) {
    close()
    const reason = `the only graphics driver here computes in software (${description}), which is slow`
    const fix = "install your card's Vulkan driver, or to take this one all the same: --backend webgpu"
    throw unavailable(name, { reason, fix })
  }
  return openComposedBackend({ tf, tfjsBackend: name, name, description, fault, onClose: close })
}

function unavailable(
  backend: BackendName,
  { reason, fix }: { readonly reason: string; readonly fix: string }
): BackendError {
  const message = `the backend ${backend} cannot be opened: ${reason}.\n  What to do: ${fix}`
  return new BackendError('UNAVAILABLE', { backend, reason, fix }, message)
}
