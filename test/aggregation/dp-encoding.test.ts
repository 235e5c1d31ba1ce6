import { expect } from 'chai'
import fc from 'fast-check'
import { epsilonAfter } from '../../aggregation/dp-accountant.ts'
import { noiseSampler } from '../../aggregation/dp-noise.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { nextClipNorm, unclippedSideBound } from '../../aggregation/privacy-clipping.ts'
import {
  decodePrivateSum,
  encodePrivately,
  unclippedFraction,
  unclippedSide
} from '../../aggregation/privacy-encoding.ts'
import { mechanismOf, type PrivacyPlan, privacyPlan } from '../../aggregation/privacy-plan.ts'
import { integerL1Bound, roundedL2Bound, roundWithin } from '../../aggregation/privacy-rounding.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { l2Norm } from '../../aggregation/vector.ts'

function planOf(given: { noiseMultiplier?: number; dimension?: number; sideBounds?: number[] } = {}) {
  return privacyPlan({
    noise: 'skellam',
    noiseMultiplier: 1,
    dimension: 40,
    participants: 10,
    threshold: 7,
    colluders: 3,
    ringBits: 16,
    sideBounds: [],
    ...given
  })
}

const silence = () => 0

/** A vector of exactly this norm, in no particular direction. */
function vectorOf(norm: number, dimension: number, seed: number): Float64Array {
  const random = seededRandom(seed)
  const vector = Float64Array.from({ length: dimension }, () => random.nextUint32() / 2 ** 31 - 1)
  const scale = norm / l2Norm(vector)
  return vector.map(x => x * scale)
}

describe('rounding under a norm (Kairouz, Liu and Steinke 2021)', () => {
  it('stays within both bounds, whatever is drawn', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0.01, max: 300, noNaN: true }),
        fc.integer(),
        (dimension, norm, seed) => {
          const bound = roundedL2Bound(norm, dimension)
          const levels = roundWithin(vectorOf(norm, dimension, seed), bound, seededRandom(seed))
          const l2 = Math.hypot(...levels)
          const l1 = levels.reduce((sum, x) => sum + Math.abs(x), 0)
          expect(l2).to.be.at.most(bound * (1 + 1e-12))
          expect(l1).to.be.at.most(integerL1Bound(bound, dimension) * (1 + 1e-12))
        }
      ),
      { numRuns: 500 }
    )
  })

  it('draws again what came out longer', () => {
    // Sixteen halves, norm 2: sixteen ones are 4 long, and the bound is sqrt(4 + 4 + 4) = 3.46.
    const halves = new Float64Array(16).fill(0.5)
    expect(roundedL2Bound(2, 16)).to.be.closeTo(Math.sqrt(12), 1e-12)
    let drawn = 0
    const upThenEven = { nextUint32: () => (drawn++ < 16 || drawn % 2 === 0 ? 0 : 0xffffffff) }
    const levels = roundWithin(halves, roundedL2Bound(2, 16), upThenEven)
    expect(drawn).to.equal(32)
    expect(levels.reduce((sum, x) => sum + x, 0)).to.equal(8)
  })

  it('draws again rarely: more often than not the first rounding will do', () => {
    const random = seededRandom(11)
    let words = 0
    const counted = {
      nextUint32() {
        words++
        return random.nextUint32()
      }
    }
    const dimension = 200
    for (let i = 0; i < 200; i++) {
      roundWithin(vectorOf(20, dimension, i), roundedL2Bound(20, dimension), counted)
    }
    expect(words / (200 * dimension)).to.be.below(2)
  })

  it('without the second bound is norm + sqrt(d)', () => {
    expect(roundedL2Bound(100, 25, 0)).to.equal(105)
    // A short vector of many coordinates cannot be rounded to anything longer than its square allows in L1.
    expect(integerL1Bound(3, 1_000_000)).to.equal(9)
    expect(integerL1Bound(300, 100)).to.equal(3000)
  })

  it('is right on average', () => {
    const random = seededRandom(12)
    const values = Float64Array.of(0.3, -0.3, 2.75, -7.5)
    const sums = new Float64Array(4)
    for (let i = 0; i < 20_000; i++) {
      for (const [k, level] of roundWithin(values, 20, random).entries()) sums[k]! += level
    }
    for (const [k, sum] of sums.entries()) expect(sum / 20_000).to.be.closeTo(values[k]!, 0.02)
  })

  it('gives up on a vector longer than was promised, and names what is not a number', () => {
    const random = seededRandom(13)
    expect(() => roundWithin(Float64Array.of(30, 40), 49, random)).to.throw(
      AggregationError,
      'clip the values'
    )
    expect(() => roundWithin(Float64Array.of(0, Number.NaN), 9, random))
      .to.throw(AggregationError)
      .that.deep.includes({ code: 'NON_FINITE', data: { coordinate: 1 } })
  })
})

