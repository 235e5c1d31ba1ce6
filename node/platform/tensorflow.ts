import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  buildCommand,
  findTensorflow,
  type NoTensorflow,
  nvidiaFacts,
  type TensorflowBackendName,
  type TensorflowPackage,
  type TensorflowPlaces,
  withoutCard
} from './tensorflow-search.ts'

/** TensorFlow, loaded. */
export interface LoadedTensorflow {
  readonly isThere: true
  /**
   * The tfjs that TensorFlow is the backend of, already chosen and ready. Its tensors are unknown to any other copy of
   * tfjs, such as the one that `import '@tensorflow/tfjs'` gives.
   */
  readonly tf: Omit<typeof import('@tensorflow/tfjs-core'), 'default'>
  /** For a person: versions and device. */
  readonly description: string
  readonly folder: string
  readonly isOnCard: boolean
  /** Threads of a kernel; TensorFlow takes their number once per process, so another number later changes nothing. */
  readonly threads: number
}

export interface TensorflowOptions {
  readonly threads: number
  readonly places?: TensorflowPlaces
}

/**
 * What TensorFlow reads from the environment when it starts, and that is better set for us than as it comes. What the
 * user has set stays.
 */
export function tensorflowEnvironment(threads: number): Readonly<Record<string, string>> {
  return {
    // Else the whole card's memory is taken at once.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // Errors only: what TensorFlow tells of the CPU at every start is not for our users.
    TF_CPP_MIN_LOG_LEVEL: '2',
    // Its matrix products take a transposed operand as fast as a plain one; without it TensorFlow is up to four times
    // slower there, and chooses by processor whether it is on.
    TF_ENABLE_ONEDNN_OPTS: '1',
    TF_NUM_INTRAOP_THREADS: String(threads),
    // Operations run one after the other, as they are called.
    TF_NUM_INTEROP_THREADS: '1',
    // A run that is taken up again has to continue to the last bit.
    TF_DETERMINISTIC_OPS: '1',
    // Else products on the card round to 10 bits of mantissa, too few for the bounds that our tests hold.
    NVIDIA_TF32_OVERRIDE: '0'
  }
}

let loaded: LoadedTensorflow | null = null

/** Whether this process has loaded it. */
export function isTensorflowLoaded(): boolean {
  return loaded !== null
}

/**
 * Loads TensorFlow into this process, once; says why not in words for a person. In a worker thread it works only if the
 * thread was started with `env: SHARE_ENV`: else the settings above do not reach the library.
 * @param backend - `cuda` asks for a card, `tensorflow` for the CPU
 */
export function openTensorflow(
  backend: TensorflowBackendName,
  { threads, places = {} }: TensorflowOptions
): LoadedTensorflow | NoTensorflow {
  if (loaded !== null) return reuse(loaded, backend)
  const nvidia = nvidiaFacts(places.nvidiaFolder)
  if (backend === 'cuda') {
    const obstacle = withoutCard(nvidia)
    if (obstacle !== null) return obstacle
  }
  const found = findTensorflow(backend, places)
  if (!found.isThere) return found
  for (const [name, value] of Object.entries(tensorflowEnvironment(threads))) process.env[name] ??= value
  const result = load(found, backend, Number(process.env['TF_NUM_INTRAOP_THREADS']) || threads)
  if (!result.isThere) return result
  if (backend === 'cuda' && !result.isOnCard) return cardRefused(nvidia.driverVersion!, nvidia.cards)
  const device = result.isOnCard
    ? `${nvidia.cards[0]}, driver ${nvidia.driverVersion}`
    : `CPU, ${threadCount(result.threads)}`
  loaded = { ...result, description: `${result.description}, ${device}` }
  return loaded
}

