/** How much of a machine's memory the tensors of one trainer may take. */
import type { BackendName } from '../backend/backend.ts'
import type { MemoryBudget } from '../train/plan.ts'
import type { SystemFacts } from './system-facts.ts'

/** What the person allows; without it, most of what there is. */
export interface MemoryLimits {
  /** For the whole program. */
  readonly memoryMaxBytes?: number
  /** On the graphics card. */
  readonly gpuMemoryMaxBytes?: number
}

/** Of a machine's memory, where nothing is said: others run there too. */
const SHARE_OF_MEMORY = 0.8

/** Of a card's memory, where nothing is said: it may drive a display. */
const SHARE_OF_GPU_MEMORY = 0.9

/** Room for what an estimate does not see: allocators round up, and keep some of what is freed. */
const HEADROOM = 0.9

/** Node with libp2p, the tokenizer and the data: measured, 250 to 290 MB. */
const PROGRAM_BYTES = 270e6

/** TensorFlow's library and what it keeps: measured, 300 MB. */
const TENSORFLOW_BYTES = 300e6

/** Another isolate with the same modules. */
const THREAD_BYTES = 60e6

/** Copies of the adapter beside the backend: given, trained, gradient, two moments, best, checkpoint, result. */
const ADAPTER_COPIES = 14

/** A backend opens with this: that nothing fits is better said by the plan, which knows what would. */
const BACKEND_BYTES_MIN = 64e6

/** A WebAssembly memory has 32-bit addresses. */
const WASM_BYTES_MAX = 4 * 2 ** 30

/**
 * @param trainers - side by side, each with a model of its own
 * @param adapterLength - elements
 */
export async function memoryBudget(
  backend: BackendName,
  { memoryMaxBytes, gpuMemoryMaxBytes }: MemoryLimits,
  facts: Pick<SystemFacts, 'memoryBytes' | 'gpuMemoryBytes'>,
  trainers: number,
  adapterLength: number
): Promise<MemoryBudget> {
  const hostBytes = memoryMaxBytes ?? SHARE_OF_MEMORY * facts.memoryBytes()
  const besidesBytes = hostBytesBesides(backend, trainers, adapterLength)
  if (backend === 'cuda' || backend === 'webgpu') {
    const cardBytes = gpuMemoryMaxBytes ?? SHARE_OF_GPU_MEMORY * ((await facts.gpuMemoryBytes()) ?? Infinity)
    return {
      allowedBytes: cardBytes,
      besidesBytes: 0,
      tensorBytes: HEADROOM * cardBytes,
      where: 'on the graphics card'
    }
  }
  const ofEach = Math.max(0, (hostBytes - besidesBytes) / trainers)
  const addressable = backend === 'wasm' ? WASM_BYTES_MAX : Number.POSITIVE_INFINITY
  return {
    allowedBytes: hostBytes,
    besidesBytes,
    tensorBytes: HEADROOM * Math.min(ofEach, addressable),
    where: backend === 'wasm' && ofEach > addressable ? 'in a WebAssembly memory' : 'in memory'
  }
}

/** What a backend that can be held to a limit is opened with, if the person has set one; each trainer has its own. */
export function backendMemory(
  { memoryMaxBytes }: MemoryLimits,
  trainers: number,
  adapterLength: number
): { readonly memoryMaxBytes?: number } {
  if (memoryMaxBytes === undefined) return {}
  const bytes = (memoryMaxBytes - hostBytesBesides('wasm', trainers, adapterLength)) / trainers
  return { memoryMaxBytes: Math.max(BACKEND_BYTES_MIN, bytes) }
}

/** What the program takes besides tensors. */
function hostBytesBesides(backend: BackendName, trainers: number, adapterLength: number): number {
  const isTensorflow = backend === 'tensorflow' || backend === 'cuda'
  const ofTrainer = THREAD_BYTES + ADAPTER_COPIES * 4 * adapterLength
  return PROGRAM_BYTES + (isTensorflow ? TENSORFLOW_BYTES : 0) + trainers * ofTrainer
}
