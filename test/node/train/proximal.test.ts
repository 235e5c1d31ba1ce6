import { expect } from 'chai'
import fc from 'fast-check'
import { addProximalGradient } from '../../../node/train/proximal.ts'

const vector = (length: number) =>
  fc.float32Array({
    minLength: length,
    maxLength: length,
    min: -8,
    max: 8,
    noNaN: true,
    noDefaultInfinity: true
  })

describe('the proximal term (Li et al. 2020, equation 2)', () => {
  it('adds the slope of mu / 2 |w - w0|², by central differences', () => {
    fc.assert(
      fc.property(
        fc.tuple(vector(5), vector(5), vector(5)),
        fc.double({ min: 0, max: 4, noNaN: true }),
        ([gradient, weights, start], mu) => {
          const term = (at: Float64Array): number =>
            (mu / 2) * at.reduce((sum, w, i) => sum + (w - start[i]!) ** 2, 0)
          const got = gradient.slice()
          addProximalGradient(got, weights, start, mu)
          for (const i of weights.keys()) {
            const [above, below] = [1, -1].map(sign => {
              const moved = Float64Array.from(weights)
              moved[i]! += sign * 0.25
              return term(moved)
            })
            expect(got[i]! - gradient[i]!).to.be.closeTo((above! - below!) / 0.5, 1e-5)
          }
        }
      )
    )
  })

  it('is nothing where nothing has moved', () => {
    const gradient = Float32Array.of(1, -2)
    addProximalGradient(gradient, Float32Array.of(3, 4), Float32Array.of(3, 4), 10)
    expect(Array.from(gradient)).to.deep.equal([1, -2])
  })
})
