import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { epsilonAfter, fitsBudget, leastNoise, type Mechanism } from '../../aggregation/dp-accountant.ts'
import { AggregationError } from '../../aggregation/errors.ts'

const { opacusCalibration, epsilon: cases } = JSON.parse(
  readFileSync(new URL('../vectors/dp/accountant.json', import.meta.url), 'utf8')
) as {
  opacusCalibration: { epsilon: number; delta: number; q: number; steps: number; sigma: number }
  epsilon: Array<{ q: number; sigma: number; steps: number; delta: number; rdp: number }>
}

const gaussian = (noiseMultiplier: number, samplingRate = 1): Mechanism => ({
  name: 'gaussian',
  noiseMultiplier,
  samplingRate
})
const skellam: Mechanism = { name: 'skellam', sensitivity: { l1: 9000, l2: 300 }, variance: 2e6 }
const discrete: Mechanism = {
  name: 'discrete-gaussian',
  sensitivity: { l1: 9000, l2: 300 },
  noise: { shares: 20, shareVariance: 1e5, dimension: 1000 }
}

describe('the accountant', () => {
  it('composes rounds: so many at once, one by one, or in parts', () => {
    for (const mechanism of [gaussian(3), gaussian(1.5, 0.1), skellam, discrete]) {
      const { epsilon } = epsilonAfter([{ mechanism, rounds: 12 }], 1e-5)
      const single = Array.from({ length: 12 }, () => ({ mechanism, rounds: 1 }))
      expect(epsilonAfter(single, 1e-5).epsilon).to.be.closeTo(epsilon, 1e-12)
      const parts = [5, 0, 7].map(rounds => ({ mechanism, rounds }))
      expect(epsilonAfter(parts, 1e-5).epsilon).to.be.closeTo(epsilon, 1e-12)
      expect(epsilonAfter([{ mechanism, rounds: 13 }], 1e-5).epsilon).to.be.above(epsilon)
    }
  })

  it('composes different mechanisms: more than either, less than both epsilons added', () => {
    const both = [skellam, discrete].map(mechanism => ({ mechanism, rounds: 4 }))
    const [a, b] = both.map(release => epsilonAfter([release], 1e-5).epsilon)
    const { epsilon } = epsilonAfter(both, 1e-5)
    expect(epsilon).to.be.above(Math.max(a!, b!))
    expect(epsilon).to.be.below(a! + b!)
    const mixed = [...both, { mechanism: gaussian(40), rounds: 1 }]
    expect(epsilonAfter(mixed, 1e-5).epsilon).to.be.above(epsilon)
  })

  it('composes T rounds of Gaussian noise into one with noise / sqrt(T)', () => {
    const many = epsilonAfter([{ mechanism: gaussian(6), rounds: 9 }], 1e-6)
    expect(many.epsilon).to.be.closeTo(
      epsilonAfter([{ mechanism: gaussian(2), rounds: 1 }], 1e-6).epsilon,
      1e-12
    )
  })

  it('charges nothing for nothing', () => {
    expect(epsilonAfter([], 1e-5).epsilon).to.equal(0)
    expect(epsilonAfter([{ mechanism: skellam, rounds: 0 }], 1e-5).epsilon).to.equal(0)
  })

  it('gives the bits that are recorded, on any engine', () => {
    const bits = (x: number) => {
      const view = new DataView(new ArrayBuffer(8))
      view.setFloat64(0, x)
      return view.getBigUint64(0).toString(16)
    }
    expect(
      [gaussian(1.5, 0.04), gaussian(5), skellam, discrete].map(mechanism =>
        bits(epsilonAfter([{ mechanism, rounds: 20 }], 1e-5).epsilon)
      )
    ).to.deep.equal(['3feb3d12e0c84105', '4010a580d792f49b', '4011d8ffb529f223', '4011d8ff5d963770'])
  })

  it('stops before the budget is passed, not after', () => {
    const budget = { epsilon: 3, delta: 1e-5 }
    let rounds = 0
    while (fitsBudget([{ mechanism: skellam, rounds }], skellam, budget)) rounds++
    expect(rounds).to.be.above(1)
    expect(epsilonAfter([{ mechanism: skellam, rounds }], 1e-5).epsilon).to.be.at.most(3)
    expect(epsilonAfter([{ mechanism: skellam, rounds: rounds + 1 }], 1e-5).epsilon).to.be.above(3)
    expect(fitsBudget([], gaussian(0.1), budget)).to.equal(false)
  })

  it('refuses half rounds and impossible budgets', () => {
    expect(() => epsilonAfter([{ mechanism: skellam, rounds: 1.5 }], 1e-5)).to.throw(
      AggregationError,
      'rounds'
    )
    expect(() => epsilonAfter([{ mechanism: skellam, rounds: 1 }], 0)).to.throw(AggregationError, 'delta')
    expect(() => epsilonAfter([{ mechanism: skellam, rounds: 1 }], 1)).to.throw(AggregationError, 'delta')
    expect(() => fitsBudget([], skellam, { epsilon: 0, delta: 1e-5 })).to.throw(AggregationError, 'epsilon')
  })
})

describe('noise from epsilon', () => {
  it('is what Opacus calibrates', () => {
    const { epsilon, delta, q, steps, sigma } = opacusCalibration
    const noise = leastNoise(
      z => epsilonAfter([{ mechanism: gaussian(z, q), rounds: steps }], delta).epsilon,
      epsilon
    )
    expect(Math.abs(noise / sigma - 1)).to.be.at.most(1e-4)
  })

  it('gives the noise of every reference epsilon back, from above', () => {
    for (const { q, sigma, steps, delta } of cases.filter(({ q }) => q === 1)) {
      const epsilonOf = (z: number) =>
        epsilonAfter([{ mechanism: gaussian(z, q), rounds: steps }], delta).epsilon
      const target = epsilonOf(sigma)
      const noise = leastNoise(epsilonOf, target)
      expect(epsilonOf(noise)).to.be.at.most(target)
      expect(Math.abs(noise / sigma - 1)).to.be.at.most(2e-9)
    }
  })

  it('looks both ways from where it begins, and says when nothing will do', () => {
    const epsilonOf = (z: number) => 10 / z
    for (const start of [1e-2, 5, 5e4]) {
      expect(leastNoise(epsilonOf, 2, { start, factor: 1.7, precision: 1e-9 })).to.be.closeTo(5, 1e-7)
    }
    expect(() => leastNoise(() => 3, 2)).to.throw(AggregationError, 'out of reach')
    expect(() => leastNoise(epsilonOf, -1)).to.throw(AggregationError, 'epsilon')
  })
})