describe('a change as integers with noise', () => {
  it('comes back as it went in, within rounding, if there is no noise', () => {
    const plan = planOf({ sideBounds: [0.5] })
    const coordinates = vectorOf(0.02, 40, 1)
    const sums = new Float64Array(41)
    for (let client = 0; client < 10; client++) {
      const input = { coordinates, sides: [client < 6 ? 1 : -1] }
      const levels = encodePrivately(plan, input, 0.02, silence, seededRandom(client))
      for (const [i, level] of levels.entries()) sums[i]! += level
    }
    const { coordinates: sum, sides } = decodePrivateSum(plan, sums, 0.02)
    const step = 0.02 / plan.clipLevels
    for (const [i, x] of sum.entries()) expect(x).to.be.closeTo(10 * coordinates[i]!, 10 * step)
    expect(sides[0]).to.be.closeTo(2, 1e-9)
    expect(unclippedFraction(sides[0]!, 10)).to.be.closeTo(0.6, 1e-9)
  })

  it('stays within the sensitivity that is charged, coordinates and sides together', () => {
    const plan = planOf({ sideBounds: [0.3, 0.8] })
    for (let seed = 0; seed < 100; seed++) {
      const input = { coordinates: vectorOf(3, 40, seed), sides: [1, -1] }
      const levels = encodePrivately(plan, input, 3, silence, seededRandom(seed))
      expect(Math.hypot(...levels)).to.be.at.most(plan.sensitivity.l2 * (1 + 1e-12))
      expect(levels.reduce((sum, x) => sum + Math.abs(x), 0)).to.be.at.most(plan.sensitivity.l1)
      expect(Math.max(...levels.subarray(0, 40).map(Math.abs))).to.be.at.most(plan.levelMax)
    }
  })

  it('carries noise of the planned variance on every coordinate and every side', () => {
    const plan = planOf({ sideBounds: [1] })
    const noise = noiseSampler('skellam', plan.shareVariance, 'table')
    const random = seededRandom(21)
    const squares = new Float64Array(41)
    const rounds = 4000
    for (let i = 0; i < rounds; i++) {
      const input = { coordinates: new Float64Array(40), sides: [0] }
      for (const [k, level] of encodePrivately(plan, input, 1, noise, random).entries())
        squares[k]! += level ** 2
    }
    // Six deviations of a sample variance of 4000.
    for (const square of squares) {
      expect(square / rounds / plan.shareVariance).to.be.closeTo(1, 6 * Math.sqrt(2 / rounds))
    }
  })

  it('costs the same whatever the clip norm is', () => {
    const plan = planOf()
    const [small, large] = [1e-6, 1e6].map(clip =>
      encodePrivately(plan, { coordinates: vectorOf(clip, 40, 5), sides: [] }, clip, silence, seededRandom(5))
    )
    expect(small).to.deep.equal(large)
  })

  it('refuses what is longer than the clip norm, not a number, or not of the plan', () => {
    const plan = planOf({ sideBounds: [1] })
    const encode = (coordinates: Float64Array, sides: number[], clip = 1) =>
      encodePrivately(plan, { coordinates, sides }, clip, silence, seededRandom(1))
    expect(() => encode(vectorOf(1.01, 40, 1), [0])).to.throw(AggregationError, 'at most the clip norm')
    expect(() => encode(vectorOf(1, 40, 1), [1.1])).to.throw(AggregationError, 'side 0')
    expect(() => encode(vectorOf(1, 40, 1), [])).to.throw(AggregationError, 'LENGTH_MISMATCH')
    expect(() => encode(vectorOf(1, 39, 1), [0])).to.throw(AggregationError, 'LENGTH_MISMATCH')
    expect(() => encode(vectorOf(1, 40, 1), [0], 0)).to.throw(AggregationError, 'clip norm')
    const broken = vectorOf(1, 40, 1)
    broken[7] = Number.POSITIVE_INFINITY
    expect(() => encode(broken, [0]))
      .to.throw(AggregationError)
      .that.deep.includes({ code: 'NON_FINITE', data: { coordinate: 7 } })
    expect(() => decodePrivateSum(plan, new Float64Array(40), 1)).to.throw(
      AggregationError,
      'LENGTH_MISMATCH'
    )
  })
})

