import { availableParallelism } from 'node:os'
import type { Backend, BackendName } from '../backend/backend.ts'
import { openComposedBackend } from '../backend/composed/composed-backend.ts'
import { openCpuBackend } from '../backend/composed/cpu-backend.ts'
import { BackendError } from '../backend/errors.ts'
import { openTensorflow } from './tensorflow.ts'

export interface BackendRequest {
  /** `auto` takes the fastest that can be opened here. */
  readonly name: BackendName | 'auto'
  /** Threads of its kernels; by default one per core. */
  readonly threads?: number
  /** Largest amount of memory for tensors; by default what the backend can have. */
  readonly memoryMaxBytes?: number
}

export interface OpenedBackend {
  readonly backend: Backend
  /** With `auto`: why it is not a faster one, a line each. */
  readonly notes: readonly string[]
}

const fastestFirst: readonly BackendName[] = ['cuda', 'tensorflow', 'wasm', 'cpu']

/**
 * Opens a backend in this thread.
 * @throws BackendError UNAVAILABLE, with the reason and what to do, if the one asked for cannot be opened
 */
export async function openBackend(request: BackendRequest): Promise<OpenedBackend> {
  const threads = request.threads ?? availableParallelism()
  if (request.name !== 'auto') return { backend: await open(request.name, threads), notes: [] }
  const notes: string[] = []
  for (const name of fastestFirst) {
    try {
      return { backend: await open(name, threads), notes }
    } catch (error) {
      if (!(error instanceof BackendError && error.code === 'UNAVAILABLE')) throw error
      notes.push(error.message)
    }
  }
  throw new BackendError('UNAVAILABLE', { backend: 'auto', reason: notes }, notes.join('\n'))
}

async function open(name: BackendName, threads: number): Promise<Backend> {
  switch (name) {
    case 'cuda':
    case 'tensorflow': {
      const loaded = openTensorflow(name, { threads })
      if (!loaded.isThere) throw unavailable(name, loaded.reason, loaded.fix)
      const { tf, description } = loaded
      return openComposedBackend({
        tf,
        tfjsBackend: 'tensorflow',
        name,
        description,
        threads: loaded.threads
      })
    }
    case 'cpu':
      return openCpuBackend()
    default:
      throw unavailable(name, 'it is not in this version', 'choose another')
  }
}

function unavailable(backend: BackendName, reason: string, fix: string): BackendError {
  return new BackendError('UNAVAILABLE', { backend, reason, fix }, `${backend}: ${reason}; ${fix}`)
}
