import { readFileSync } from 'node:fs'
import type { KernelFiles } from '../backend/wasm/kernel-module.ts'

/** The compiled kernels that come with the package. */
export function readKernelFiles(): KernelFiles {
  const read = (variant: string) =>
    new Uint8Array(readFileSync(new URL(`../backend/wasm/kernels.${variant}.wasm`, import.meta.url)))
  return { simd: read('simd'), relaxed: read('relaxed') }
}
