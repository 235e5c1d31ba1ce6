import { expect } from 'chai'
import { expectNobodyBlamed } from '../../support/blame-claims.ts'
import { contradictions } from '../../support/cluster-claims.ts'
import { roughTimes } from '../../support/rough-times.ts'

describe('honest members in many rough times', () => {
  for (let first = 1_000; first < 1_200; first += 20)
    it(`never say what would be evidence against them (seeds ${first} to ${first + 19})`, () => {
      for (let seed = first; seed < first + 20; seed++) {
        const { cluster } = roughTimes(seed)
        expectNobodyBlamed(cluster)
        expect(contradictions(cluster), `seed ${seed}`).to.deep.equal([])
      }
    }).timeout(300_000)
})
