import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { exactGaussianDelta, exactGaussianEpsilon } from '../../aggregation/dp-exact-gaussian.ts'
import { fft, selfConvolve } from '../../aggregation/dp-fft.ts'
import { pldEpsilon } from '../../aggregation/dp-pld.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { seededRandom } from '../../aggregation/random.ts'

const { epsilon: cases } = JSON.parse(
  readFileSync(new URL('../vectors/dp/accountant.json', import.meta.url), 'utf8')
) as {
  epsilon: Array<{ q: number; sigma: number; steps: number; delta: number; rdp: number; pld: number }>
}

function closeTo(got: number, expected: number, relative: number): void {
  expect(Math.abs(got / expected - 1), `${got} beside ${expected}`).to.be.at.most(relative)
}

/** The others take seconds: dp-pld.slow.ts. */
const ROUNDS_MAX = 1000

describe('privacy loss distribution of the subsampled Gaussian', () => {
  for (const { q, sigma, steps, delta, pld, rdp } of cases.filter(({ steps }) => steps <= ROUNDS_MAX)) {
    it(`q ${q}, sigma ${sigma}, ${steps} rounds: dp_accounting’s epsilon, below that of Rényi`, () => {
      const got = pldEpsilon({ samplingRate: q, noiseMultiplier: sigma, rounds: steps }, delta)
      closeTo(got, pld, 2e-5)
      expect(got).to.be.below(rdp)
    })
  }

  it('is at least the exact epsilon where that is known, and hardly more', () => {
    for (const [sigma, rounds, delta] of [
      [2, 1, 1e-6],
      [3, 7, 1e-3],
      [20, 50, 1e-9]
    ] as const) {
      const exact = exactGaussianEpsilon(sigma, rounds, delta)
      const got = pldEpsilon({ samplingRate: 1, noiseMultiplier: sigma, rounds }, delta)
      expect(got).to.be.at.least(exact)
      closeTo(got, exact, 1e-4)
    }
  })

  it('is the one-round curve of the mixture, by its own formula', () => {
    // Removed: delta(epsilon) = q delta_Gauss(epsilon') with e^epsilon' = 1 + (e^epsilon - 1) / q (Balle et al. 2018).
    const [q, sigma, delta] = [0.2, 0.8, 1e-4]
    const got = pldEpsilon({ samplingRate: q, noiseMultiplier: sigma, rounds: 1 }, delta)
    const back = q * exactGaussianDelta(Math.log1p(Math.expm1(got) / q), sigma)
    expect(back).to.be.at.most(delta)
    closeTo(back, delta, 1e-3)
  })

  it('is zero where total variation alone stays below delta', () => {
    expect(pldEpsilon({ samplingRate: 0.001, noiseMultiplier: 5, rounds: 1 }, 0.01)).to.equal(0)
  })

  for (const [what, mechanism, delta] of [
    ['a sampling rate of 0', { samplingRate: 0, noiseMultiplier: 1, rounds: 1 }, 1e-5],
    ['no noise', { samplingRate: 0.5, noiseMultiplier: 0, rounds: 1 }, 1e-5],
    ['half a round', { samplingRate: 0.5, noiseMultiplier: 1, rounds: 0.5 }, 1e-5],
    ['a delta that rounding would swamp', { samplingRate: 0.5, noiseMultiplier: 1, rounds: 1 }, 1e-12],
    ['losses beyond any grid', { samplingRate: 0.5, noiseMultiplier: 1e-3, rounds: 1000 }, 1e-5]
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => pldEpsilon(mechanism, delta))
        .to.throw(AggregationError)
        .with.property('code', 'BAD_SETTING')
    })
  }
})

describe('the exact curve of the Gaussian (Balle and Wang 2018)', () => {
  it('gives dp_accounting’s epsilon without sampling', () => {
    for (const { sigma, steps, delta, pld } of cases.filter(({ q }) => q === 1)) {
      closeTo(exactGaussianEpsilon(sigma, steps, delta), pld, 1e-7)
    }
  })

  it('is an inverse: delta of the epsilon is delta', () => {
    for (const sigma of [0.05, 1, 30]) {
      const epsilon = exactGaussianEpsilon(sigma, 1, 1e-6)
      closeTo(exactGaussianDelta(epsilon, sigma), 1e-6, 1e-6)
    }
    expect(exactGaussianEpsilon(1000, 1, 0.01)).to.equal(0)
  })
})

describe('the Fourier transform', () => {
  const random = seededRandom(3)
  const values = Float64Array.from({ length: 64 }, () => random.nextUint32() / 2 ** 32)

  it('is the sum that defines it', () => {
    const [re, im] = [values.slice(), values.map(x => 1 - x * x)]
    const [a, b] = [re.slice(), im.slice()]
    fft({ re, im })
    for (let k = 0; k < 64; k++) {
      let [x, y] = [0, 0]
      for (let j = 0; j < 64; j++) {
        const angle = (-2 * Math.PI * j * k) / 64
        x += a[j]! * Math.cos(angle) - b[j]! * Math.sin(angle)
        y += a[j]! * Math.sin(angle) + b[j]! * Math.cos(angle)
      }
      expect(re[k]).to.be.closeTo(x, 1e-12)
      expect(im[k]).to.be.closeTo(y, 1e-12)
    }
  })

  it('convolves: the third power, circularly', () => {
    const n = values.length
    const once = (a: Float64Array, b: Float64Array) =>
      Float64Array.from({ length: n }, (_, k) => a.reduce((sum, x, j) => sum + x * b[(k - j + n) % n]!, 0))
    const expected = once(once(values, values), values)
    for (const [k, x] of selfConvolve(values, 3).entries()) expect(x).to.be.closeTo(expected[k]!, 1e-9)
    for (const [k, x] of selfConvolve(values, 1).entries()) expect(x).to.be.closeTo(values[k]!, 1e-14)
  })

  it('takes a vector of two', () => {
    const [re, im] = [Float64Array.of(1, 2), new Float64Array(2)]
    fft({ re, im })
    expect([...re, ...im]).to.deep.equal([3, -1, 0, 0])
  })
})
