import { expect } from 'chai'
import { committeePeers } from '../../support/committee-peers.ts'
import { linksOf } from '../../support/peer-cluster.ts'

describe('peers with a committee of verifiers, more of them', () => {
  it('go on through the death and return of a member in it, and of one outside', async () => {
    for (const inside of [true, false]) {
      const { cluster, committeeAfter } = committeePeers({ manifest: { rounds: 2 } })
      const lives = await cluster.startAll()
      const training = () => lives.every(({ peer }) => peer.status().phase === 'LocalTraining')
      expect(await cluster.runUntil(training)).to.equal(true)
      const committee = committeeAfter(lives[0]!.peer.status().tip!)
      const victim = lives.find(({ member }) => committee.includes(member.id) === inside)!
      victim.kill()
      await cluster.clock.advance(500)
      await cluster.restart(victim.number)
      expect(await cluster.runToEnd()).to.equal(true)
      expect(cluster.stateHashes().size).to.equal(1)
      expect(cluster.splits()).to.deep.equal([])
      await cluster.stop()
    }
  })

  it('come back all at once, after they all lost power at rest', async () => {
    const { cluster } = committeePeers()
    const lives = await cluster.startAll()
    await cluster.runUntil(() => lives.every(life => linksOf(life).length >= 1))
    for (const life of lives) life.kill()
    await cluster.clock.advance(60_000)
    await Promise.all(lives.map(({ number }) => cluster.restart(number)))
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })
})
