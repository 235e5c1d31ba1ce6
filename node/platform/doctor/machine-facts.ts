/** What a machine says of itself: looked up, nothing is tried. */
import { access, constants, readFile, statfs } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { webAssembly } from '../../backend/wasm/web-assembly.ts'
import { readKernelFiles } from '../kernel-files.ts'

export interface MachineFacts {
  /** Without the `v`. */
  readonly nodeVersion: string
  /** The program that runs now, which need not be the first `node` of the path. */
  readonly nodePath: string
  /** E.g. `linux x64, glibc 2.36`. */
  readonly system: string
  readonly cpu: {
    readonly model: string
    /** That this process may use. */
    readonly cores: number
    /** Vector instructions that kernels look for, as Linux names them; null where the system does not tell. */
    readonly vectors: readonly string[] | null
    readonly wasmSimd: boolean
    /** Fused multiply-add in WebAssembly. */
    readonly wasmRelaxedSimd: boolean
  }
  readonly memory: {
    readonly totalBytes: number
    readonly availableBytes: number
  }
  readonly nowMs: number
}

export interface DiskFacts {
  /** The folder itself, or the nearest one above it that is there. */
  readonly folder: string
  readonly freeBytes: number
  readonly isWritable: boolean
}

const vectorFlags = ['avx', 'avx2', 'fma', 'avx512f', 'avx512_bf16', 'amx_tile', 'asimd', 'sve'] as const

export async function machineFacts(): Promise<MachineFacts> {
  const kernels = readKernelFiles()
  return {
    nodeVersion: process.versions.node,
    nodePath: process.execPath,
    system: `${process.platform} ${process.arch}${libc()}`,
    cpu: {
      model: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      vectors: await vectorInstructions(),
      wasmSimd: webAssembly?.validate(kernels.simd) ?? false,
      wasmRelaxedSimd: webAssembly?.validate(kernels.relaxed) ?? false
    },
    // What a container or a control group allows, where there is one.
    memory: {
      totalBytes: Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
      availableBytes: process.availableMemory()
    },
    nowMs: Date.now()
  }
}

function libc(): string {
  if (process.platform !== 'linux') return ''
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined ? ', no glibc' : `, glibc ${header.glibcVersionRuntime}`
}

async function vectorInstructions(): Promise<string[] | null> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '')
  const flags = text.match(/^(?:flags|Features)\s*:\s*(.*)$/m)?.[1]?.split(' ')
  return flags === undefined ? null : vectorFlags.filter(flag => flags.includes(flag))
}

/** The disk that a folder is, or would be, on; null if the system does not say. */
export async function diskFacts(dir: string): Promise<DiskFacts | null> {
  for (let folder = resolve(dir); ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = await statfs(folder)
      const isWritable = await access(folder, constants.W_OK | constants.X_OK).then(
        () => true,
        () => false
      )
      return { folder, freeBytes: bavail * bsize, isWritable }
    } catch {
      if (dirname(folder) === folder) return null
    }
  }
}
