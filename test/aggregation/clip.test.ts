import { expect } from 'chai'
import fc from 'fast-check'
import { clipToNorm } from '../../aggregation/clip.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { l2Norm } from '../../aggregation/vector.ts'

const delta = fc.float32Array({ minLength: 1, maxLength: 40, noNaN: true, noDefaultInfinity: true })

describe('clipToNorm (McMahan et al. 2018, flat clipping)', () => {
  it('never leaves more than the clip norm, up to rounding in float64', () => {
    fc.assert(
      fc.property(delta, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (vector, clipNorm) => {
        const { clipped, norm, wasClipped } = clipToNorm(vector, clipNorm)
        expect(norm).to.equal(l2Norm(vector))
        expect(wasClipped).to.equal(norm > clipNorm)
        if (wasClipped) expect(l2Norm(clipped) / clipNorm).to.be.closeTo(1, 1e-12)
        else expect(clipped).to.deep.equal(Float64Array.from(vector))
      })
    )
  })

  it('clips from just above the norm on, and not at it', () => {
    expect(clipToNorm(Float32Array.of(3, 4), 5).wasClipped).to.equal(false)
    const { wasClipped, clipped } = clipToNorm(Float32Array.of(3, 4), 5 * (1 - 2 ** -50))
    expect(wasClipped).to.equal(true)
    expect(clipped).to.not.deep.equal(Float64Array.of(3, 4))
  })

  it('keeps the direction', () => {
    expect(clipToNorm(Float32Array.of(3, -4), 1).clipped).to.deep.equal(
      Float64Array.of(3 * (1 / 5), -4 * (1 / 5))
    )
  })

  it('reaches the extremes of float32 without overflow', () => {
    const huge = new Float32Array(1000).fill(3.4e38)
    expect(clipToNorm(huge, 1).norm / (3.4e38 * Math.sqrt(1000))).to.be.closeTo(1, 1e-6)
    expect(l2Norm(clipToNorm(huge, 1).clipped)).to.be.closeTo(1, 1e-12)
    expect(clipToNorm(Float32Array.of(1e-45), 1).norm).to.be.above(0)
  })

  it('names the coordinate that is not finite', () => {
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      expect(() => clipToNorm(Float32Array.of(0, 1, bad), 1))
        .to.throw(AggregationError)
        .that.deep.includes({ code: 'NON_FINITE', data: { coordinate: 2 } })
    }
  })

  for (const bad of [0, -1, Number.NaN, Infinity]) {
    it(`refuses the clip norm ${bad}`, () => {
      expect(() => clipToNorm(Float32Array.of(1), bad)).to.throw(AggregationError, 'BAD_SETTING')
    })
  }
})
