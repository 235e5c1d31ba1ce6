import { expect } from 'chai'
import { expectNobodyBlamed } from '../../support/blame-claims.ts'
import { contradictions } from '../../support/cluster-claims.ts'
import { roughTimes } from '../../support/rough-times.ts'

describe('honest members in many rough times', () => {
  it('never say what would be evidence against them', () => {
    for (let seed = 1_000; seed < 1_300; seed++) {
      const { cluster } = roughTimes(seed)
      expectNobodyBlamed(cluster)
      expect(contradictions(cluster), `seed ${seed}`).to.deep.equal([])
    }
  })
})
