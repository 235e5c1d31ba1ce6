import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { discreteGaussianWeights, sampleDiscreteGaussian } from '../../aggregation/discrete-gaussian.ts'
import { discreteGaussianRdp } from '../../aggregation/discrete-gaussian-rdp.ts'
import { noiseSampler } from '../../aggregation/dp-noise.ts'
import { NOISE_TABLE_DISTANCE, noiseTable } from '../../aggregation/dp-noise-table.ts'
import { epsilonOfRdp, integerOrders } from '../../aggregation/dp-rdp.ts'
import { type UniformIntegers, uniformIntegers } from '../../aggregation/dp-uniform.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { integerL1Bound, roundedL2Bound } from '../../aggregation/privacy-rounding.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { discreteGaussianDistribution, fitOf } from '../support/goodness-of-fit.ts'
import { chiSquareUniform, UNIFORMITY_P_MIN } from '../support/uniformity.ts'

interface Vectors {
  readonly integerNoise: {
    readonly n: number
    readonly d: number
    readonly clip: number
    readonly noiseMultiplier: number
    readonly delta: number
    readonly cases: ReadonlyArray<{ scale: number; beta: number; discreteGaussian: number }>
  }
  readonly coarseIntegerNoise: ReadonlyArray<{
    readonly shares: number
    readonly variance: number
    readonly dimension: number
    readonly l1: number
    readonly l2: number
    readonly orders: readonly number[]
    readonly discreteGaussian: readonly number[]
  }>
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../vectors/dp/${name}.json`, import.meta.url), 'utf8'))
const vectors = read('accountant') as Vectors
const { streams } = read('discrete-gaussian-samples') as {
  streams: Array<{ variance: number; samples: number[]; stateAfter: string }>
}

function closeTo(got: number, expected: number, relative: number): void {
  expect(Math.abs(got / expected - 1), `${got} beside ${expected}`).to.be.at.most(relative)
}

/** The uniform numbers that the vectors were made with. */
function recordedStream(): UniformIntegers & { state: bigint } {
  const stream = {
    state: 1n,
    below(bound: number) {
      stream.state = BigInt.asUintN(64, stream.state * 6364136223846793005n + 1442695040888963407n)
      return Number((stream.state * BigInt(bound)) >> 64n)
    }
  }
  return stream
}

/** These numbers first, then the recorded stream. */
function scripted(numbers: readonly number[]): UniformIntegers {
  const stream = recordedStream()
  let at = 0
  return { below: bound => (at < numbers.length ? numbers[at++]! : stream.below(bound)) }
}

describe('the exact discrete Gaussian sampler (Canonne, Kamath and Steinke 2020)', () => {
  for (const { variance, samples, stateAfter } of streams) {
    it(`sigma² ${variance}: the authors’ own program, sample by sample and draw by draw`, () => {
      const stream = recordedStream()
      expect(samples.map(() => sampleDiscreteGaussian(variance, stream))).to.deep.equal(samples)
      expect(String(stream.state)).to.equal(stateAfter)
    })
  }

  it('fits the distribution: chi-square, mean and variance', () => {
    for (const [variance, count] of [
      [1, 60_000],
      [2, 60_000],
      [50, 60_000],
      [10_000, 40_000]
    ] as const) {
      const uniform = uniformIntegers(seededRandom(variance))
      const draw = () => sampleDiscreteGaussian(variance, uniform)
      const fit = fitOf(draw, count, discreteGaussianDistribution(variance))
      for (const p of Object.values(fit)) expect(p, JSON.stringify({ variance, fit })).to.be.above(1e-3)
    }
  })

  it('of a variance that is off by 5% is told apart by the same test', () => {
    const uniform = uniformIntegers(seededRandom(3))
    const draw = () => sampleDiscreteGaussian(105, uniform)
    const fit = fitOf(draw, 100_000, discreteGaussianDistribution(100))
    expect(fit.chiSquareP).to.be.below(1e-6)
    expect(fit.varianceP).to.be.below(1e-9)
  })

  it('divides exactly where a square passes 2^53', () => {
    const variance = 4_194_304
    const [scale, high] = [2049, 24]
    const candidate = high * scale
    const square = BigInt(candidate * scale - variance) ** 2n
    const denominator = BigInt(2 * variance * scale * scale)
    expect(square > 2n ** 53n).to.equal(true)
    const yes = [0, 0, 2]
    const start = [1, 0, 0, ...Array.from({ length: high }, () => yes).flat(), 0, 1]
    const wholes = Array.from({ length: Number(square / denominator) }, () => yes).flat()
    const rest = Number(square % denominator)
    // A first coin at `rest` itself falls short, which accepts; one below it succeeds, and the second then falls short.
    expect(sampleDiscreteGaussian(variance, scripted([...start, ...wholes, rest]))).to.equal(candidate)
    const { samples } = streams.find(stream => stream.variance === variance)!
    const refused = scripted([...start, ...wholes, rest - 1, 2 * Number(denominator) - 1])
    expect(sampleDiscreteGaussian(variance, refused)).to.equal(samples[0])
  })

  for (const variance of [0, 2.5, 4_194_305]) {
    it(`refuses the variance ${variance}`, () => {
      const uniform = uniformIntegers(seededRandom(1))
      expect(() => sampleDiscreteGaussian(variance, uniform)).to.throw(AggregationError, 'variance')
    })
  }
})

describe('discrete Gaussian samples from a table', () => {
  it('fit the distribution: chi-square, mean and variance', () => {
    for (const variance of [1, 2, 50, 250_000]) {
      const random = seededRandom(variance)
      const sample = noiseSampler('discrete-gaussian', variance, 'table')
      const fit = fitOf(() => sample(random), 200_000, discreteGaussianDistribution(variance))
      for (const p of Object.values(fit)) expect(p, JSON.stringify({ variance, fit })).to.be.above(1e-3)
    }
  })

  it('have the distribution’s probabilities, far into the tail', () => {
    for (const variance of [1, 50, 2500]) {
      const table = noiseTable(discreteGaussianWeights(variance))
      const { probabilities } = discreteGaussianDistribution(variance)
      probabilities.forEach((p, x) => {
        expect(Math.abs(table.probability(x) - p)).to.be.at.most(1e-12 * p + NOISE_TABLE_DISTANCE)
      })
    }
  })

  it('are drawn by either method as the name says', () => {
    const exact = noiseSampler('discrete-gaussian', 400, 'exact')
    const random = seededRandom(4)
    const fit = fitOf(() => exact(random), 40_000, discreteGaussianDistribution(400))
    for (const p of Object.values(fit)) expect(p, JSON.stringify(fit)).to.be.above(1e-3)
  })
})

describe('Rényi differential privacy of sums of discrete Gaussians (Kairouz, Liu and Steinke 2021)', () => {
  const { n, d, clip, noiseMultiplier, delta, cases } = vectors.integerNoise
  for (const { scale, beta, discreteGaussian } of cases) {
    it(`scale ${scale.toFixed(1)}, beta ${beta.toFixed(2)}: distributed_dp’s epsilon`, () => {
      const l2 = roundedL2Bound(clip * scale, d, beta)
      const shareVariance = (noiseMultiplier * clip * scale) ** 2 / n
      const noise = { shares: n, shareVariance, dimension: d }
      const rdp = integerOrders.map(order =>
        discreteGaussianRdp(order, { l1: integerL1Bound(l2, d), l2 }, noise)
      )
      closeTo(epsilonOfRdp(integerOrders, rdp, delta).epsilon, discreteGaussian, 1e-10)
    })
  }

  it('is distributed_dp’s at every order where the steps are coarse', () => {
    for (const {
      shares,
      variance,
      dimension,
      l1,
      l2,
      orders,
      discreteGaussian
    } of vectors.coarseIntegerNoise) {
      orders.forEach((order, i) => {
        const noise = { shares, shareVariance: variance, dimension }
        closeTo(discreteGaussianRdp(order, { l1, l2 }, noise), discreteGaussian[i]!, 1e-12)
      })
    }
  })

  it('bounds the true divergence of a sum, in one coordinate', () => {
    let beyondGaussian = 0
    for (const [shares, shareVariance] of [
      [1, 1],
      [2, 0.25],
      [3, 0.5],
      [8, 1],
      [5, 9]
    ] as const) {
      const sum = convolvedTimes(discreteGaussianDistribution(shareVariance).probabilities, shares)
      for (const shift of [1, 2, 3]) {
        for (const order of [1.5, 2, 4, 8]) {
          const noise = { shares, shareVariance, dimension: 1 }
          const bound = discreteGaussianRdp(order, { l1: shift, l2: shift }, noise)
          const truth = renyiOf(sum, shift, order)
          const where = `${shares} shares of ${shareVariance}, shift ${shift}, order ${order}`
          expect(bound, where).to.be.at.least(truth * (1 - 1e-9))
          if (truth > (1 + 1e-9) * ((order * shift * shift) / (2 * shares * shareVariance))) beyondGaussian++
        }
      }
    }
    // Without the term for sums there would be no bound.
    expect(beyondGaussian).to.be.above(0)
  })

  it('refuses shares too small for the theorem', () => {
    const noise = { shares: 2, shareVariance: 0.2, dimension: 1 }
    expect(() => discreteGaussianRdp(2, { l1: 1, l2: 1 }, noise)).to.throw(AggregationError, 'at least 1/4')
  })
})

describe('uniform integers', () => {
  it('are as likely as one another, for bounds of one word and of two', () => {
    const uniform = uniformIntegers(seededRandom(2))
    for (const bound of [3, 7, 100, 2 ** 32 - 5, 3 * 2 ** 40, 2 ** 53]) {
      const bins = Math.min(bound, 64)
      const counts = new Float64Array(bins)
      for (let i = 0; i < 20_000; i++) counts[Math.floor((uniform.below(bound) / bound) * bins)]!++
      // 100 values in 64 bins would not be even.
      if (bound !== 100) expect(chiSquareUniform(counts).p).to.be.above(UNIFORMITY_P_MIN)
    }
  })

  it('throw away the incomplete last multiple', () => {
    const words = [0xffffffff, 0xfffffffe, 5]
    const uniform = uniformIntegers({ nextUint32: () => words.shift()! })
    expect(uniform.below(0xfffffffe)).to.equal(5)
    expect(uniform.below(1)).to.equal(0)
    expect(words).to.have.length(0)
  })

  it('refuse what cannot be drawn', () => {
    const uniform = uniformIntegers(seededRandom(2))
    expect(() => uniform.below(2 ** 54)).to.throw(AggregationError, 'bound')
  })
})

function convolvedTimes(half: Float64Array, times: number): Float64Array {
  const last = half.length - 1
  const single = Float64Array.from({ length: 2 * last + 1 }, (_, i) => half[Math.abs(i - last)]!)
  let sum = single
  for (let i = 1; i < times; i++) {
    const next = new Float64Array(sum.length + 2 * last)
    sum.forEach((p, x) => {
      single.forEach((q, y) => {
        next[x + y]! += p * q
      })
    })
    sum = next
  }
  return sum
}

function renyiOf(p: Float64Array, shift: number, order: number): number {
  let sum = 0
  for (let x = shift; x < p.length; x++) {
    if (p[x]! > 0 && p[x - shift]! > 0) {
      sum += Math.exp(order * Math.log(p[x]!) + (1 - order) * Math.log(p[x - shift]!))
    }
  }
  return Math.log(sum) / (order - 1)
}
