import { type Exact, map, numericGradient, random } from './exact.ts'
import * as reference from './reference.ts'
import type { Workbench } from './workbench.ts'

const shapes = [
  [1, 1],
  [1, 3],
  [3, 5],
  [7, 33],
  [17, 64],
  [5, 130]
] as const

/** Rows far from zero mean, so that a mean that is left out shows; gains and biases uneven. */
function inputs(shape: readonly [number, number]) {
  return {
    x: map(random(shape, 1, 2), (value, i) => Math.fround(value + (i % 3) / 2)),
    gain: random([shape[1]], 2, 1.5),
    bias: random([shape[1]], 3),
    dy: random(shape, 4)
  }
}

export function describeNorms(bench: Workbench): void {
  it('rmsNorm, its inverse too', async () => {
    for (const shape of shapes) {
      for (const epsilon of [1e-6, 0.3]) {
        const { x, gain } = inputs(shape)
        const expected = reference.rmsNorm(x, gain, epsilon)
        const { y, inverse } = bench.backend.rmsNorm(bench.put(x), bench.put(gain), epsilon)
        await bench.expect(y, expected.y, `rmsNorm of [${shape}]`)
        await bench.expect(inverse, expected.inverse, `inverse of [${shape}]`)
      }
    }
  })

  it("rmsNorm's gradients against finite differences", async () => {
    const { backend } = bench
    for (const shape of shapes) {
      const { x, gain, dy } = inputs(shape)
      const epsilon = 0.01
      const forward = (x: Exact, gain: Exact) => reference.rmsNorm(x, gain, epsilon).y
      const [input, factor, slope] = [bench.put(x), bench.put(gain), bench.put(dy)]
      const { y, inverse } = backend.rmsNorm(input, factor, epsilon)
      bench.keepAll([y, inverse])
      const dx = numericGradient(x => forward(x, gain), x, dy)
      await bench.expect(backend.rmsNormGradient(slope, input, factor, inverse), dx, `x of [${shape}]`)
      const dGain = numericGradient(gain => forward(x, gain), gain, dy)
      await bench.expect(backend.rmsNormGainGradient(slope, input, inverse), dGain, `gain of [${shape}]`)
    }
  })

  it('rmsNorm of runs shorter than a row, with its gradients', async () => {
    const { backend } = bench
    const { x, gain, dy } = inputs([15, 5])
    const wide = (exact: Exact): Exact => ({ ...exact, shape: [5, 15] })
    const [rows, factor] = [bench.put(wide(x)), bench.put(gain)]
    const expected = reference.rmsNorm(x, gain, 0.01)
    const { y, inverse } = backend.rmsNorm(rows, factor, 0.01)
    bench.keepAll([y, inverse])
    await bench.expect(y, wide(expected.y), 'rows of three runs')
    await bench.expect(inverse, expected.inverse, 'one inverse a run')
    const slope = bench.put(wide(dy))
    const dx = numericGradient(x => reference.rmsNorm(x, gain, 0.01).y, x, dy)
    await bench.expect(backend.rmsNormGradient(slope, rows, factor, inverse), wide(dx), 'x')
    const dGain = numericGradient(gain => reference.rmsNorm(x, gain, 0.01).y, gain, dy)
    await bench.expect(backend.rmsNormGainGradient(slope, rows, inverse), dGain, 'gain')
  })

  it('layerNorm, its mean and inverse too', async () => {
    for (const shape of shapes) {
      for (const epsilon of [1e-5, 0.3]) {
        const { x, gain, bias } = inputs(shape)
        const expected = reference.layerNorm(x, gain, bias, epsilon)
        const normed = bench.backend.layerNorm(bench.put(x), bench.put(gain), bench.put(bias), epsilon)
        await bench.expect(normed.y, expected.y, `layerNorm of [${shape}]`)
        await bench.expect(normed.mean, expected.mean, `mean of [${shape}]`)
        await bench.expect(normed.inverse, expected.inverse, `inverse of [${shape}]`)
      }
    }
  })

  it("layerNorm's gradients against finite differences", async () => {
    const { backend } = bench
    for (const shape of shapes) {
      const { x, gain, bias, dy } = inputs(shape)
      const epsilon = 0.01
      const forward = (x: Exact, gain: Exact) => reference.layerNorm(x, gain, bias, epsilon).y
      const [input, factor, slope] = [bench.put(x), bench.put(gain), bench.put(dy)]
      const { y, mean, inverse } = backend.layerNorm(input, factor, bench.put(bias), epsilon)
      bench.keepAll([y, mean, inverse])
      const dx = numericGradient(x => forward(x, gain), x, dy)
      const gradient = backend.layerNormGradient(slope, input, factor, mean, inverse)
      await bench.expect(gradient, dx, `x of [${shape}]`)
      const dGain = numericGradient(gain => forward(x, gain), gain, dy)
      const gainGradient = backend.layerNormGainGradient(slope, input, mean, inverse)
      await bench.expect(gainGradient, dGain, `gain of [${shape}]`)
    }
  })

  it('norms of rows far from zero keep their digits', async () => {
    // Were the variance mean(x²) - mean(x)², nothing of it would be left here.
    const x = map(random([5, 33], 1), value => Math.fround(value + 300))
    const [gain, bias] = [random([33], 2), random([33], 3)]
    const expected = reference.layerNorm(x, gain, bias, 1e-5)
    const normed = bench.backend.layerNorm(bench.put(x), bench.put(gain), bench.put(bias), 1e-5)
    // A mean of 300 is known to 3e-5 in float32, which is that much of y.
    await bench.expect(normed.y, expected.y, 'layerNorm', 2e-4)
    await bench.expect(normed.inverse, expected.inverse, 'inverse', 2e-4)
    bench.keep(normed.mean)
  })
}
