import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { exactGaussianDelta } from '../../aggregation/dp-exact-gaussian.ts'
import {
  epsilonOfRdp,
  gaussianRdp,
  integerOrders,
  realOrders,
  subsampledGaussianRdp
} from '../../aggregation/dp-rdp.ts'
import { AggregationError } from '../../aggregation/errors.ts'

interface Vectors {
  readonly epsilon: ReadonlyArray<{ q: number; sigma: number; steps: number; delta: number; rdp: number }>
  readonly opacusTest: { q: number; sigma: number; steps: number; delta: number; epsilon: number }
  readonly gaussianSingleRelease: { sigma: number; delta: number; epsilon: number }
  readonly rdpVector: { q: number; sigma: number; steps: number; orders: number[]; rdp: number[] }
  readonly rdpByIntegration: ReadonlyArray<{ q: number; sigma: number; order: number; rdp: number }>
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/dp/accountant.json', import.meta.url), 'utf8')
) as Vectors

function closeTo(got: number, expected: number, relative: number): void {
  expect(Math.abs(got / expected - 1), `${got} beside ${expected}`).to.be.at.most(relative)
}

function epsilonOf(q: number, sigma: number, steps: number, delta: number): number {
  const rdp = realOrders.map(order => steps * subsampledGaussianRdp(order, q, sigma))
  return epsilonOfRdp(realOrders, rdp, delta).epsilon
}

describe('Rényi differential privacy of the subsampled Gaussian (Mironov, Talwar and Zhang 2019)', () => {
  for (const { q, sigma, steps, delta, rdp } of vectors.epsilon) {
    it(`q ${q}, sigma ${sigma}, ${steps} rounds: dp_accounting’s epsilon`, () => {
      closeTo(epsilonOf(q, sigma, steps, delta), rdp, 1e-6)
    })
  }

  it('is within 1e-3 of Opacus’ own test', () => {
    const { q, sigma, steps, delta, epsilon } = vectors.opacusTest
    closeTo(epsilonOf(q, sigma, steps, delta), epsilon, 1e-3)
  })

  it('is dp_accounting’s at every order of its test', () => {
    const { q, sigma, steps, orders, rdp } = vectors.rdpVector
    orders.forEach((order, i) => {
      closeTo(steps * subsampledGaussianRdp(order, q, sigma), rdp[i]!, 1e-8)
    })
  })

  it('is never below the integral, equal to it at whole orders, and near it from 4.3 on', () => {
    for (const { q, sigma, order, rdp } of vectors.rdpByIntegration) {
      const got = subsampledGaussianRdp(order, q, sigma)
      expect(got, `q ${q}, sigma ${sigma}, order ${order}`).to.be.at.least(rdp * (1 - 1e-9))
      if (Number.isInteger(order)) closeTo(got, rdp, 1e-8)
      else if (order > 4) closeTo(got, rdp, 3e-4)
    }
  })

  it('leaves out an order whose series does not converge', () => {
    expect(subsampledGaussianRdp(1.1, 0.1, 1)).to.equal(Number.POSITIVE_INFINITY)
    expect(epsilonOf(0.1, 1, 100, 1e-5)).to.be.below(8)
  })

  it('is the plain Gaussian when everyone takes part', () => {
    for (const order of [1.1, 2, 17.5, 256]) {
      expect(subsampledGaussianRdp(order, 1, 3)).to.equal(gaussianRdp(order, 3))
      expect(gaussianRdp(order, 3)).to.equal(order / 18)
    }
  })

  it('falls with noise and rises with the sample and the order', () => {
    for (const order of [1.7, 2, 6.3, 40]) {
      expect(subsampledGaussianRdp(order, 0.2, 2)).to.be.below(subsampledGaussianRdp(order, 0.2, 1.5))
      expect(subsampledGaussianRdp(order, 0.2, 2)).to.be.below(subsampledGaussianRdp(order, 0.3, 2))
    }
    const rising = integerOrders.map(order => subsampledGaussianRdp(order, 0.2, 2))
    for (let i = 1; i < rising.length; i++) expect(rising[i]!).to.be.at.least(rising[i - 1]!)
  })

  for (const [order, q, sigma] of [
    [1, 0.5, 1],
    [Number.POSITIVE_INFINITY, 0.5, 1],
    [2, 0, 1],
    [2, 1.1, 1],
    [2, 0.5, 0],
    [2, 0.5, Number.NaN]
  ] as const) {
    it(`refuses order ${order}, sampling rate ${q}, noise ${sigma}`, () => {
      expect(() => subsampledGaussianRdp(order, q, sigma))
        .to.throw(AggregationError)
        .with.property('code', 'BAD_SETTING')
    })
  }
})

describe('epsilon of a Rényi bound (Canonne, Kamath and Steinke 2020, proposition 12)', () => {
  it('is the one that dp_accounting tests', () => {
    const { sigma, delta, epsilon } = vectors.gaussianSingleRelease
    closeTo(epsilonOf(1, sigma, 1, delta), epsilon, 1e-6)
  })

  it('never promises more than the exact curve of the Gaussian', () => {
    for (const sigma of [0.4, 1, 3, 20]) {
      for (const delta of [1e-3, 1e-5, 1e-9]) {
        const epsilon = epsilonOf(1, sigma, 1, delta)
        expect(exactGaussianDelta(epsilon, sigma)).to.be.at.most(delta)
      }
    }
  })

  it('is zero where the distributions hardly differ, and unbounded without any bound', () => {
    expect(epsilonOfRdp([2, 4], [1e-12, 2e-12], 1e-5).epsilon).to.equal(0)
    const nothing = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    expect(epsilonOfRdp([2, 4], nothing, 1e-5).epsilon).to.equal(Number.POSITIVE_INFINITY)
  })

  it('takes the orders of the reference implementations', () => {
    expect(realOrders).to.have.length(156)
    expect([realOrders[0], realOrders[98], realOrders[99], realOrders[151], realOrders.at(-1)]).to.deep.equal(
      [1.1, 10.9, 11, 63, 1024]
    )
    expect(integerOrders).to.have.length(128)
    expect([integerOrders[0], integerOrders[126], integerOrders[127]]).to.deep.equal([2, 128, 256])
  })
})
