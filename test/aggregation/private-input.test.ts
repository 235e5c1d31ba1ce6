import { expect } from 'chai'
import { type NoiseSampler, noiseSampler } from '../../aggregation/dp-noise.ts'
import type { AggregationError } from '../../aggregation/errors.ts'
import { type PrivacySettings, privacyPlan } from '../../aggregation/privacy-plan.ts'
import {
  decodePrivateLanes,
  encodePrivateInput,
  type PrivateEncoding,
  privateEncodingText,
  privateLaneCount
} from '../../aggregation/private-input.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { addLanes, type RingBits, zeroLanes } from '../../aggregation/ring.ts'
import { l2Norm } from '../../aggregation/vector.ts'

const silence: NoiseSampler = () => 0

function encodingOf(given: Partial<PrivacySettings> = {}, rotationSeed = 'a run 0'): PrivateEncoding {
  const plan = privacyPlan({
    noise: 'skellam',
    noiseMultiplier: 1,
    dimension: 60,
    participants: 10,
    threshold: 7,
    colluders: 3,
    ringBits: 16,
    sideBounds: [],
    ...given
  })
  return { plan, ringBits: plan.settings.ringBits as RingBits, rotationSeed }
}

function deltaOf(norm: number, dimension: number, seed: number): Float32Array {
  const random = seededRandom(seed)
  const plain = Float64Array.from({ length: dimension }, () => random.nextUint32() / 2 ** 31 - 1)
  const scale = norm / l2Norm(plain)
  return Float32Array.from(plain, x => x * scale)
}

/** The masks are nobody's business here: what they hide is the sum of the lanes. */
function summed(
  encoding: PrivateEncoding,
  deltas: readonly Float32Array[],
  clipNorm: number,
  noise = silence
) {
  const sum = zeroLanes(encoding.ringBits, privateLaneCount(encoding))
  deltas.forEach((delta, i) => {
    addLanes(sum, encodePrivateInput(encoding, delta, clipNorm, noise, seededRandom(i)))
  })
  return sum
}

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'nothing thrown'
  } catch (error) {
    return (error as AggregationError).code
  }
}

