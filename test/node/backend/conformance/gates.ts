import type { Activation } from '../../../../node/backend/backend.ts'
import { type Exact, exact, map, random } from './exact.ts'
import * as reference from './reference.ts'
import type { Workbench } from './workbench.ts'

const kinds: readonly Activation[] = ['silu', 'gelu', 'gelu-tanh', 'relu']

const shapes = [[1, 1], [3, 5], [7, 33], [17, 64], [129]]

/** The slope of an activation at each element, by central differences. */
function slopes(kind: Activation, x: Exact): Exact {
  const step = 1e-5
  const at = (value: number) => reference.activation(kind, value)
  return map(x, value => (at(value + step) - at(value - step)) / (2 * step))
}

function times(a: Exact, b: Exact): Exact {
  return map(a, (value, i) => value * b.values[i]!)
}

export function describeGates(bench: Workbench): void {
  const { put } = bench
  for (const kind of kinds) {
    it(`activate with ${kind}, and its gradient against finite differences`, async () => {
      for (const shape of shapes) {
        const [x, dy] = [random(shape, 1, 4), random(shape, 2)]
        const input = put(x)
        const y = bench.backend.activate(kind, input)
        await bench.expect(y, reference.activate(kind, x), `activate [${shape}]`)
        const dx = bench.backend.activateGradient(kind, put(dy), input)
        await bench.expect(dx, times(dy, slopes(kind, x)), `activateGradient [${shape}]`)
      }
    })

    it(`gate with ${kind}, and its gradients against finite differences`, async () => {
      for (const shape of shapes) {
        const [x, up, dy] = [random(shape, 1, 4), random(shape, 2), random(shape, 3)]
        const [left, right] = [put(x), put(up)]
        const y = bench.backend.gate(kind, left, right)
        await bench.expect(y, reference.gate(kind, x, up), `gate [${shape}]`)
        const gradient = bench.backend.gateGradient(kind, put(dy), left, right)
        await bench.expect(gradient.gate, times(dy, times(up, slopes(kind, x))), `gate's gradient [${shape}]`)
        await bench.expect(gradient.up, times(dy, reference.activate(kind, x)), `up's gradient [${shape}]`)
      }
    })

    it(`${kind} far from zero`, async () => {
      for (const far of [30, 100, 1e4]) {
        const x = exact([3, 2], [far, -far, 2 * far, -2 * far, 1, -1])
        const dy = exact([3, 2], [1, 1, -1, -1, 1, 1])
        const input = put(x)
        await bench.expect(
          bench.backend.activate(kind, input),
          reference.activate(kind, x),
          `activate ${far}`
        )
        const dx = bench.backend.activateGradient(kind, put(dy), input)
        // Far out the slope is 1 or 0, which the difference quotient finds up to its rounding.
        await bench.expect(dx, times(dy, slopes(kind, x)), `slope at ${far}`)
      }
    })
  }
}
