import { expect } from 'chai'
import { expectNobodyBlamed } from '../../support/blame-claims.ts'
import { contradictions } from '../../support/cluster-claims.ts'
import { roughTimes } from '../../support/rough-times.ts'

describe('honest members, whose messages are lost, late and out of order, and who die and come back', () => {
  const seeds = [1, 3]
  let deaths = 0
  let views = 0
  let finished = 0

  for (const seed of seeds)
    it(`never say what would be evidence against them (seed ${seed})`, () => {
      const times = roughTimes(seed)
      expectNobodyBlamed(times.cluster)
      expect(contradictions(times.cluster)).to.deep.equal([])
      deaths += times.deaths
      finished += times.finished ? 1 : 0
      views += times.cluster.wire.filter(({ type }) => type === 'new-view').length
    })

  it('although their times were rough', () => {
    expect(deaths).to.be.above(seeds.length)
    expect(views).to.be.above(10 * seeds.length)
    expect(finished).to.be.above(seeds.length / 2)
  })
})
