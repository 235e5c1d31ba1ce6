import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { noiseSampler } from '../../aggregation/dp-noise.ts'
import { NOISE_TABLE_DISTANCE, noiseTable } from '../../aggregation/dp-noise-table.ts'
import { epsilonOfRdp, integerOrders } from '../../aggregation/dp-rdp.ts'
import { uniformIntegers } from '../../aggregation/dp-uniform.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { integerL1Bound, roundedL2Bound } from '../../aggregation/privacy-rounding.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { sampleSkellam, skellamWeights } from '../../aggregation/skellam.ts'
import { skellamRdp } from '../../aggregation/skellam-rdp.ts'
import { fitOf, type IntegerDistribution, skellamDistribution } from '../support/goodness-of-fit.ts'

interface Vectors {
  readonly integerNoise: {
    readonly n: number
    readonly d: number
    readonly clip: number
    readonly noiseMultiplier: number
    readonly delta: number
    readonly cases: ReadonlyArray<{ scale: number; beta: number; l2Inflation: number; skellam: number }>
  }
  readonly coarseIntegerNoise: ReadonlyArray<{
    readonly shares: number
    readonly variance: number
    readonly l1: number
    readonly l2: number
    readonly orders: readonly number[]
    readonly skellam: readonly number[]
  }>
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/dp/accountant.json', import.meta.url), 'utf8')
) as Vectors

function closeTo(got: number, expected: number, relative: number): void {
  expect(Math.abs(got / expected - 1), `${got} beside ${expected}`).to.be.at.most(relative)
}

/** The divergence of a distribution over the integers from itself shifted by `shift`, by its sum. */
function renyiOf({ probabilities }: IntegerDistribution, shift: number, order: number): number {
  const last = probabilities.length - 1
  const p = (x: number) => probabilities[Math.abs(x)] ?? 0
  let sum = 0
  for (let x = -last; x <= last; x++) {
    if (p(x) > 0 && p(x - shift) > 0) {
      sum += Math.exp(order * Math.log(p(x)) + (1 - order) * Math.log(p(x - shift)))
    }
  }
  return Math.log(sum) / (order - 1)
}

describe('Rényi differential privacy of Skellam noise (Agarwal, Kairouz and Liu 2021)', () => {
  const { d, clip, noiseMultiplier, delta, cases } = vectors.integerNoise
  for (const { scale, beta, l2Inflation, skellam } of cases) {
    it(`scale ${scale.toFixed(1)}, beta ${beta.toFixed(2)}: distributed_dp’s epsilon`, () => {
      const l2 = roundedL2Bound(clip * scale, d, beta)
      closeTo(l2 / (clip * scale), l2Inflation, 1e-12)
      const sensitivity = { l1: integerL1Bound(l2, d), l2 }
      const variance = (noiseMultiplier * clip * scale) ** 2
      const rdp = integerOrders.map(order => skellamRdp(order, sensitivity, variance))
      closeTo(epsilonOfRdp(integerOrders, rdp, delta).epsilon, skellam, 1e-10)
    })
  }

  it('is distributed_dp’s at every order where the steps are coarse', () => {
    for (const { shares, variance, l1, l2, orders, skellam } of vectors.coarseIntegerNoise) {
      orders.forEach((order, i) => {
        closeTo(skellamRdp(order, { l1, l2 }, shares * variance), skellam[i]!, 1e-12)
      })
    }
  })

  it('bounds the true divergence, in one coordinate, and not by far for a large variance', () => {
    for (const variance of [1, 4, 30, 400]) {
      const distribution = skellamDistribution(variance)
      for (const shift of [1, 2, 7]) {
        for (const order of [2, 3, 5, 10]) {
          if (shift * order > 4 * variance) continue
          const truth = renyiOf(distribution, shift, order)
          const bound = skellamRdp(order, { l1: shift, l2: shift }, variance)
          expect(bound, `variance ${variance}, shift ${shift}, order ${order}`).to.be.at.least(truth)
          if (variance === 400) closeTo(bound, truth, 0.05)
        }
      }
    }
  })

  it('knows whole orders only', () => {
    expect(() => skellamRdp(2.5, { l1: 1, l2: 1 }, 4)).to.throw(AggregationError, 'whole number from 2 on')
    expect(() => skellamRdp(2, { l1: 1, l2: 1 }, 0)).to.throw(AggregationError, 'variance')
  })
})

