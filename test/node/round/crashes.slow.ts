import { expect } from 'chai'
import { type Random, seededRandom } from '../../../aggregation/random.ts'
import { faultsOf } from '../../../protocols/quorum.ts'
import {
  contradictions,
  linkKinds,
  longestChain,
  plainSum,
  stateHashes
} from '../../support/cluster-claims.ts'
import { expectIncludedByRule, expectSameAttemptCertified } from '../../support/crash-claims.ts'
import { crashAt, crashPointsOf, crashRun } from '../../support/crash-points.ts'
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

/** Kills up to `most` members at a time before random effects; each comes back after a while, or never. */
function massacre(
  n: number,
  random: Random,
  most: number,
  backAfterMs: number,
  lossPercent: number
): RoundCluster {
  const dead = new Set<string>()
  let kills = 0
  let countdown = random.nextUint32() % 150
  const cluster: RoundCluster = new RoundCluster(crashRun(n, 3), {
    seed: random.nextUint32() & 0xffff,
    deliver: () => random.nextUint32() % 100 >= lossPercent,
    onEffect: (id, effect) => {
      if (effect.type === 'notice' || dead.has(id) || dead.size >= most || kills >= 5) return true
      // Without its author a run does not even begin.
      if (backAfterMs === 0 && cluster.alive.some(({ founding }) => founding === null)) return true
      if (countdown-- > 0) return true
      countdown = random.nextUint32() % 150
      kills++
      dead.add(id)
      if (backAfterMs > 0) {
        cluster.at(cluster.nowMs + 50 + (random.nextUint32() % backAfterMs), () => {
          dead.delete(id)
          cluster.restart(id)
        })
      }
      return false
    }
  })
  return cluster.start()
}

function expectExact(cluster: RoundCluster, name: string): void {
  expect(cluster.finish(900_000), name).to.equal(true)
  expect(stateHashes(cluster), name).to.have.lengthOf(1)
  expect(contradictions(cluster), name).to.deep.equal([])
  for (const { kind, round, attempt, survivors } of longestChain(cluster)) {
    if (kind !== 'result') continue
    const sum = plainSum(
      cluster,
      round,
      attempt,
      survivors.map(({ peer }) => peer)
    )
    for (const { sums } of cluster.peers.values()) {
      const own = sums.get(`${round}.${attempt}`)
      if (own !== undefined) expect(own, name).to.deep.equal(sum)
    }
  }
}

describe('members die at random', () => {
  for (const n of [4, 7, 10]) {
    it(`${n} members, f of them for good: never an abort, never a loss`, () => {
      for (let i = 0; i < 12; i++) {
        const cluster = massacre(n, seededRandom(100 * n + i), faultsOf(n), 0, 0)
        expectExact(cluster, `n ${n}, ${i}`)
        expect(linkKinds(cluster), `n ${n}, ${i}`).to.deep.equal(['result', 'result', 'result'])
      }
    }).timeout(300_000)

    it(`${n} members, up to f + 1 at a time, who come back, and words are lost: one chain, exact sums`, () => {
      for (let i = 0; i < 12; i++)
        expectExact(massacre(n, seededRandom(500 * n + i), faultsOf(n) + 1, 6_000, 2), `n ${n}, ${i}`)
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
