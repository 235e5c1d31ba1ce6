import { BackendError } from '../errors.ts'
import { type WasmMemory, type WasmModule, webAssembly } from './web-assembly.ts'

/** The compiled kernels, of one source: with fused multiply-add for engines that have relaxed SIMD, and without. */
export interface KernelFiles {
  readonly simd: Uint8Array<ArrayBuffer>
  readonly relaxed: Uint8Array<ArrayBuffer>
}

export interface KernelExports {
  /** On the calling thread alone. */
  runHere(kernel: number, taskCount: number): void
  /** On all threads. @param command - its number, from 1 */
  runShared(command: number, kernel: number, taskCount: number): void
  /** Works on commands until the control word `stop` is set. */
  serve(): void
  setScratch(at: number): void
}

export interface KernelModule {
  readonly module: WasmModule
  readonly isRelaxed: boolean
}

/** Pages that the module asks its memory to have at least, and at most. */
export const memoryPages = { min: 2, max: 65535 } as const

/**
 * Compiles the fastest kernels that the engine takes.
 * @param isShared - whether their memory is shared by threads; else no shared memory is needed
 * @throws BackendError UNAVAILABLE
 */
export async function compileKernels(files: KernelFiles, isShared: boolean): Promise<KernelModule> {
  if (webAssembly === undefined)
    throw unavailable('this engine has no WebAssembly, or was told to do without')
  const isRelaxed = webAssembly.validate(files.relaxed)
  const bytes = isRelaxed ? files.relaxed : files.simd
  if (!isRelaxed && !webAssembly.validate(bytes))
    throw unavailable('this engine does not take WebAssembly with SIMD and threads')
  return { module: await webAssembly.compile(isShared ? bytes : withoutSharing(bytes)), isRelaxed }
}

function unavailable(reason: string): BackendError {
  const message = `the backend wasm cannot be opened: ${reason}`
  return new BackendError('UNAVAILABLE', { backend: 'wasm', reason }, message)
}

export function instantiateKernels(module: WasmModule, memory: WasmMemory): KernelExports {
  return new webAssembly!.Instance(module, { env: { memory } }).exports as unknown as KernelExports
}

const importSection = 2
const memoryImport = 2
const sharedWithMaximum = 3
const privateWithMaximum = 1

/**
 * The same module with its imported memory not shared: one flag of the import, which is the module's only one.
 * WebAssembly core specification, section 5.5.5, and threads proposal, limits.
 */
function withoutSharing(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice()
  let at = 8
  const number = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = copy[at++]!
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < copy.length) {
    const section = copy[at++]!
    const length = number()
    if (section !== importSection) {
      at += length
      continue
    }
    const count = number()
    for (let name = 0; name < 2; name++) {
      const bytes = number()
      at += bytes
    }
    if (count === 1 && copy[at] === memoryImport && copy[at + 1] === sharedWithMaximum) {
      copy[at + 1] = privateWithMaximum
      return copy
    }
    break
  }
  throw new Error(
    'the kernels import something else than one shared memory: build them anew with `npm run kernels`'
  )
}
