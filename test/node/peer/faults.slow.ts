import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { faultsOf } from '../../../protocols/quorum.ts'
import { type DeathMoment, dyingFiles } from '../../support/dying-files.ts'
import { PeerCluster, type PeerLife } from '../../support/peer-cluster.ts'

async function expectOneChain(cluster: PeerCluster): Promise<void> {
  expect(await cluster.runToEnd()).to.equal(true)
  expect(cluster.stateHashes().size).to.equal(1)
  expect(cluster.splits()).to.deep.equal([])
  for (const { events } of cluster.lives.values()) {
    expect(events.filter(({ type }) => type === 'error')).to.deep.equal([])
  }
  await cluster.stop()
}

describe('a peer that loses power at any write of a run', () => {
  for (const number of [1, 2]) {
    for (const moment of ['before', 'torn', 'after'] as const satisfies DeathMoment[]) {
      it(`comes back to the others' chain (peer ${number}, ${moment})`, async function () {
        this.timeout(300_000)
        let deaths = 0
        for (let dieAt = 2; ; dieAt++) {
          const cluster = new PeerCluster({ founders: 4 })
          const files = (disk: PeerLife['disk'], kill: () => void) => dyingFiles(disk, kill, dieAt, moment)
          await Promise.all([1, 2, 3, 4].map(each => cluster.start(each, each === number ? { files } : {})))
          const isOver = (): boolean =>
            cluster.living.every(({ peer }) => peer.status().condition === 'finished')
          await cluster.runUntil(() => cluster.lives.get(number)!.dead || isOver())
          if (!cluster.lives.get(number)!.dead) break
          deaths++
          await cluster.clock.advance(500)
          await cluster.restart(number)
          await expectOneChain(cluster)
        }
        expect(deaths).to.be.above(20)
      })
    }
  }
})

describe('peers that die and come back at random, up to f at a time', () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`agree on every link (seed ${seed})`, async function () {
      this.timeout(300_000)
      const random = seededRandom(seed)
      const below = (limit: number): number => random.nextUint32() % limit
      const founders = 4 + below(4)
      const world = { lossRate: below(2) * 0.04, duplicateRate: 0.1 }
      const cluster = new PeerCluster({ founders, seed, manifest: { rounds: 3 }, world })
      await cluster.startAll()
      const backAtMs = new Map<number, number>()
      for (let i = 0; i < 60; i++) {
        await cluster.clock.advance(100 + below(2_000))
        for (const [number, atMs] of backAtMs) {
          if (cluster.clock.nowMs() < atMs) continue
          backAtMs.delete(number)
          await cluster.restart(number)
        }
        const number = 1 + below(founders)
        if (backAtMs.size === faultsOf(founders) || backAtMs.has(number) || below(4) > 0) continue
        cluster.lives.get(number)!.kill()
        backAtMs.set(number, cluster.clock.nowMs() + 200 + below(15_000))
      }
      for (const number of backAtMs.keys()) await cluster.restart(number)
      await expectOneChain(cluster)
    })
  }
})
