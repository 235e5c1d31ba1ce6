/** How fast this machine multiplies matrices at best: what training is held against. */
import { fileURLToPath } from 'node:url'
import { runBackendTrial } from '../../node/platform/doctor/run-backend-trial.ts'
import { runForJson } from './child.ts'
import type { BenchShape } from './shapes.ts'

export interface MatmulLimit {
  readonly gflopPerCpuSecond: number
  /** What it was measured with, for a person. */
  readonly source: string
  /** Why it is no limit to hold anything against; null if it is one. */
  readonly caveat: string | null
}

const script = fileURLToPath(new URL('sgemm-limit.py', import.meta.url))

/** OpenBLAS on one thread where Python has numpy, at the best of the products that the shape consists of; else oneDNN. */
export async function matmulLimit(shape: BenchShape, python: string): Promise<MatmulLimit> {
  const { hiddenSize: d, intermediateSize, vocabularySize } = shape.config
  const rows = shape.batchSize * shape.sequenceLength
  const products = [
    `${rows}x${d}x${d}`,
    `${rows}x${d}x${intermediateSize}`,
    `${rows}x${intermediateSize}x${d}`,
    `${rows}x${d}x${vocabularySize}`
  ]
  try {
    const args = [script, '--repeats', '3', ...products.flatMap(product => ['--shape', product])]
    const { gflopPerCpuSecond, library } = await runForJson<{ gflopPerCpuSecond: number; library: string }>(
      python,
      args
    )
    return { gflopPerCpuSecond, source: library, caveat: null }
  } catch (error) {
    return ourBest(error instanceof Error ? error.message : String(error))
  }
}

/** TensorFlow's oneDNN is nearly as fast as OpenBLAS; our own kernels say nothing about how good they are. */
async function ourBest(why: string): Promise<MatmulLimit> {
  const reason = why.trim().split('\n').at(-1)
  const tensorflow = await runBackendTrial('tensorflow', 1)
  if (tensorflow.kind === 'works') {
    const { gflopPerCpuSecond, description } = tensorflow
    return { gflopPerCpuSecond, source: `${description} (no Python with numpy: ${reason})`, caveat: null }
  }
  const wasm = await runBackendTrial('wasm', 1)
  if (wasm.kind !== 'works') throw new Error(`no way to measure this machine's matrix products: ${reason}`)
  const { gflopPerCpuSecond, description } = wasm
  const caveat = `neither numpy nor TensorFlow is here (${reason}): the limit is our own best product, and nothing is held against it`
  return { gflopPerCpuSecond, source: description, caveat }
}
