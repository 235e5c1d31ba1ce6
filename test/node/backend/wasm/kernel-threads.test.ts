import { expect } from 'chai'
import type { AttentionShape, Backend, Shape, Tensor } from '../../../../node/backend/backend.ts'
import { BackendError } from '../../../../node/backend/errors.ts'
import {
  argumentsAt,
  callerSleepsAt,
  failedAt,
  insideAt,
  kernelAt,
  nextAt,
  openAt,
  taskCountAt
} from '../../../../node/backend/wasm/kernel-control.ts'
import { addKernel } from '../../../../node/backend/wasm/kernel-ids.ts'
import { compileKernels } from '../../../../node/backend/wasm/kernel-module.ts'
import {
  type KernelThread,
  type KernelThreadStart,
  serveKernels
} from '../../../../node/backend/wasm/kernel-thread.ts'
import { openWasmBackend } from '../../../../node/backend/wasm/wasm-backend.ts'
import { webAssembly } from '../../../../node/backend/wasm/web-assembly.ts'
import { readKernelFiles } from '../../../../node/platform/kernel-files.ts'
import { spawnKernelThread } from '../../../../node/platform/kernel-threads.ts'
import { random } from '../conformance/exact.ts'

const kernels = readKernelFiles()

function open(threads: number): Promise<Backend> {
  return openWasmBackend({ kernels, threads, spawn: spawnKernelThread })
}