describe('whether a client took part, guessed from the sum', () => {
  /** How much more often a client is seen when it is there than e^epsilon allows: delta of the best threshold. */
  function measuredDelta(plan: PrivacyPlan, noiseVariance: number, epsilon: number, trials: number): number {
    const { dimension } = plan.settings
    const noise = noiseSampler('skellam', noiseVariance, 'table')
    const random = seededRandom(31)
    const change = new Float64Array(dimension)
    change[0] = 4.5 / Math.sqrt(dimension)
    change.fill(Math.sqrt((1 - change[0] ** 2) / (dimension - 1)), 1)
    const length = l2Norm(change)
    // Along the change: the likelihood ratio of Gaussian noise, and nearly that of this noise.
    const seen = (isThere: boolean) => {
      let along = 0
      for (let share = 0; share < plan.honestShares; share++) {
        const coordinates = isThere && share === 0 ? change : new Float64Array(dimension)
        const levels = encodePrivately(plan, { coordinates, sides: [] }, 1, noise, random)
        for (let i = 0; i < dimension; i++) along += (levels[i]! * change[i]!) / length
      }
      return along
    }
    const there = Float64Array.from({ length: trials }, () => seen(true)).sort()
    const gone = Float64Array.from({ length: trials }, () => seen(false)).sort()
    // The threshold is set on one half of the trials, and judged on the other.
    let [best, threshold] = [Number.NEGATIVE_INFINITY, 0]
    const above = (values: Float64Array, limit: number, half: number) =>
      values.filter((x, i) => i % 2 === half && x > limit).length / (trials / 2)
    for (let i = 0; i < trials; i += 50) {
      const excess = above(there, there[i]!, 0) - Math.exp(epsilon) * above(gone, there[i]!, 0)
      if (excess > best) [best, threshold] = [excess, there[i]!]
    }
    return above(there, threshold, 1) - Math.exp(epsilon) * above(gone, threshold, 1)
  }

  const plan = planOf({ noiseMultiplier: 2, dimension: 25 })
  const delta = 0.05
  const { epsilon } = epsilonAfter([{ mechanism: mechanismOf(plan), rounds: 1 }], delta)
  // Of a difference of two frequencies of 2000 trials each, the second times e^epsilon.
  const error = 4 * Math.sqrt((0.25 + 0.25 * Math.exp(epsilon)) / 2000)

  it('stays below the promise', () => {
    expect(epsilon).to.be.within(0.3, 2)
    expect(measuredDelta(plan, plan.shareVariance, epsilon, 4000)).to.be.below(delta + error)
  })

  it('exceeds it when the noise is off, or halved', () => {
    expect(measuredDelta(plan, 1, epsilon, 4000)).to.be.above(delta + error)
    expect(measuredDelta(plan, Math.round(plan.shareVariance / 4), epsilon, 4000)).to.be.above(delta + error)
  })
})

describe('adaptive clipping (Andrew et al. 2021)', () => {
  const settings = { targetFraction: 0.5, learningRate: 0.2, min: 1e-4, max: 100 }

  it('moves by the fraction that was NOT clipped: all unclipped lowers the clip norm', () => {
    expect(nextClipNorm(1, 1, settings)).to.be.closeTo(Math.exp(-0.1), 1e-15)
    expect(nextClipNorm(1, 0, settings)).to.be.closeTo(Math.exp(0.1), 1e-15)
    expect(nextClipNorm(0.7, 0.5, settings)).to.equal(0.7)
  })

  it('finds the median of the norms through the noise, from far above and far below', () => {
    const norms = Array.from({ length: 30 }, (_, i) => 0.5 + i / 10)
    const plan = planOf({ sideBounds: [unclippedSideBound(1, 1.5)], dimension: 10 })
    const noise = noiseSampler('skellam', plan.shareVariance, 'table')
    for (const start of [0.01, 50]) {
      const random = seededRandom(41)
      let clipNorm = start
      for (let round = 0; round < 120; round++) {
        const sum = new Float64Array(11)
        for (const norm of norms) {
          const input = { coordinates: new Float64Array(10), sides: [unclippedSide(norm, clipNorm)] }
          for (const [i, x] of encodePrivately(plan, input, clipNorm, noise, random).entries()) sum[i]! += x
        }
        const [side] = decodePrivateSum(plan, sum, clipNorm).sides
        clipNorm = nextClipNorm(clipNorm, unclippedFraction(side!, norms.length), settings)
      }
      // The median is 1.95; a third of the clients to either side is what such noise leaves.
      expect(clipNorm).to.be.within(1.3, 2.7)
    }
  })

  it('sizes the count: its noise has the deviation that was asked for', () => {
    // z C over a bound of z C / (2 s) is a deviation of 2 s on a sum of +-1, and s on the count.
    expect(unclippedSideBound(1, 3.2)).to.be.closeTo(1 / 6.4, 1e-15)
    expect(unclippedSideBound(10, 1)).to.equal(1)
    expect(unclippedSide(1, 1)).to.equal(1)
    expect(unclippedSide(1.0001, 1)).to.equal(-1)
    expect(unclippedFraction(-200, 10)).to.equal(0)
    expect(unclippedFraction(200, 10)).to.equal(1)
  })

  it('keeps within its limits and refuses impossible settings', () => {
    expect(nextClipNorm(1, 1, { ...settings, min: 1, max: 1 })).to.equal(1)
    for (const wrong of [{ targetFraction: 0 }, { targetFraction: 1 }, { learningRate: 0 }, { min: 200 }]) {
      expect(() => nextClipNorm(1, 0.5, { ...settings, ...wrong })).to.throw(AggregationError)
    }
    expect(() => nextClipNorm(1, Number.NaN, settings)).to.throw(AggregationError, 'fraction')
    expect(() => unclippedSide(Number.NaN, 1)).to.throw(AggregationError, 'norm')
  })
})
