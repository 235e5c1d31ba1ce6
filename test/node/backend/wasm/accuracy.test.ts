import { expect } from 'chai'
import type { Activation, Backend, Tensor } from '../../../../node/backend/backend.ts'
import { openWasmBackend } from '../../../../node/backend/wasm/wasm-backend.ts'
import { readKernelFiles } from '../../../../node/platform/kernel-files.ts'
import { activation } from '../conformance/reference.ts'

const kernels = readKernelFiles()
const variants = [
  ['with', kernels],
  ['without', { ...kernels, relaxed: new Uint8Array() }]
] as const

for (const [word, kernels] of variants) {
  describe(`functions of the wasm backend ${word} fused multiply-add`, () => {
    let backend: Backend
    before(async () => {
      backend = await openWasmBackend({ kernels })
    })
    after(() => backend.close())

    async function values(tensor: Tensor): Promise<Float32Array> {
      const values = await backend.download(tensor)
      backend.free(tensor)
      return values
    }

    async function activated(kind: Activation, x: Float32Array): Promise<Float32Array> {
      const input = backend.upload(x, [x.length])
      const y = backend.activate(kind, input)
      backend.free(input)
      return values(y)
    }

    const grid = Float32Array.from({ length: 40_001 }, (_, i) => (i - 20_000) / 250)

    /** The largest error over the grid, relative to `size`. */
    function worst(y: Float32Array, exact: (x: number) => number, size: (x: number) => number): number {
      return grid.reduce((most, x, i) => {
        const error = Math.abs(y[i]! - exact(x)) / (size(x) || 1)
        return error <= most ? most : error
      }, 0)
    }

    it('silu, and so e^x, is good to 3e-7 relative, and vanishes where e^x does', async () => {
      const exact = (x: number) => x / (1 + Math.exp(-x))
      const y = await activated('silu', grid)
      expect(worst(y, exact, x => Math.abs(exact(x)))).to.be.below(3e-7)
      const far = await activated('silu', Float32Array.of(-100, -3e38, 3e38))
      expect([...far]).to.deep.equal([-0, -0, Math.fround(3e38)])
    })

    it('gelu is good to 1e-6 of x, its tail to 1e-5 relative', async () => {
      for (const kind of ['gelu', 'gelu-tanh'] as const) {
        const y = await activated(kind, grid)
        expect(
          worst(y, x => activation(kind, x), Math.abs),
          kind
        ).to.be.below(1e-6)
      }
      // Values of the standard normal distribution function: NIST Digital Library, erfc(2 sqrt 2) / 2 and erfc(3 sqrt 2) / 2.
      const tail = await activated('gelu', Float32Array.of(-4, -6))
      expect(tail[0]! / (-4 * 3.167124183311986e-5)).to.be.closeTo(1, 1e-5)
      expect(tail[1]! / (-6 * 9.865876450376981e-10)).to.be.closeTo(1, 1e-5)
    })

    it('NaN stays NaN', async () => {
      for (const kind of ['silu', 'gelu', 'gelu-tanh', 'relu'] as const) {
        const [first, second] = await activated(kind, Float32Array.of(Number.NaN, 1))
        expect([first, Number.isNaN(second)], kind).to.deep.equal([Number.NaN, false])
      }
      const logits = backend.upload(Float32Array.of(1, Number.NaN, 2), [1, 3])
      expect((await values(backend.crossEntropy(logits, Int32Array.of(0), null)))[0]).to.be.NaN
      backend.free(logits)
    })

    it('nats over a large vocabulary are good to 2e-7, however small their share', async () => {
      const columns = 50_001
      const row = Float32Array.from({ length: columns }, (_, i) => 3 * Math.sin(i * i))
      const sum = row.reduce((sum, x) => sum + Math.exp(x), 0)
      const targets = Int32Array.of(0, 17, columns - 1)
      const rows = Float32Array.from({ length: 3 * columns }, (_, i) => row[i % columns]!)
      const logits = backend.upload(rows, [3, columns])
      const nats = await values(backend.crossEntropy(logits, targets, 1))
      const gradient = await values(logits)
      for (const [i, target] of targets.entries()) {
        const exact = Math.log(sum) - row[target]!
        expect(Math.abs(nats[i]! - exact), `nats of ${target}`).to.be.at.most(2e-7 * exact)
        const share = gradient[i * columns + 5]! / (Math.exp(row[5]!) / sum)
        expect(share, `share of 5 in row ${i}`).to.be.closeTo(1, 1e-6)
      }
      const total = gradient.reduce((sum, x) => sum + x, 0)
      expect(total, 'gradients of a row cancel').to.be.closeTo(0, 1e-5)
    })
  })
}
