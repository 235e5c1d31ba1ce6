import { expect } from 'chai'
import { expectIncludedByRule, expectSameAttemptCertified, holdersOf } from '../support/crash-claims.ts'
import { crashAt, crashPointsOf, crashRun } from '../support/crash-points.ts'

const seed = 11
const run = crashRun(4, 1)
const { ranked, points } = crashPointsOf(run, seed)
const [aggregator, , , member] = ranked as [string, string, string, string]

describe('a member that dies and stays dead', () => {
  it('dies in every phase, before every kind of word', () => {
    const phases = (id: string) => [...new Set(points.get(id)!.map(({ name }) => name.split(':')[0]!))]
    const all = [
      ...['AdvertiseKeys', 'ShareKeys', 'LocalTraining', 'MaskedInputCollection', 'ConsistencyCheck'],
      ...['Unmasking', 'ServerStep', 'Finished']
    ]
    expect(phases(aggregator)).to.deep.equal(all)
    expect(points.get(aggregator)!.length).to.be.above(35)
    expect(points.get(member)!.length).to.be.above(25)
  })

  for (const point of points.get(aggregator)!) {
    it(`the aggregator, in ${point.name}: the same attempt certifies`, () => {
      let holders: string[] = []
      const cluster = crashAt(run, seed, aggregator, point, cluster => {
        holders = holdersOf(cluster, aggregator)
      })
      expect(cluster.finish(60_000)).to.equal(true)
      expectSameAttemptCertified(cluster)
      const included = expectIncludedByRule(cluster, aggregator)
      if (holders.length === 3) expect(included).to.equal(true)
    })
  }

  it('its input counts once all the others hold it, and not if it was never announced', () => {
    const outcome = (word: string) => {
      const point = points.get(member)!.find(({ name }) => name.endsWith(`: ${word}`))!
      let holders: string[] = []
      const cluster = crashAt(run, seed, member, point, cluster => {
        holders = holdersOf(cluster, member)
      })
      expect(cluster.finish(60_000)).to.equal(true)
      expectSameAttemptCertified(cluster)
      const included = expectIncludedByRule(cluster, member)
      if (holders.length === 3) expect(included, word).to.equal(true)
      return included
    }
    expect(outcome('mask')).to.equal(false)
    expect(outcome('gossip masked-input')).to.equal(false)
    outcome('send inventory')
    expect(outcome('journal release')).to.equal(true)
  })
})
