import { expect } from 'chai'
import { exactGaussianEpsilon } from '../../aggregation/dp-exact-gaussian.ts'
import { seededRandom } from '../../aggregation/random.ts'
import {
  auditEpsilon,
  binomialTail,
  clopperPearsonLower,
  clopperPearsonUpper
} from '../support/privacy-audit.ts'
import { type AuditSetting, accountedEpsilon, auditedRuns } from '../support/private-rounds.ts'

/** Large on purpose: what an epsilon at so large a delta promises shows in thousands of trials, not in billions. */
const DELTA = 0.01
const ALPHA = 1e-4
const TRIALS = 8_000

describe('the statistics of the audit', () => {
  it('have the bounds of Clopper and Pearson', () => {
    // R: binom.test(8, 20, conf.level = 0.95); binom.test(0, 30), binom.test(995, 1000).
    expect(clopperPearsonLower(8, 20, 0.025)).to.be.closeTo(0.1911901, 1e-6)
    expect(clopperPearsonUpper(8, 20, 0.025)).to.be.closeTo(0.6394574, 1e-6)
    expect(clopperPearsonLower(0, 30, 0.025)).to.equal(0)
    expect(clopperPearsonUpper(0, 30, 0.025)).to.be.closeTo(0.1157033, 1e-6)
    expect(clopperPearsonUpper(995, 1000, 0.025)).to.be.closeTo(0.9983748, 1e-6)
    expect(binomialTail(3, 5, 0.5)).to.be.closeTo(0.5, 1e-14)
  })

  it('find the epsilon of Gaussian noise from below, and not above it', () => {
    const random = seededRandom(3)
    const uniform = () => (random.nextUint32() + 0.5) / 2 ** 32
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
    const sample = {
      withMember: Float64Array.from({ length: 40_000 }, () => normal() + 1),
      without: Float64Array.from({ length: 40_000 }, () => normal())
    }
    const { epsilonAtLeast } = auditEpsilon(sample, DELTA, ALPHA)
    const exact = exactGaussianEpsilon(1, 1, DELTA)
    expect(epsilonAtLeast).to.be.within(0.6 * exact, exact)
  })
})

describe('the audit of a round’s noise', () => {
  const setting: AuditSetting = {
    noise: 'skellam',
    method: 'table',
    noiseMultiplier: 1,
    dimension: 6,
    members: 7,
    rounds: 1,
    sideBound: null
  }
  const accounted = accountedEpsilon(setting, DELTA)
  const measured = (planted: Parameters<typeof auditedRuns>[1], seed: number) =>
    auditEpsilon(auditedRuns(setting, planted, TRIALS, seed), DELTA, ALPHA).epsilonAtLeast

  it('measures less than is accounted, and not much less', () => {
    expect(accounted).to.be.within(1.5, 3)
    expect(measured('nothing', 1)).to.be.within(0.4 * accounted, accounted)
  })

  it('measures more than is accounted when the noise is halved', () => {
    expect(measured('halved', 2)).to.be.above(accounted)
  })

  it('measures more than is accounted when the noise is off', () => {
    expect(measured('off', 3)).to.be.above(2 * accounted)
  })
})
