import { expect } from 'chai'
import { expectIncludedByRule, expectSameAttemptCertified } from '../support/crash-claims.ts'
import { crashAt, crashPointsOf, crashRun } from '../support/crash-points.ts'

const seed = 11
const run = crashRun(4, 1)
const { ranked, points } = crashPointsOf(run, seed)
const [_aggregator, , , member] = ranked as [string, string, string, string]

describe('a member that dies and comes back a moment later', () => {
  let votedAfter = 0

  for (const point of points.get(member)!) {
    it(`in ${point.name}: the same attempt certifies, and it contradicts itself in nothing`, () => {
      let restartedAt = Number.POSITIVE_INFINITY
      const cluster = crashAt(run, seed, member, point, cluster =>
        cluster.at(cluster.nowMs + 30, () => {
          restartedAt = cluster.wire.length
          cluster.restart(member)
        })
      )
      expect(cluster.runUntil(() => cluster.alive.length < 4, 60_000)).to.equal(true)
      expect(cluster.runUntil(() => cluster.alive.length === 4, 60_000)).to.equal(true)
      expect(cluster.finish(60_000)).to.equal(true)
      expectSameAttemptCertified(cluster)
      expectIncludedByRule(cluster, member)
      const later = cluster.wire.slice(restartedAt).filter(({ sender }) => sender === member)
      // Its secrets died with it.
      const secret = ['share-keys', 'masked-input', 'unmask-bundle']
      if (cluster.peer(member).notices.some(({ notice }) => notice === 'without-secrets'))
        expect(later.filter(({ type }) => secret.includes(type))).to.deep.equal([])
      votedAfter += later.filter(({ type }) => type === 'prepare' || type === 'commit').length
    })
  }

  it('and votes on, wherever it is needed', () => {
    expect(votedAfter).to.be.above(points.get(member)!.length)
  })
})
