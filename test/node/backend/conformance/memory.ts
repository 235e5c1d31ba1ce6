import { expect } from 'chai'
import type { Backend, Tensor } from '../../../../node/backend/backend.ts'
import { BackendError, type BackendErrorCode } from '../../../../node/backend/errors.ts'
import { exact, exactZeros, random, sizeOf } from './exact.ts'
import { type KernelCall, kernelCalls } from './kernel-calls.ts'
import type { Workbench } from './workbench.ts'

/** What `attempt` throws, now or in its promise, which must be a BackendError of this code. */
async function expectRefused(attempt: () => unknown, code: BackendErrorCode, what: string): Promise<void> {
  let error: unknown = null
  try {
    await attempt()
  } catch (thrown) {
    error = thrown
  }
  expect(error, `${what}: ${error}`).to.be.instanceOf(BackendError)
  expect((error as BackendError).code, what).to.equal(code)
}

function uploaded(backend: Backend, { inputs }: KernelCall): Tensor[] {
  return inputs.map((shape, i) => {
    // Positive, as inverses of norms are.
    const values = random(shape, i).values.map(value => 1.5 + value)
    return backend.upload(Float32Array.from(values), shape)
  })
}

async function valuesAfter(backend: Backend, call: KernelCall): Promise<number[][]> {
  const inputs = uploaded(backend, call)
  const tensors = [...inputs, ...call.run(backend, inputs)]
  const values = []
  for (const tensor of tensors) values.push([...(await backend.download(tensor))])
  for (const tensor of tensors) backend.free(tensor)
  return values
}

/** Calls with one shape that does not fit. */
const misfits: ReadonlyArray<
  readonly [string, (backend: Backend, tensor: (...shape: number[]) => Tensor) => unknown]
> = [
  ['upload', b => b.upload(new Float32Array(5), [2, 3])],
  ['matmul', (b, t) => b.matmul(t(2, 3), t(2, 3))],
  ['matmul, transposed', (b, t) => b.matmul(t(2, 3), t(3, 2), { transposeB: true })],
  ['matmul onto', (b, t) => b.matmul(t(2, 3), t(3, 2), { onto: t(2, 3) })],
  ['addBias', (b, t) => b.addBias(t(2, 3), t(2))],
  ['add', (b, t) => b.add(t(2, 3), t(1, 3))],
  ['multiply', (b, t) => b.multiply(t(2, 3), t(3))],
  ['accumulate', (b, t) => b.accumulate(t(2, 3), t(2, 1))],
  ['splitColumns', (b, t) => b.splitColumns(t(2, 3), [1, 1])],
  ['joinColumns', (b, t) => b.joinColumns([t(2, 3), t(3, 3)])],
  ['joinRows', (b, t) => b.joinRows([t(2, 3), t(2, 4)])],
  ['gatherGradient', (b, t) => b.gatherGradient(t(2, 3), Int32Array.of(0), 4)],
  ['rmsNorm', (b, t) => b.rmsNorm(t(2, 3), t(2), 1e-5)],
  ['layerNorm', (b, t) => b.layerNorm(t(2, 3), t(3), t(2), 1e-5)],
  ['activateGradient', (b, t) => b.activateGradient('silu', t(2, 3), t(3, 2))],
  ['gate', (b, t) => b.gate('silu', t(2, 3), t(1, 3))],
  ['crossEntropy', (b, t) => b.crossEntropy(t(2, 3), Int32Array.of(0), null)]
]

