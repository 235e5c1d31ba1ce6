import { expect } from 'chai'
import { seededRandom } from '../../../../aggregation/random.ts'
import type { Shape } from '../../../../node/backend/backend.ts'

/** A tensor in float64, row-major: what the naive loops of this folder compute with. */
export interface Exact {
  readonly shape: Shape
  readonly values: Float64Array
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((size, length) => size * length, 1)
}

export function exact(shape: Shape, values: ArrayLike<number>): Exact {
  if (values.length !== sizeOf(shape)) throw new RangeError(`[${shape}] is not ${values.length} values`)
  return { shape, values: Float64Array.from(values) }
}

export function exactZeros(shape: Shape): Exact {
  return { shape, values: new Float64Array(sizeOf(shape)) }
}

/** Uniform in (-spread, spread), rounded to float32, so that a backend is given the very same values. */
export function random(shape: Shape, seed: number, spread = 1): Exact {
  const source = seededRandom(seed)
  const value = () => Math.fround((source.nextUint32() / 2 ** 31 - 1) * spread)
  return { shape, values: Float64Array.from({ length: sizeOf(shape) }, value) }
}

export function map(x: Exact, f: (value: number, index: number) => number): Exact {
  return { shape: x.shape, values: x.values.map(f) }
}

/**
 * d sum(dy f(x)) / dx by central differences. In float64 with steps of 1e-5 its own error is near 1e-9.
 * @param f - of values shaped like x
 */
export function numericGradient(f: (x: Exact) => Exact, x: Exact, dy: Exact): Exact {
  const step = 1e-5
  const dot = (y: Exact) => y.values.reduce((sum, value, i) => sum + value * dy.values[i]!, 0)
  return map(x, (value, at) => {
    const moved = (by: number) => dot(f(map(x, (other, i) => (i === at ? value + by : other))))
    return (moved(step) - moved(-step)) / (2 * step)
  })
}

/**
 * float32 sums of some hundred terms stay within 1e-6 of the size of their terms; a wrong formula or a wrong element is
 * off by far more than ten times that.
 */
export const float32Tolerance = 1e-5

/** Inputs are near 1, so terms are too, also those that cancel: nothing is known better than relative to a tenth. */
const leastSize = 0.1

/** Every value lies within `tolerance` of the expected one, relative to its size plus the root mean square of all, if more than a tenth. */
export function expectClose(
  got: Float32Array,
  expected: Exact,
  what: string,
  tolerance = float32Tolerance
): void {
  const { values, shape } = expected
  expect(got.length, `${what}: values of [${shape}]`).to.equal(values.length)
  const rms = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
  const size = Math.max(rms, leastSize)
  let worst = 0
  let worstAt = 0
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs(got[i]! - values[i]!)
    const allowed = tolerance * (Math.abs(values[i]!) + size)
    const excess = error / allowed
    // Not `excess > worst`, which NaN would pass.
    if (!(excess <= worst)) [worst, worstAt] = [excess, i]
    if (Number.isNaN(excess)) break
  }
  if (!(worst <= 1)) {
    const [value, wanted] = [got[worstAt], values[worstAt]]
    expect.fail(
      `${what}: element ${worstAt} of [${shape}] is ${value}, not ${wanted} (${worst} times the tolerance)`
    )
  }
}
