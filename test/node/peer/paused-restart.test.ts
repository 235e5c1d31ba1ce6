import { expect } from 'chai'
import { linksOf, PeerCluster } from '../../support/peer-cluster.ts'

describe('a run that its author has paused', () => {
  it('is still paused when everyone has been restarted, and goes on at the word of its author', async () => {
    const cluster = new PeerCluster({ founders: 4, manifest: { rounds: 3 } })
    const lives = await cluster.startAll()
    await cluster.runUntil(() => lives.every(life => linksOf(life).length >= 1))
    await lives[0]!.peer.order({ kind: 'pause' })
    const isPaused = (): boolean => cluster.living.every(({ peer }) => peer.status().paused !== null)
    expect(await cluster.runUntil(isPaused)).to.equal(true)
    const height = lives[0]!.peer.status().tip!.height
    for (const life of lives) life.kill()

    const again = await Promise.all([1, 2, 3, 4].map(number => cluster.restart(number)))
    expect(await cluster.runUntil(isPaused)).to.equal(true)
    await cluster.clock.advance(600_000)
    for (const { peer } of again) {
      expect(peer.status().paused).to.contain('author')
      expect(peer.status().tip!.height).to.equal(height)
    }
    await again[0]!.peer.order({ kind: 'resume', members: 'same' })
    expect(await cluster.runToEnd()).to.equal(true)
    expect(cluster.stateHashes().size).to.equal(1)
    await cluster.stop()
  })
})