describe('a private round in the ring', () => {
  for (const ringBits of [16, 20, 32] as const) {
    it(`comes back as the sum of the clipped changes, within rounding, in ${ringBits} bits`, () => {
      const encoding = encodingOf({ ringBits })
      const { clipLevels } = encoding.plan
      const deltas = Array.from({ length: 10 }, (_, i) => deltaOf(i < 5 ? 0.5 : 4, 60, i))
      const sum = summed(encoding, deltas, 2)
      const { weightedSum, weightSum, meanMetrics } = decodePrivateLanes(encoding, sum, 10, 2)
      expect(weightSum).to.equal(10)
      expect(meanMetrics).to.deep.equal([])
      const exact = Float64Array.from({ length: 60 }, (_, c) =>
        deltas.reduce((total, delta, i) => total + delta[c]! * (i < 5 ? 1 : 0.5), 0)
      )
      // A rounding is off by less than a step in each coordinate, and ten of them were added.
      const step = 2 / clipLevels
      expect(l2Norm(weightedSum.map((x, c) => x - exact[c]!))).to.be.below(10 * step * Math.sqrt(60))
      expect(l2Norm(exact)).to.be.above(1)
    })
  }

  it('carries noise of the share of every survivor in every coordinate', () => {
    const encoding = encodingOf({ dimension: 4000, noiseMultiplier: 2 })
    const { shareVariance, clipLevels } = encoding.plan
    const noise = noiseSampler('skellam', shareVariance, 'table')
    const zeros = Array.from({ length: 7 }, () => new Float32Array(4000))
    const { weightedSum } = decodePrivateLanes(encoding, summed(encoding, zeros, 3, noise), 7, 3)
    const variance = weightedSum.reduce((sum, x) => sum + x * x, 0) / 4000
    // Four deviations of a variance of 4,000 samples are 9%.
    expect(variance / (7 * shareVariance * (3 / clipLevels) ** 2)).to.be.within(0.91, 1.09)
  })

  it('draws other noise for the same change every time', () => {
    const encoding = encodingOf()
    const noise = noiseSampler('skellam', encoding.plan.shareVariance, 'table')
    const random = seededRandom(5)
    const [a, b] = [1, 2].map(() => encodePrivateInput(encoding, deltaOf(1, 60, 1), 1, noise, random))
    expect(a).not.to.deep.equal(b)
  })

  it('counts who was not clipped, among the others and the noise', () => {
    const encoding = encodingOf({ sideBounds: [0.5] })
    expect(privateLaneCount(encoding)).to.equal(61)
    const deltas = Array.from({ length: 8 }, (_, i) => deltaOf(i < 6 ? 0.9 : 1.1, 60, i))
    const decoded = decodePrivateLanes(encoding, summed(encoding, deltas, 1), 8, 1)
    expect(decoded.unclippedFraction).to.equal(6 / 8)
    expect(
      decodePrivateLanes(encodingOf(), summed(encodingOf(), deltas, 1), 8, 1).unclippedFraction
    ).to.equal(null)
  })

  it('refuses a sum that honest members and their noise do not make', () => {
    const encoding = encodingOf({ ringBits: 32 })
    const sum = summed(encoding, [deltaOf(1, 60, 1)], 1)
    const verdict = () => codeOf(() => decodePrivateLanes(encoding, sum, 1, 1))
    expect(verdict()).to.equal('nothing thrown')
    sum[7] = 1 << 30
    expect(verdict()).to.equal('BAD_SUM')
    sum[7] = 2 ** 32 - 2 ** 30
    expect(verdict()).to.equal('BAD_SUM')
    // In a narrow ring noise may well reach any one value, but not all of them at once.
    const narrow = encodingOf({ participants: 4, threshold: 3, colluders: 1 })
    const random = seededRandom(4)
    const garbage = Uint16Array.from({ length: 60 }, () => random.nextUint32() & 0xffff)
    expect(codeOf(() => decodePrivateLanes(narrow, garbage, 4, 1))).to.equal('BAD_SUM')
  })

  it('takes whatever honest members and their noise make, also where the noise is small or the ring full', () => {
    const settings: Array<Partial<PrivacySettings>> = [
      { noiseMultiplier: 0.01 },
      { noiseMultiplier: 30 },
      { noise: 'discrete-gaussian', dimension: 1 },
      { participants: 64, threshold: 43, colluders: 21, dimension: 500, noiseMultiplier: 4 }
    ]
    for (const given of settings) {
      const encoding = encodingOf(given)
      const { settings, shareVariance } = encoding.plan
      const { participants, dimension } = settings
      const noise = noiseSampler(settings.noise, shareVariance, 'table')
      const same = Array.from({ length: participants }, () => deltaOf(2, dimension, 3))
      for (let round = 0; round < 20; round++) {
        const sum = summed(encoding, same, 1, noise)
        expect(codeOf(() => decodePrivateLanes(encoding, sum, participants, 1))).to.equal('nothing thrown')
      }
    }
  })

  it('refuses what does not belong together', () => {
    const encoding = encodingOf()
    const sum = summed(encoding, [deltaOf(1, 60, 1)], 1)
    expect(codeOf(() => decodePrivateLanes(encoding, sum.subarray(1), 1, 1))).to.equal('LENGTH_MISMATCH')
    expect(codeOf(() => decodePrivateLanes(encoding, sum, 0, 1))).to.equal('TOO_FEW')
    expect(codeOf(() => decodePrivateLanes(encoding, sum, 11, 1))).to.equal('RING_OVERFLOW')
    const random = seededRandom(1)
    const encode = (delta: Float32Array) => encodePrivateInput(encoding, delta, 1, silence, random)
    expect(codeOf(() => encode(new Float32Array(59)))).to.equal('LENGTH_MISMATCH')
    expect(codeOf(() => encode(new Float32Array(60).fill(Number.NaN)))).to.equal('NON_FINITE')
  })

  it('has a text that differs with all that decides what the lanes mean and what they cost', () => {
    const texts = [
      encodingOf(),
      encodingOf({}, 'a run 1'),
      encodingOf({ noise: 'discrete-gaussian' }),
      encodingOf({ noiseMultiplier: 2 }),
      encodingOf({ dimension: 61 }),
      encodingOf({ participants: 11 }),
      encodingOf({ threshold: 8 }),
      encodingOf({ colluders: 2 }),
      encodingOf({ ringBits: 32 }),
      encodingOf({ sideBounds: [0.1] })
    ].map(privateEncodingText)
    expect(new Set(texts).size).to.equal(texts.length)
    expect(privateEncodingText(encodingOf())).to.equal(texts[0])
  })
})