describe('Skellam samples', () => {
  it('drawn exactly fit the distribution: chi-square, mean and variance', () => {
    for (const [variance, count] of [
      [1, 40_000],
      [6, 20_000],
      [90, 4_000]
    ] as const) {
      const uniform = uniformIntegers(seededRandom(variance))
      const fit = fitOf(() => sampleSkellam(variance, uniform), count, skellamDistribution(variance))
      for (const p of Object.values(fit)) expect(p, JSON.stringify({ variance, fit })).to.be.above(1e-3)
    }
  })

  it('drawn from a table fit the distribution: chi-square, mean and variance', () => {
    for (const variance of [1, 6, 90, 10_000]) {
      const random = seededRandom(variance)
      const sample = noiseSampler('skellam', variance, 'table')
      const fit = fitOf(() => sample(random), 200_000, skellamDistribution(variance))
      for (const p of Object.values(fit)) expect(p, JSON.stringify({ variance, fit })).to.be.above(1e-3)
    }
  })

  it('of a variance that is off by 5% are told apart by the same test', () => {
    const random = seededRandom(5)
    const sample = noiseSampler('skellam', 105, 'table')
    const fit = fitOf(() => sample(random), 200_000, skellamDistribution(100))
    expect(fit.chiSquareP).to.be.below(1e-9)
    expect(fit.varianceP).to.be.below(1e-9)
    const exact = uniformIntegers(seededRandom(6))
    expect(fitOf(() => sampleSkellam(21, exact), 30_000, skellamDistribution(20)).varianceP).to.be.below(1e-4)
  })

  it('of a rounded Gaussian of the same variance are told apart by the same test', () => {
    // Same mean, same variance, other tails: only the shape betrays it.
    const random = seededRandom(8)
    const sample = noiseSampler('discrete-gaussian', 2, 'table')
    const fit = fitOf(() => sample(random), 200_000, skellamDistribution(2))
    expect(fit.chiSquareP).to.be.below(1e-9)
    expect(fit.varianceP).to.be.above(1e-3)
  })

  it('add up to Skellam samples: 64 shares of variance 16 are one of 1024', () => {
    const random = seededRandom(64)
    const sample = noiseSampler('skellam', 16, 'table')
    const sum = () => {
      let total = 0
      for (let share = 0; share < 64; share++) total += sample(random)
      return total
    }
    const fit = fitOf(sum, 20_000, skellamDistribution(1024))
    for (const p of Object.values(fit)) expect(p, JSON.stringify(fit)).to.be.above(1e-3)
  })

  it('come from a table whose probabilities are the distribution’s', () => {
    for (const variance of [1, 6, 90]) {
      const table = noiseTable(skellamWeights(variance))
      const { probabilities } = skellamDistribution(variance)
      let sum = 0
      for (let x = -probabilities.length; x <= probabilities.length; x++) sum += table.probability(x)
      expect(sum).to.be.closeTo(1, 1e-12)
      probabilities.forEach((p, x) => {
        expect(Math.abs(table.probability(x) - p)).to.be.at.most(1e-12 * p + NOISE_TABLE_DISTANCE)
      })
    }
  })

  it('of a largest variance come from a table too', () => {
    const random = seededRandom(9)
    const sample = noiseSampler('skellam', 4_194_304, 'table')
    let squares = 0
    for (let i = 0; i < 50_000; i++) squares += sample(random) ** 2
    closeTo(squares / 50_000, 4_194_304, 0.03)
  })

  for (const variance of [0, 1.5, 4_194_305, Number.NaN]) {
    it(`refuse the variance ${variance}`, () => {
      const uniform = uniformIntegers(seededRandom(1))
      expect(() => sampleSkellam(variance, uniform)).to.throw(AggregationError, 'variance')
      expect(() => noiseSampler('skellam', variance, 'table')).to.throw(AggregationError, 'variance')
    })
  }
})

describe('a noise table', () => {
  it('decides by further words when the first is equal', () => {
    // Half at 0, the rest at +-1, +-2, ...: the running sums lie at words whose rest is zero.
    const weights = Array.from({ length: 140 }, (_, k) => 1n << BigInt(139 - k))
    const table = noiseTable(weights)
    const below = table.probability(-1) + table.probability(-2)
    expect(below).to.be.above(0.24)
    const words = [0x55555555, 0x55555555, 0x55555555, 0x55555555]
    let drawn = 0
    const next = { nextUint32: () => words[drawn++]! }
    // One third of the weights lie below zero, so the sum up to -1 starts with this very word, over and over.
    expect(table.sample(next)).to.be.oneOf([-1, 0])
    expect(drawn).to.equal(4)
    drawn = 0
    words[3] = 0
    expect(table.sample(next)).to.equal(-1)
    drawn = 0
    words[1] = 0xffffffff
    expect(table.sample(next)).to.equal(0)
  })

  it('refuses weights that stop before the tail is negligible', () => {
    expect(() => noiseTable([8n, 4n, 2n, 1n])).to.throw(AggregationError, 'BAD_SETTING')
  })
})
