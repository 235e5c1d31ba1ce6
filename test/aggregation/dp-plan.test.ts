import { expect } from 'chai'
import fc from 'fast-check'
import { epsilonAfter } from '../../aggregation/dp-accountant.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import {
  mechanismOf,
  noiseToClip,
  type PrivacySettings,
  privacyPlan,
  ringReach,
  SHARE_VARIANCE_MAX
} from '../../aggregation/privacy-plan.ts'

const quorumOf = (n: number) => Math.floor((2 * n) / 3) + 1

function settingsOf(given: Partial<PrivacySettings> = {}): PrivacySettings {
  const participants = given.participants ?? 64
  const threshold = quorumOf(participants)
  return {
    noise: 'skellam',
    noiseMultiplier: 1,
    dimension: 500,
    participants,
    threshold,
    colluders: participants - threshold,
    ringBits: 16,
    sideBounds: [],
    ...given
  }
}

describe('the plan of the noise', () => {
  const anySettings = fc
    .record({
      noise: fc.constantFrom('skellam' as const, 'discrete-gaussian' as const),
      noiseMultiplier: fc.double({ min: 0.05, max: 30, noNaN: true }),
      dimension: fc.integer({ min: 1, max: 200_000 }),
      participants: fc.integer({ min: 4, max: 64 }),
      ringBits: fc.constantFrom(16, 20, 32),
      sideBounds: fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { maxLength: 2 }),
      part: fc.double({ min: 0, max: 1, noNaN: true })
    })
    .map(({ part, ...given }) => {
      const threshold = quorumOf(given.participants)
      return { ...settingsOf(given), threshold, colluders: Math.floor(part * (threshold - 2)) }
    })

  it('fits the ring, keeps the noise that was asked for, and takes the finest steps that do', () => {
    let planned = 0
    fc.assert(
      fc.property(anySettings, settings => {
        const { participants, noiseMultiplier, ringBits, threshold, colluders } = settings
        let plan: ReturnType<typeof privacyPlan>
        try {
          plan = privacyPlan(settings)
        } catch (error) {
          expect(error).to.be.instanceOf(AggregationError).with.property('code', 'RING_OVERFLOW')
          return
        }
        planned++
        const { shareVariance, clipLevels, levelMax, sideLevels, honestShares } = plan
        expect(honestShares).to.equal(threshold - colluders)
        // sigma_local² = sigma_central² / (t - c), rounded up to a whole number.
        const asked = (noiseMultiplier * clipLevels) ** 2 / honestShares
        expect(shareVariance).to.be.within(asked * (1 - 1e-12), asked + 1)
        expect(shareVariance).to.be.at.most(SHARE_VARIANCE_MAX)
        const reach = ringReach(participants, Math.max(levelMax, ...sideLevels), shareVariance)
        expect(reach).to.be.below(2 ** (ringBits - 1))
        const finer = (noiseMultiplier * (clipLevels + 1)) ** 2 / honestShares
        const finerLevel = Math.ceil(Math.min(1, 4.5 / Math.sqrt(settings.dimension)) * (clipLevels + 1))
        const finerReach = ringReach(participants, finerLevel, finer)
        const finerSides = settings.sideBounds.map(bound =>
          ringReach(participants, bound * (clipLevels + 1), finer)
        )
        const tooFine =
          Math.max(finerReach, ...finerSides) >= 2 ** (ringBits - 1) * (1 - 1e-12) ||
          Math.ceil(finer) > SHARE_VARIANCE_MAX
        // The side's bound is cut to whole steps and the variance rounded up: within one step of the ring's edge.
        const close = finerReach + participants + 6 * Math.sqrt(participants) >= 2 ** (ringBits - 1)
        expect(tooFine || close).to.equal(true)
      }),
      { numRuns: 300 }
    )
    expect(planned).to.be.above(100)
  })

  it('costs the epsilon of Gaussian noise of that multiplier and little more, whatever the mechanism', () => {
    for (const noise of ['skellam', 'discrete-gaussian'] as const) {
      const plan = privacyPlan(settingsOf({ noise, noiseMultiplier: 4 }))
      const { epsilon } = epsilonAfter([{ mechanism: mechanismOf(plan), rounds: 10 }], 1e-5)
      const gaussian = { name: 'gaussian' as const, noiseMultiplier: 4, samplingRate: 1 }
      const least = epsilonAfter([{ mechanism: gaussian, rounds: 10 }], 1e-5).epsilon
      expect(epsilon).to.be.within(least, 1.01 * least)
    }
  })

  it('charges for the sides that every client adds', () => {
    const without = epsilonAfter([{ mechanism: mechanismOf(privacyPlan(settingsOf())), rounds: 1 }], 1e-5)
    const sides = settingsOf({ sideBounds: [0.1, 1] })
    const { sensitivity, l2Bound, sideLevels, clipLevels } = privacyPlan(sides)
    expect(sideLevels).to.deep.equal([Math.floor(0.1 * clipLevels), clipLevels])
    expect(sensitivity.l2).to.be.closeTo(Math.hypot(l2Bound, ...sideLevels), 1e-9)
    const { epsilon } = epsilonAfter([{ mechanism: mechanismOf(privacyPlan(sides)), rounds: 1 }], 1e-5)
    // z falls by sqrt(1 + 0.1² + 1²).
    expect(epsilon / without.epsilon).to.be.within(1.3, 1.6)
  })

  it('sizes the noise by the honest among the fewest survivors', () => {
    const plan = privacyPlan(settingsOf({ participants: 14, dimension: 29_000 }))
    expect(plan.honestShares).to.equal(6)
    const more = privacyPlan(settingsOf({ participants: 14, dimension: 29_000, colluders: 8 }))
    expect(more.honestShares).to.equal(2)
    expect(Math.sqrt(more.shareVariance) / more.clipLevels).to.be.closeTo(Math.sqrt(1 / 2), 1e-6)
  })

  it('says how long the noise on the mean is beside the clip norm', () => {
    expect(noiseToClip(settingsOf({ participants: 14, dimension: 29_000 }))).to.be.closeTo(18.6, 0.05)
    expect(noiseToClip(settingsOf({ participants: 64, dimension: 500 }))).to.be.closeTo(0.6, 0.01)
  })

  it('refuses a ring that is too narrow and names what would do', () => {
    const tight = settingsOf({ dimension: 1_000_000, noiseMultiplier: 8 })
    let told: AggregationError | null = null
    try {
      privacyPlan(tight)
    } catch (error) {
      told = error as AggregationError
    }
    expect(told).to.be.instanceOf(AggregationError).with.property('code', 'RING_OVERFLOW')
    const { message } = told!
    const noise = Number(/a noise multiplier of ([\d.]+)/.exec(message)![1])
    const dimension = Number(/([\d]+) coordinates \(a smaller/.exec(message)![1])
    expect(noise).to.be.within(1, 7.99)
    expect(privacyPlan({ ...tight, noiseMultiplier: noise }).clipLevels).to.be.above(0)
    expect(privacyPlan({ ...tight, dimension }).clipLevels).to.be.above(0)
    expect(() => privacyPlan({ ...tight, dimension: Math.ceil(1.1 * dimension) })).to.throw(AggregationError)
    const narrow = settingsOf({ ringBits: 8, dimension: 1 })
    expect(() => privacyPlan(narrow)).to.throw(AggregationError, 'a ring of 16 bits')
    expect(() => privacyPlan(settingsOf({ ringBits: 8, noiseMultiplier: 1e6 }))).to.throw(
      AggregationError,
      'What would do'
    )
  })

  for (const [what, given] of [
    ['no noise', { noiseMultiplier: 0 }],
    ['no coordinates', { dimension: 0 }],
    ['a cohort of three', { participants: 3, threshold: 3, colluders: 0 }],
    ['a threshold above the cohort', { threshold: 65 }],
    ['one honest survivor', { colluders: 42 }],
    ['a ring of 33 bits', { ringBits: 33 }],
    ['a side longer than the clip norm', { sideBounds: [1.5] }]
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => privacyPlan(settingsOf(given)))
        .to.throw(AggregationError)
        .with.property('code', 'BAD_SETTING')
    })
  }
})
