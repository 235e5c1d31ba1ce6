// A process that opens one backend, checks a product of matrices on it and times it: `node backend-trial.ts NAME THREADS`.
// It prints the outcome as JSON. What it does must be safe to die of: a native library may.
import type { Backend, BackendName, Tensor } from '../../backend/backend.ts'
import { BackendError } from '../../backend/errors.ts'
import { machineOpeners } from '../open-backend.ts'
import type { TrialOutcome } from './trial-outcome.ts'

/** As in a training step: tokens x width, times a weight [width, width] transposed. */
const tokens = 128
const width = 512
const timedSeconds = 0.3

async function outcome(name: BackendName, threads: number): Promise<TrialOutcome> {
  const open = machineOpeners[name]
  // What `auto` would not take is tried all the same.
  const willing = await refusalOf(() => open({ threads, isAuto: true }))
  const opened =
    willing instanceof BackendError ? await refusalOf(() => open({ threads, isAuto: false })) : willing
  if (opened instanceof BackendError) return { kind: 'unavailable', ...wordsOf(opened) }
  const backend = opened
  const notByItself = willing instanceof BackendError ? wordsOf(willing) : null
  try {
    const problem = await wrongProduct(backend)
    if (problem !== null) return { kind: 'wrong', reason: problem }
    const { description, threads } = backend
    return { kind: 'works', description, threads, ...(await speed(backend)), notByItself }
  } finally {
    await backend.close()
  }
}

async function refusalOf(open: () => Promise<Backend>): Promise<Backend | BackendError> {
  try {
    return await open()
  } catch (error) {
    if (error instanceof BackendError) return error
    throw error
  }
}

function wordsOf({ message, data }: BackendError): { readonly reason: string; readonly fix: string } {
  const { reason = message, fix = 'choose another with --backend' } = data
  return { reason: String(reason), fix: String(fix) }
}

/** Small whole numbers: their products have one right result, to the last bit. */
async function wrongProduct(backend: Backend): Promise<string | null> {
  const [rows, inner, columns] = [9, 33, 7]
  const a = Float32Array.from({ length: rows * inner }, (_, i) => ((i * 7) % 11) - 5)
  const b = Float32Array.from({ length: columns * inner }, (_, i) => ((i * 5) % 13) - 6)
  const product = backend.matmul(backend.upload(a, [rows, inner]), backend.upload(b, [columns, inner]), {
    transposeB: true
  })
  const values = await backend.download(product)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let expected = 0
      for (let i = 0; i < inner; i++) expected += a[row * inner + i]! * b[column * inner + i]!
      const got = values[row * columns + column]
      if (got !== expected) return `a product of matrices came out wrong: ${got} instead of ${expected}`
    }
  }
  return null
}

async function speed(
  backend: Backend
): Promise<{ readonly gflopPerSecond: number; readonly gflopPerCpuSecond: number }> {
  const ones = (rows: number) => backend.upload(new Float32Array(rows * width).fill(1), [rows, width])
  const [x, weight] = [ones(tokens), ones(width)]
  /** Seconds of as many products, waited for. */
  const time = async (count: number) => {
    const startedMs = performance.now()
    const startedCpu = process.cpuUsage()
    let product: Tensor | undefined
    for (let i = 0; i < count; i++) {
      if (product !== undefined) backend.free(product)
      product = backend.matmul(x, weight, { transposeB: true })
    }
    await backend.download(product!)
    backend.free(product!)
    const cpu = process.cpuUsage(startedCpu)
    return { wall: (performance.now() - startedMs) / 1000, cpu: (cpu.user + cpu.system) / 1e6 }
  }
  // The first compiles, or starts threads.
  await time(1)
  let count = 1
  let taken = await time(count)
  while (taken.wall < timedSeconds) {
    count *= 2
    taken = await time(count)
  }
  const gflop = (2 * tokens * width * width * count) / 1e9
  return { gflopPerSecond: gflop / taken.wall, gflopPerCpuSecond: gflop / taken.cpu }
}

const [name, threads] = process.argv.slice(2)
const result = await outcome(name as BackendName, Number(threads))
process.stdout.write(`${JSON.stringify(result)}\n`)
