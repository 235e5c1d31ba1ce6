import { expect } from 'chai'
import { toHex } from '../../protocols/hex.ts'
import { CACHE_TIP_MS } from '../../protocols/limits.ts'
import { memoryFiles } from '../../sim/memory-files.ts'
import { testMember } from '../support/chains.ts'
import { cachedIn, coordinatorIn, finished, isWholeAt } from '../support/coordinators.ts'
import { PeerCluster } from '../support/peer-cluster.ts'

const FIRST = 900
const SECOND = 901

describe('the cache of a coordinator', function () {
  this.timeout(20_000)

  it('brings a peer that was away up to date while all others sleep', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const coordinator = coordinatorIn(cluster, FIRST)
    await cluster.startAll()
    const first = cluster.lives.get(1)!.peer
    expect(await cluster.runUntil(() => first.status().tip?.completedRounds === 1), 'a round').to.equal(true)
    cluster.lives.get(4)!.kill()
    await finished(cluster, coordinator)
    const [expected] = cluster.stateHashes()
    for (const { kill } of cluster.living) kill()
    // Its disk is as it was, and only the coordinator is there.
    const late = await cluster.restart(4)
    expect(late.peer.status().tip?.completedRounds).to.be.below(2)
    expect(await cluster.runUntil(() => late.peer.status().tip?.completedRounds === 2, 120_000)).to.equal(
      true
    )
    expect(toHex(late.peer.status().tip!.stateHash)).to.equal(expected)
    expect(late.events.find(({ type }) => type === 'caught-up')).to.include({ from: testMember(FIRST).id })
    expect((await late.peer.finished).completedRounds).to.equal(2)
    await cluster.stop()
    coordinator.close()
  })

  it('is filled by another coordinator’s when all peers sleep: the list in a moment, the rest by the next tip', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const first = coordinatorIn(cluster, FIRST)
    await cluster.startAll()
    await finished(cluster, first)
    for (const { kill } of cluster.living) kill()
    const second = coordinatorIn(cluster, SECOND, 1e6, [FIRST])
    await cluster.clock.advance(1_000)
    expect(second.status().runs.map(({ run }) => run)).to.deep.equal([toHex(cluster.run.run.id)])
    expect(await cluster.runUntil(() => isWholeAt(second, 2), CACHE_TIP_MS + 10_000)).to.equal(true)
    cluster.world.kill(testMember(FIRST).id)
    const late = await cluster.start(2, { disk: memoryFiles() })
    expect(await cluster.runUntil(() => late.peer.status().condition === 'finished', 60_000)).to.equal(true)
    await cluster.stop()
    first.close()
    second.close()
  })

  it('stays within its bound, whatever there is to keep, and is empty once it is closed', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const coordinator = coordinatorIn(cluster, FIRST, 4_000)
    let most = 0
    await cluster.startAll()
    const ended = () => {
      most = Math.max(most, coordinator.status().cachedBytes)
      return cluster.living.every(({ peer }) => peer.status().condition === 'finished')
    }
    expect(await cluster.runUntil(ended), 'the run does not mind').to.equal(true)
    await cluster.clock.advance(20_000)
    ended()
    expect(cachedIn(coordinator)!.isWhole).to.equal(false)
    expect(most).to.be.within(1, 4_000)
    coordinator.close()
    expect(coordinator.status().cachedBytes).to.equal(0)
    await cluster.stop()
  })
})
