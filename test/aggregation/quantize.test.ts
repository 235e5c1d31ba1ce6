import { expect } from 'chai'
import fc from 'fast-check'
import { AggregationError } from '../../aggregation/errors.ts'
import { dequantize, quantize } from '../../aggregation/quantize.ts'
import { type Random, seededRandom } from '../../aggregation/random.ts'

const always = (value: number): Random => ({ nextUint32: () => value })
const highest = always(0xffffffff)
const lowest = always(0)

const levelMax = fc.integer({ min: 1, max: 2 ** 31 - 1 })
const bound = fc.double({ min: 1e-30, max: 1e30, noNaN: true })

describe('quantize (Suresh et al. 2017, k-level stochastic rounding)', () => {
  it('never exceeds the highest level, whatever the value, the bound and the draw', () => {
    fc.assert(
      fc.property(
        levelMax,
        bound,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (levels, reach, x) => {
          for (const random of [lowest, highest]) {
            for (const value of [x, reach, -reach, reach * (1 - 2 ** -52)]) {
              expect(Math.abs(quantize(Float64Array.of(value), reach, levels, random)[0]!)).to.be.at.most(
                levels
              )
            }
          }
        }
      ),
      { numRuns: 2000 }
    )
  })

  it('is within one level of the clamped value', () => {
    const value = fc.double({ min: -2, max: 2, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 20 }), value, fc.nat(0xffffffff), (levels, x, draw) => {
        const [back] = dequantize(quantize(Float64Array.of(x), 1, levels, always(draw)), 1, levels)
        expect(Math.abs(back! - Math.min(1, Math.max(-1, x)))).to.be.at.most((1 + 1e-9) / levels)
      })
    )
  })

  it('leaves a value that is a level as it is, whatever the draw', () => {
    const values = Float64Array.from({ length: 31 }, (_, i) => (i - 15) / 15)
    const levels = Int32Array.from({ length: 31 }, (_, i) => i - 15)
    // Of these levels, those that the division hits exactly.
    for (const random of [lowest, highest]) {
      const got = quantize(values, 1, 15, random)
      for (const i of [0, 15, 30]) expect(got[i]).to.equal(levels[i])
    }
  })

  it('is right on average: the mean of many draws is the clamped value', () => {
    const random = seededRandom(7)
    const count = 200_000
    for (const x of [0.3, -0.77, 0.004, -5]) {
      const levels = quantize(new Float64Array(count).fill(x), 2, 7, random)
      const mean = dequantize(levels, 2, 7).reduce((sum, y) => sum + y, 0) / count
      // One level is 2/7; the deviation of the mean at most half of it over sqrt(count): five of these.
      expect(mean).to.be.closeTo(Math.max(x, -2), (5 * (1 / 7)) / Math.sqrt(count))
    }
  })

  it('names the coordinate that is not finite', () => {
    expect(() => quantize(Float32Array.of(1, Number.NaN), 1, 7, lowest))
      .to.throw(AggregationError)
      .that.deep.includes({ code: 'NON_FINITE', data: { coordinate: 1 } })
  })

  for (const [reach, levels] of [
    [0, 7],
    [Infinity, 7],
    [1, 0],
    [1, 1.5],
    [1, 2 ** 31]
  ] as const) {
    it(`refuses bound ${reach} with ${levels} levels`, () => {
      expect(() => quantize(Float32Array.of(0), reach, levels, lowest)).to.throw(
        AggregationError,
        'BAD_SETTING'
      )
      expect(() => dequantize(Int32Array.of(0), reach, levels)).to.throw(AggregationError, 'BAD_SETTING')
    })
  }
})
