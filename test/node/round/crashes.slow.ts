import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { faultsOf } from '../../../protocols/quorum.ts'
import { linkKinds } from '../../support/cluster-claims.ts'
import { expectIncludedByRule, expectSameAttemptCertified } from '../../support/crash-claims.ts'
import { crashAt, crashPointsOf, crashRun } from '../../support/crash-points.ts'
import { expectExact, massacre } from '../../support/massacre.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

const seed = 12
const run = crashRun(4, 1)
const { ranked, points } = crashPointsOf(run, seed)

describe('every rank dies before every kind of word', () => {
  ranked.forEach((victim, rank) => {
    for (const comesBack of [false, true]) {
      it(`rank ${rank}${comesBack ? ', and comes back' : ''}: the same attempt certifies`, () => {
        for (const point of points.get(victim)!) {
          const cluster = crashAt(run, seed, victim, point, cluster => {
            if (comesBack) cluster.at(cluster.nowMs + 60, () => cluster.restart(victim))
          })
          expect(
            cluster.runUntil(() => cluster.alive.length < 4, 60_000),
            point.name
          ).to.equal(true)
          if (comesBack) cluster.runUntil(() => cluster.alive.length === 4, 60_000)
          expect(cluster.finish(120_000), point.name).to.equal(true)
          expectSameAttemptCertified(cluster)
          expectIncludedByRule(cluster, victim)
        }
      }).timeout(120_000)
    }
  })
})

describe('members die at random', () => {
  for (const n of [4, 7, 10]) {
    it(`${n} members, f of them for good: never an abort, never a loss`, () => {
      for (let i = 0; i < 12; i++) {
        const cluster = massacre(crashRun(n, 3), seededRandom(100 * n + i), faultsOf(n), 0, 0)
        expectExact(cluster, `n ${n}, ${i}`)
        expect(linkKinds(cluster), `n ${n}, ${i}`).to.deep.equal(['result', 'result', 'result'])
      }
    }).timeout(300_000)

    it(`${n} members, up to f + 1 at a time, who come back, and words are lost: one chain, exact sums`, () => {
      for (let i = 0; i < 12; i++)
        expectExact(
          massacre(crashRun(n, 3), seededRandom(500 * n + i), faultsOf(n) + 1, 6_000, 2),
          `n ${n}, ${i}`
        )
    }).timeout(300_000)
  }

  it('everyone at once, again and again: the run ends all the same', () => {
    for (let i = 0; i < 10; i++) {
      const random = seededRandom(9_000 + i)
      const cluster = new RoundCluster(crashRun(4, 2), { seed: i })
      cluster.start()
      for (let blow = 0; blow < 4; blow++) {
        const atMs = cluster.nowMs + 50 + (random.nextUint32() % 900)
        cluster.runUntil(() => cluster.nowMs >= atMs)
        const ids = [...cluster.peers.keys()]
        for (const id of ids) cluster.kill(id)
        for (const id of ids)
          cluster.at(cluster.nowMs + 10 + (random.nextUint32() % 300), () => cluster.restart(id))
        cluster.runUntil(() => cluster.alive.length === 4)
      }
      expectExact(cluster, `${i}`)
    }
  }).timeout(120_000)
})