function reuse(loaded: LoadedTensorflow, backend: TensorflowBackendName): LoadedTensorflow | NoTensorflow {
  if (loaded.isOnCard === (backend === 'cuda')) return loaded
  if (backend === 'cuda') {
    return {
      isThere: false,
      code: 'CARD_REFUSED',
      reason: 'TensorFlow is loaded in this process and computes on the CPU',
      fix: 'choose the backend in a new process: --backend cuda'
    }
  }
  return {
    isThere: false,
    code: 'LOADED_ON_CARD',
    reason: 'TensorFlow is loaded in this process and computes on the card',
    fix: 'choose the backend in a new process: --backend tensorflow'
  }
}

/** What tfjs-node's backend object knows beyond the interface of tfjs. */
interface NodeBackend {
  readonly binding: { readonly TF_Version: string; isUsingGpuDevice(): boolean }
}

function load(
  { packageName, folder }: TensorflowPackage,
  backend: TensorflowBackendName,
  threads: number
): LoadedTensorflow | NoTensorflow {
  const requireFrom = createRequire(join(folder, 'package.json'))
  restoreOldUtil(requireFrom)
  try {
    const tf = requireFrom(folder) as LoadedTensorflow['tf'] & { readonly version: Record<string, string> }
    const { binding } = tf.backend() as unknown as NodeBackend
    const description = `TensorFlow ${binding.TF_Version} through ${packageName} ${tf.version['tfjs-node']}`
    return { isThere: true, tf, description, folder, isOnCard: binding.isUsingGpuDevice(), threads }
  } catch (error) {
    return loadFailure(error, backend, folder)
  }
}

/** tfjs-node 4.22 calls a function of Node's `util` that Node 23 took out, and one that warns on standard error. */
function restoreOldUtil(requireFrom: NodeJS.Require): void {
  const util = requireFrom('node:util') as Record<string, unknown>
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined
  util['isArray'] = Array.isArray
}

/** What the dynamic linker's words mean for a person. */
function loadFailure(error: unknown, backend: TensorflowBackendName, folder: string): NoTensorflow {
  const message = error instanceof Error ? error.message : String(error)
  const versionNeeded = message.match(/version [`'"]?((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)['"`]? not found/)?.[1]
  if (versionNeeded !== undefined) {
    return {
      isThere: false,
      code: 'OLD_LIBC',
      reason: `the addon in ${folder} needs ${versionNeeded}, which this system's C or C++ library does not have (${libcName()})`,
      fix: `build it on this machine: ${buildCommand(backend)}; if that is what failed, add --tensorflow with an older version, such as 2.17.1`
    }
  }
  const library = message.match(/(\S+\.so[\d.]*): cannot open shared object file/)?.[1]
  if (library !== undefined) {
    return {
      isThere: false,
      code: 'LIBRARY_MISSING',
      reason: `the addon in ${folder} needs ${library}, which is not on this system (${libcName()})`,
      fix: `build it again: ${buildCommand(backend)}`
    }
  }
  return {
    isThere: false,
    code: 'LOAD_FAILED',
    reason: `the addon in ${folder} could not be loaded: ${message}`,
    fix: `delete that folder and build it again: ${buildCommand(backend)}`
  }
}

function libcName(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const version = header.glibcVersionRuntime
  return version === undefined ? 'it has no glibc, and TensorFlow is built for no other' : `glibc ${version}`
}

function cardRefused(driverVersion: string, cards: readonly string[]): NoTensorflow {
  const hidden = process.env['CUDA_VISIBLE_DEVICES']
  const isHidden = hidden !== undefined && !/^\d/.test(hidden)
  return {
    isThere: false,
    code: 'CARD_REFUSED',
    reason: `TensorFlow does not use the card that driver ${driverVersion} lists (${cards.join(', ')})${
      isHidden ? `: CUDA_VISIBLE_DEVICES is "${hidden}", which hides it` : ''
    }`,
    fix: isHidden
      ? 'unset CUDA_VISIBLE_DEVICES'
      : "see why, in TensorFlow's own words: TF_CPP_MIN_LOG_LEVEL=0 fedpeft-node doctor"
  }
}

function threadCount(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`
}
