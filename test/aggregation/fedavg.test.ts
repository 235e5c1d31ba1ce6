import { expect } from 'chai'
import fc from 'fast-check'
import { AggregationError } from '../../aggregation/errors.ts'
import { weightedMean } from '../../aggregation/fedavg.ts'

describe('weightedMean (McMahan et al. 2017, algorithm 1)', () => {
  it('is sum of weight * delta over sum of weights', () => {
    expect(weightedMean({ weightedSum: Float64Array.of(6, -3, 0), weightSum: 4 })).to.deep.equal(
      Float64Array.of(1.5, -0.75, 0)
    )
  })

  it('of equal deltas is that delta, whatever the weights', () => {
    const weights = fc.array(
      fc.integer({ min: 0, max: 6 }).map(k => 2 ** k),
      { minLength: 1, maxLength: 20 }
    )
    fc.assert(
      fc.property(weights, fc.double({ min: -1, max: 1, noNaN: true }), (list, delta) => {
        const weightSum = list.reduce((sum, weight) => sum + weight, 0)
        const weightedSum = Float64Array.of(list.reduce((sum, weight) => sum + weight * delta, 0))
        expect(weightedMean({ weightedSum, weightSum })[0]).to.be.closeTo(delta, 1e-12)
      })
    )
  })

  it('refuses weights that sum to nothing', () => {
    for (const weightSum of [0, -1, Number.NaN]) {
      expect(() => weightedMean({ weightedSum: Float64Array.of(1), weightSum })).to.throw(
        AggregationError,
        'TOO_FEW'
      )
    }
  })
})