export function describeMemory(bench: Workbench, open: () => Promise<Backend>): void {
  it('describes itself', () => {
    const { name, description, threads } = bench.backend
    expect(name).to.match(/^(cuda|tensorflow|webgpu|wasm|cpu)$/)
    expect(description).to.match(/\w/)
    expect(threads).to.be.at.least(1)
  })

  it('copies values in and out', async () => {
    const { backend } = bench
    const values = Float32Array.of(1, -2, 3.5, 0, 1e-30, 3e38)
    const tensor = bench.keep(backend.upload(values, [2, 3]))
    values.fill(7)
    const once = await backend.download(tensor)
    expect([...once]).to.deep.equal([1, -2, 3.5, 0, Math.fround(1e-30), Math.fround(3e38)])
    once.fill(8)
    expect([...(await backend.download(tensor))].slice(0, 3)).to.deep.equal([1, -2, 3.5])
  })

  it('zeros are zero, also where other values were', async () => {
    for (const shape of [[1], [9], [3, 5], [65, 33]]) {
      bench.backend.free(bench.backend.upload(new Float32Array(sizeOf(shape)).fill(5), shape))
      await bench.expect(bench.backend.zeros(shape), exactZeros(shape), `zeros [${shape}]`)
    }
  })

  it('counts tensors and bytes, and remembers the most', () => {
    const { backend } = bench
    expect(backend.memory()).to.include({ tensors: 0, bytes: 0 })
    const [a, b] = [backend.zeros([30, 50]), backend.zeros([7])]
    const held = backend.memory()
    expect(held.tensors).to.equal(2)
    expect(held.bytes).to.be.at.least(4 * 1507)
    const product = backend.matmul(a, a, { transposeB: true })
    const more = backend.memory()
    expect(more.tensors).to.equal(3)
    expect(more.bytes - held.bytes).to.be.at.least(4 * 900)
    for (const tensor of [a, b, product]) backend.free(tensor)
    const { tensors, bytes, peakBytes } = backend.memory()
    expect([tensors, bytes]).to.deep.equal([0, 0])
    expect(peakBytes).to.be.at.least(more.bytes)
  })

  it('makes no more tensors than it returns, in any kernel', () => {
    const { backend } = bench
    for (const call of kernelCalls) {
      const inputs = uploaded(backend, call)
      const results = call.run(backend, inputs)
      expect(backend.memory().tensors, call.kernel).to.equal(inputs.length + results.length)
      for (const tensor of [...inputs, ...results]) backend.free(tensor)
      expect(backend.memory().tensors, `${call.kernel}, all freed`).to.equal(0)
    }
  })

  it('gives the same bits for the same inputs, in every kernel', async () => {
    for (const call of kernelCalls) {
      const first = await valuesAfter(bench.backend, call)
      expect(await valuesAfter(bench.backend, call), call.kernel).to.deep.equal(first)
      expect(first.flat().every(Number.isFinite), call.kernel).to.equal(true)
    }
  })

  it('refuses a tensor that was freed, in every kernel, and leaves nothing behind', async () => {
    const { backend } = bench
    for (const call of kernelCalls) {
      for (const i of call.inputs.keys()) {
        const inputs = uploaded(backend, call)
        backend.free(inputs[i]!)
        await expectRefused(() => call.run(backend, inputs), 'FREED', `${call.kernel}, input ${i}`)
        expect(backend.memory().tensors, call.kernel).to.equal(inputs.length - 1)
        for (const tensor of inputs) if (tensor !== inputs[i]) backend.free(tensor)
      }
    }
  })

  it('refuses to free or download a tensor twice freed, or one of another backend', async () => {
    const { backend } = bench
    const tensor = backend.zeros([2, 2])
    backend.free(tensor)
    await expectRefused(() => backend.free(tensor), 'FREED', 'free')
    await expectRefused(() => backend.download(tensor), 'FREED', 'download')
    await expectRefused(() => backend.free({ shape: [2, 2] }), 'FREED', 'free of a foreign tensor')
    await expectRefused(
      () => backend.columnSums({ shape: [2, 2] }),
      'FREED',
      'columnSums of a foreign tensor'
    )
  })

  it('refuses shapes that do not fit together', async () => {
    for (const [what, attempt] of misfits) {
      const tensor = (...shape: number[]) => bench.keep(bench.backend.zeros(shape))
      await expectRefused(() => attempt(bench.backend, tensor), 'BAD_SHAPE', what)
    }
  })

  it('refuses everything once closed', async () => {
    const other = await open()
    const tensor = other.upload(Float32Array.of(1), [1, 1])
    await other.close()
    await expectRefused(() => other.zeros([1]), 'CLOSED', 'zeros')
    await expectRefused(() => other.columnSums(tensor), 'CLOSED', 'columnSums')
    await expectRefused(() => other.download(tensor), 'CLOSED', 'download')
    // Closing one leaves another alone.
    const sum = bench.backend.columnSums(bench.put(exact([2, 1], [1, 2])))
    await bench.expect(sum, exact([1], [3]), 'columnSums elsewhere')
    await other.close()
  })
}
