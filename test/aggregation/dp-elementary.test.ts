import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { exp, expm1, log, log1p, logAdd, logNormalTail, normalTail } from '../../aggregation/dp-elementary.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/dp/accountant.json', import.meta.url), 'utf8')
) as { logNormalTail: Array<{ z: number; log: number }> }

/** Two units in the last place, of a value that is not subnormal. */
function near(got: number, expected: number): void {
  expect(Math.abs(got - expected)).to.be.at.most(Math.abs(expected) * 2 * Number.EPSILON)
}

const runs = { numRuns: 5000 }

describe('exp and log in + - * / alone', () => {
  it('exp is the engine’s to two units in the last place', () => {
    fc.assert(
      fc.property(fc.double({ min: -708, max: 709, noNaN: true }), x => near(exp(x), Math.exp(x))),
      runs
    )
  })

  it('exp overflows, underflows and passes NaN on', () => {
    expect(exp(710)).to.equal(Number.POSITIVE_INFINITY)
    expect(exp(-746)).to.equal(0)
    expect(exp(-744.4)).to.equal(5e-324)
    expect(exp(0)).to.equal(1)
    expect(exp(Number.NaN)).to.be.NaN
  })

  it('log is the engine’s, down to the smallest subnormal', () => {
    const positive = fc.double({ min: 5e-324, noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(fc.oneof(positive, fc.double({ min: 0.5, max: 2, noNaN: true })), x =>
        near(log(x), Math.log(x))
      ),
      runs
    )
    expect(log(1)).to.equal(0)
    expect(log(0)).to.equal(Number.NEGATIVE_INFINITY)
    expect(log(-1)).to.be.NaN
    expect(log(Number.POSITIVE_INFINITY)).to.equal(Number.POSITIVE_INFINITY)
  })

  it('log1p and expm1 keep their digits next to zero', () => {
    const small = fc.double({ min: -0.9, max: 0.9, noNaN: true })
    fc.assert(
      fc.property(small, x => {
        near(log1p(x), Math.log1p(x))
        near(expm1(x), Math.expm1(x))
      }),
      runs
    )
    near(log1p(1e-17), 1e-17)
    near(expm1(-1e-17), -1e-17)
    expect(expm1(-800)).to.equal(-1)
    expect(expm1(800)).to.equal(Number.POSITIVE_INFINITY)
  })

  it('logAdd adds what would overflow, and zeros', () => {
    near(logAdd(1000, 1000), 1000 + Math.LN2)
    expect(logAdd(Number.NEGATIVE_INFINITY, -3)).to.equal(-3)
    expect(logAdd(2, Number.POSITIVE_INFINITY)).to.equal(Number.POSITIVE_INFINITY)
    expect(logAdd(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)).to.equal(Number.NEGATIVE_INFINITY)
  })
})

describe('the tail of the normal distribution', () => {
  for (const { z, log: expected } of vectors.logNormalTail) {
    it(`at ${z} is scipy’s`, () => {
      expect(Math.abs(logNormalTail(z) - expected)).to.be.at.most(1e-13 * Math.max(1, Math.abs(expected)))
    })
  }

  it('falls, and the two tails are one whole', () => {
    let last = 1
    for (let z = -9; z < 38; z += 0.01) {
      const tail = normalTail(z)
      expect(tail).to.be.at.most(last)
      expect(tail + normalTail(-z)).to.be.closeTo(1, 1e-14)
      last = tail
    }
  })
})
