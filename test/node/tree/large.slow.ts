import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { linksOf } from '../../support/peer-cluster.ts'
import { treeCluster, treeOf } from '../../support/tree-cluster.ts'

/** Mean bytes of one peer in its second round, sent and received together: in the first everyone registers. */
async function bytesPerPeer(founders: number) {
  const cluster = treeCluster({ founders, manifest: { cohort: { fanIn: 4 }, rounds: 2 } })
  const lives = await cluster.startAll()
  expect(await cluster.runToEnd()).to.equal(true)
  expect(cluster.stateHashes().size).to.equal(1)
  for (const { kind, survivors } of linksOf(lives[0]!))
    expect([kind, survivors.length]).to.deep.equal(['result', founders])
  const costs = lives.flatMap(({ events }) =>
    events.flatMap(event => (event.type === 'link' && event.link.height === 2 ? [event.bytes] : []))
  )
  await cluster.stop()
  const mean = (purpose: 'maskedUpload' | 'verification' | 'control') =>
    costs.reduce((sum, bytes) => sum + bytes[purpose].sent + bytes[purpose].received, 0) / costs.length
  return {
    maskedUpload: mean('maskedUpload'),
    verification: mean('verification'),
    control: mean('control')
  }
}

describe('a larger network', () => {
  it('costs a peer no more with sixteen cohorts than with two, but for the lists of members', async function () {
    this.timeout(600_000)
    const [small, large] = [await bytesPerPeer(8), await bytesPerPeer(64)]
    console.log(`      8 members: ${JSON.stringify(small)}; 64 members: ${JSON.stringify(large)}`)
    expect(large.maskedUpload / small.maskedUpload).to.be.within(0.75, 1.25)
    // Some pull the sums of four cohorts more, and their state comes in one step more.
    expect(large.verification / small.verification).to.be.below(2)
    // A link names every member once or twice; everything else is said within one's own cohorts.
    expect(large.control / small.control).to.be.below(1.5)
  })

  for (const seed of [1, 2, 3]) {
    it(`of five levels gets through random deaths and restarts (seed ${seed})`, async function () {
      this.timeout(600_000)
      const random = seededRandom(seed)
      const cluster = treeCluster({ founders: 36, seed, manifest: { rounds: 3 } })
      const lives = await cluster.startAll()
      await cluster.runUntil(() => lives.every(({ peer }) => peer.status().tip !== null))
      expect(treeOf(cluster, lives[0]!).levels.map(({ length }) => length)).to.deep.equal([9, 5, 3, 2, 1])
      for (let death = 0; death < 8; death++) {
        await cluster.clock.advance(random.nextUint32() % 4_000)
        const { living } = cluster
        const victim = living[random.nextUint32() % living.length]!
        victim.kill()
        await cluster.clock.advance(random.nextUint32() % 6_000)
        await cluster.restart(victim.number)
      }
      expect(await cluster.runToEnd(1_200_000)).to.equal(true)
      expect(cluster.stateHashes().size).to.equal(1)
      expect(cluster.splits()).to.deep.equal([])
      await cluster.stop()
    })
  }
})