/** A worker that does something else than to serve kernels. */
const workerOf = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`)

async function refusal(attempt: () => unknown): Promise<BackendError> {
  try {
    await attempt()
  } catch (error) {
    expect(error, String(error)).to.be.instanceOf(BackendError)
    return error as BackendError
  }
  throw new Error('not refused')
}

const heads: AttentionShape = {
  ...{ batch: 2, time: 150, headCount: 6, keyValueHeadCount: 2, headSize: 20 },
  ...{ scale: 0.2, window: 100 }
}

/** Kernels on tensors large enough to be shared out. */
const calls: ReadonlyArray<
  readonly [string, (backend: Backend, put: (...shape: number[]) => Tensor) => Tensor[]]
> = [
  ['matmul', (b, put) => [b.matmul(put(129, 300), put(300, 203))]],
  ['matmul a bᵀ', (b, put) => [b.matmul(put(129, 500), put(203, 500), { transposeB: true })]],
  ['matmul aᵀ b', (b, put) => [b.matmul(put(400, 203), put(400, 129), { transposeA: true })]],
  ['matmul of few columns', (b, put) => [b.matmul(put(500, 300), put(300, 8))]],
  ['matmul of one row', (b, put) => [b.matmul(put(1, 700), put(901, 700), { transposeB: true })]],
  ['matmul onto', (b, put) => [b.matmul(put(70, 90), put(90, 150), { scale: 0.3, onto: put(70, 150) })]],
  ['add', (b, put) => [b.add(put(200, 301), put(200, 301))]],
  ['columnSums', (b, put) => [b.columnSums(put(600, 301))]],
  ['gatherGradient', (b, put) => [b.gatherGradient(put(200, 65), randomIndices(200, 500), 500)]],
  ['splitColumns', (b, put) => b.splitColumns(put(300, 200), [33, 100, 67])],
  ['rmsNorm', (b, put) => Object.values(b.rmsNorm(put(300, 203), put(203), 1e-5))],
  ['layerNorm', (b, put) => Object.values(b.layerNorm(put(300, 203), put(203), put(203), 1e-5))],
  ['gate', (b, put) => [b.gate('silu', put(300, 203), put(300, 203))]],
  [
    'gateGradient',
    (b, put) => Object.values(b.gateGradient('gelu', put(300, 203), put(300, 203), put(300, 203)))
  ],
  ['crossEntropy', crossEntropy],
  ['attention', attention]
]

function randomIndices(length: number, size: number): Int32Array {
  return Int32Array.from(random([length], 9).values, value => Math.floor(((value + 1) / 2) * size))
}

function crossEntropy(b: Backend, put: (...shape: number[]) => Tensor): Tensor[] {
  const logits = put(60, 1001)
  return [b.crossEntropy(logits, randomIndices(60, 1001), 0.1), logits]
}

function attention(b: Backend, put: (...shape: number[]) => Tensor): Tensor[] {
  const [q, k, v, dy] = [put(300, 120), put(300, 40), put(300, 40), put(300, 120)]
  const past = { keys: put(70, 40), values: put(70, 40), length: 70, shared: true }
  const { y, saved } = b.attention(q, k, v, heads, past)
  const gradients = b.attentionGradient(dy, q, k, v, y, saved, heads, past)
  return [y, gradients.q, gradients.k, gradients.v, gradients.past!.keys, gradients.past!.values]
}

const inputs = new Map<string, Float32Array>()

/** Drawing them takes longer than all that is computed with them. */
function inputOf(shape: Shape, seed: number): Float32Array {
  const key = `${shape} ${seed}`
  const input = inputs.get(key) ?? Float32Array.from(random(shape, seed).values)
  inputs.set(key, input)
  return input
}

/** Values of what each kernel makes. */
async function results(backend: Backend): Promise<Map<string, Float32Array[]>> {
  const values = new Map<string, Float32Array[]>()
  for (const [name, run] of calls) {
    let seed = 0
    const put = (...shape: Shape) => backend.upload(inputOf(shape, seed++), shape)
    values.set(name, await Promise.all(run(backend, put).map(tensor => backend.download(tensor))))
  }
  return values
}

describe('kernel threads', () => {
  it('give the same bits however many they are, time after time', async () => {
    const one = await open(1)
    const expected = await results(one)
    await one.close()
    for (const threads of [2, 3]) {
      const backend = await open(threads)
      expect(backend.threads).to.equal(threads)
      for (let time = 0; time < 3; time++) {
        for (const [name, values] of await results(backend)) {
          for (const [i, value] of values.entries()) {
            const same = Buffer.from(value.buffer).equals(Buffer.from(expected.get(name)![i]!.buffer))
            expect(same, `${name}, result ${i}, ${threads} threads`).to.equal(true)
          }
        }
      }
      await backend.close()
    }
  })

  it('do work without the calling one, woken up from their sleep', async () => {
    let start: KernelThreadStart | undefined
    const spawn = (given: KernelThreadStart) => {
      start = given
      return spawnKernelThread(given)
    }
    const backend = await openWasmBackend({ kernels, threads: 2, spawn })
    const { memory, scratch } = start!
    const words = new Int32Array(memory.buffer)
    const floats = new Float32Array(memory.buffer)
    floats.set([1, 2, 3], scratch / 4)
    floats.set([10, 20, 30], scratch / 4 + 16)
    words.set([scratch + 128, scratch, scratch + 64, 3, 64], argumentsAt / 4)
    words[kernelAt / 4] = addKernel
    words[taskCountAt / 4] = 1
    // What the calling thread does, but for the tasks.
    words[callerSleepsAt / 4] = 1
    const left = Atomics.waitAsync(words, insideAt / 4, 0)
    Atomics.store(words, openAt / 4, 1)
    Atomics.notify(words, openAt / 4)
    expect(await left.value).to.equal('ok')
    expect([...floats.subarray(scratch / 4 + 32, scratch / 4 + 35)]).to.deep.equal([11, 22, 33])
    await backend.close()
  })

  it('end when the backend closes, asleep or not', async () => {
    const threads: KernelThread[] = []
    const spawn = (start: KernelThreadStart) => {
      threads.push(spawnKernelThread(start))
      return threads.at(-1)!
    }
    const backend = await openWasmBackend({ kernels, threads: 3, spawn })
    await backend.close()
    expect(await Promise.all(threads.map(({ ended }) => ended))).to.deep.equal([null, null])
    await backend.close()
  })

  it('that cannot start are an error that says why, and end the others', async () => {
    const threads: KernelThread[] = []
    const spawn = (start: KernelThreadStart) => {
      const url = threads.length === 0 ? undefined : workerOf("throw new Error('no such luck')")
      threads.push(spawnKernelThread(start, url))
      return threads.at(-1)!
    }
    const error = await refusal(() => openWasmBackend({ kernels, threads: 3, spawn }))
    expect(error.code).to.equal('THREAD_FAILED')
    expect(error.message).to.match(/could not start: no such luck/)
    await Promise.all(threads.map(({ ended }) => ended))
  })

  it('that end before they serve are an error', async () => {
    const spawn = (start: KernelThreadStart) => spawnKernelThread(start, workerOf(''))
    const error = await refusal(() => openWasmBackend({ kernels, threads: 2, spawn }))
    expect(error.message).to.match(/could not start: it ended before it served/)
  })

  it('that end later are an error of the next kernel that would need them', async () => {
    let thread: KernelThread | undefined
    const code = "import { parentPort } from 'node:worker_threads'; parentPort.postMessage('serving')"
    const spawn = (start: KernelThreadStart) => {
      thread = spawnKernelThread(start, workerOf(code))
      return thread
    }
    const backend = await openWasmBackend({ kernels, threads: 2, spawn })
    await thread!.ended
    const x = backend.zeros([200, 200])
    const error = await refusal(() => backend.matmul(x, x))
    expect(error.code).to.equal('THREAD_FAILED')
    expect(error.message).to.match(/ended in the middle of its work: it ended of itself/)
    await backend.close()
  })

  it('leave a kernel in which they trap, and say that they did', async () => {
    const { module } = await compileKernels(kernels, true)
    const memory = new webAssembly!.Memory({ initial: 20, maximum: 20, shared: true })
    const words = new Int32Array(memory.buffer)
    // A command that is open already, for a kernel that there is not: the thread, which this one plays, traps at once.
    words[kernelAt / 4] = 1_000_000
    words[taskCountAt / 4] = 1
    words[openAt / 4] = 1
    let isServing = false
    const serve = () => serveKernels({ module, memory, scratch: 65536 }, () => (isServing = true))
    expect(serve).to.throw(/unreachable/)
    const after = [failedAt, insideAt, nextAt].map(at => words[at / 4])
    expect([isServing, ...after]).to.deep.equal([true, 1, 0, 1])
  })

  it('are refused in a number that is none', async () => {
    for (const threads of [0, 1.5, Number.NaN]) {
      const error = await open(threads).then(
        () => null,
        error => error
      )
      expect(error).to.be.instanceOf(RangeError)
    }
  })
})
