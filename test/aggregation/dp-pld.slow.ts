import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { exactGaussianEpsilon } from '../../aggregation/dp-exact-gaussian.ts'
import { pldEpsilon } from '../../aggregation/dp-pld.ts'

const { epsilon: cases } = JSON.parse(
  readFileSync(new URL('../vectors/dp/accountant.json', import.meta.url), 'utf8')
) as { epsilon: Array<{ q: number; sigma: number; steps: number; delta: number; pld: number }> }

describe('privacy loss distribution over many rounds', () => {
  for (const { q, sigma, steps, delta, pld } of cases.filter(({ steps }) => steps > 1000)) {
    it(`q ${q}, sigma ${sigma}, ${steps} rounds: dp_accounting’s epsilon`, () => {
      const got = pldEpsilon({ samplingRate: q, noiseMultiplier: sigma, rounds: steps }, delta)
      expect(Math.abs(got / pld - 1)).to.be.at.most(2e-5)
    })
  }

  for (const [sigma, rounds, delta] of [
    [0.7, 1, 1e-6],
    [1, 300, 1e-5],
    [40, 10_000, 1e-7]
  ] as const) {
    it(`sigma ${sigma}, ${rounds} rounds, delta ${delta}: at least the exact epsilon and hardly more`, () => {
      const exact = exactGaussianEpsilon(sigma, rounds, delta)
      const got = pldEpsilon({ samplingRate: 1, noiseMultiplier: sigma, rounds }, delta)
      expect(got).to.be.at.least(exact)
      expect(got / exact - 1).to.be.at.most(1e-3)
    })
  }
})
