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

/** OpenBLAS on one thread where Python has numpy, at the best of the products that the shape consists of. */
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

async function ourBest(reason: string): Promise<MatmulLimit> {
  const outcomes = [await runBackendTrial('tensorflow', 1), await runBackendTrial('wasm', 1)]
  const works = outcomes.filter(outcome => outcome.kind === 'works')
  const best = works.toSorted((a, b) => b.gflopPerCpuSecond - a.gflopPerCpuSecond)[0]
  if (best === undefined) throw new Error(`no way to measure this machine's matrix products: ${reason}`)
  const caveat = `no Python with numpy to measure OpenBLAS with (${reason.trim().split('\n').at(-1)}): the limit is our own best product`
  return { gflopPerCpuSecond: best.gflopPerCpuSecond, source: best.description, caveat }
}
