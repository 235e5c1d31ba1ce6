import { expect } from 'chai'
import { explore, soundRules } from '../../support/agreement-explorer.ts'

describe('an agreement of four, one of them a liar (many schedules)', () => {
  it('commits no two values in 20,000 schedules, some of them long', () => {
    for (let seed = 10_000; seed < 30_000; seed++) {
      const { committed, contradictions } = explore(seed, soundRules, seed % 10 === 0 ? 500 : 160)
      expect(committed.length, `seed ${seed}`).to.be.at.most(1)
      expect(contradictions, `seed ${seed}`).to.deep.equal([])
    }
  }).timeout(600_000)
})
