import type { ShapeName } from './shapes.ts'

export interface BenchResult {
  readonly backend: string
  readonly shape: ShapeName
  readonly threads: number
  readonly tokensPerSecond: number
  /** Of the operations that no implementation can avoid, per second of all threads' CPU time. */
  readonly gflopPerCpuSecond: number
  readonly limitGflopPerCpuSecond: number
  /** Null where the limit is our own. */
  readonly ratioToLimit: number | null
  /** Of the whole process. */
  readonly peakMemoryBytes: number
}

export interface BenchRatios {
  /** Tokens per second with one thread each, the smaller of the shapes that have both. */
  readonly wasmToStockWasm: number | null
  /** Two threads to one, the smaller of the shapes. */
  readonly wasmTwoThreadSpeedup: number | null
  /** With the same number of threads at the SmolLM2-135M shape, the smaller of the numbers. */
  readonly tensorflowToPytorch: number | null
}

export function ratiosOf(results: readonly BenchResult[]): BenchRatios {
  const speed = (backend: string, shape: ShapeName, threads: number) =>
    results.find(result => result.backend === backend && result.shape === shape && result.threads === threads)
      ?.tokensPerSecond
  const shapes = [...new Set(results.map(({ shape }) => shape))]
  const threadCounts = [...new Set(results.map(({ threads }) => threads))]
  return {
    wasmToStockWasm: smallest(
      shapes.map(shape => quotient(speed('wasm', shape, 1), speed('stock-wasm', shape, 1)))
    ),
    wasmTwoThreadSpeedup: smallest(
      shapes.map(shape => quotient(speed('wasm', shape, 2), speed('wasm', shape, 1)))
    ),
    tensorflowToPytorch: smallest(
      threadCounts.map(threads =>
        quotient(speed('tensorflow', 'smollm2-135m', threads), speed('pytorch', 'smollm2-135m', threads))
      )
    )
  }
}

function quotient(a: number | undefined, b: number | undefined): number | null {
  return a === undefined || b === undefined ? null : a / b
}

function smallest(values: ReadonlyArray<number | null>): number | null {
  const known = values.filter(value => value !== null)
  return known.length === 0 ? null : Math.min(...known)
}
