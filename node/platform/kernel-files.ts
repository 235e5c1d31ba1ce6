import { readFileSync } from 'node:fs'
import type { KernelFiles } from '../backend/wasm/kernel-module.ts'

/** The compiled kernels of the backend wasm that come with the package. */
export function readKernelFiles(): KernelFiles {
  const folder = '../backend/wasm'
  return { simd: read(`${folder}/kernels.simd.wasm`), relaxed: read(`${folder}/kernels.relaxed.wasm`) }
}

/** The compiled inner loop of masking, for aggregation/lane-sum.ts. */
export function readLaneSumKernel(): Uint8Array<ArrayBuffer> {
  return read('../../aggregation/lane-sum.wasm')
}

function read(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(path, import.meta.url)))
}
