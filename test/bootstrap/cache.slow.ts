import { expect } from 'chai'
import { CACHE_TIP_MS } from '../../protocols/limits.ts'
import { ChainRequest } from '../../protocols/messages.js'
import { CHAIN_PROTOCOL } from '../../protocols/run-protocols.ts'
import { memoryFiles } from '../../sim/memory-files.ts'
import { testMember } from '../support/chains.ts'
import { cachedIn, coordinatorIn, finished } from '../support/coordinators.ts'
import { PeerCluster } from '../support/peer-cluster.ts'

const FIRST = 900
const SECOND = 901

describe('the cache of a coordinator, at length', function () {
  this.timeout(20_000)

  it('brings one that has nothing but the manifest there too', async () => {
    const cluster = new PeerCluster({ founders: 4 })
    const coordinator = coordinatorIn(cluster, FIRST)
    await cluster.startAll()
    await finished(cluster, coordinator)
    for (const { kill } of cluster.living) kill()
    const late = await cluster.start(3, { disk: memoryFiles() })
    const limitMs = CACHE_TIP_MS + 30_000
    expect(await cluster.runUntil(() => late.peer.status().condition === 'finished', limitMs)).to.equal(true)
    await cluster.stop()
    coordinator.close()
  })

  it('keeps nothing of a run that does not let it in, and gives nothing to a peer that may not take part', async () => {
    const members = [1, 2, 3, 4].map(number => testMember(number).id)
    for (const [number, admitted] of [
      [FIRST, false],
      [SECOND, true]
    ] as const) {
      const peers = admitted ? [...members, testMember(number).id].sort() : members.toSorted()
      const cluster = new PeerCluster({ founders: 4, manifest: { admission: { kind: 'list', peers } } })
      const coordinator = coordinatorIn(cluster, number)
      await cluster.startAll()
      expect(await cluster.runToEnd()).to.equal(true)
      await cluster.clock.advance(30_000)
      expect(coordinator.status().runs).to.have.length(1)
      expect(cachedIn(coordinator)?.completedRounds ?? null).to.equal(admitted ? 2 : null)
      expect(coordinator.status().cachedBytes > 0).to.equal(admitted)
      // A stranger asks for what the coordinator has.
      const stranger = cluster.world.join(testMember(77).id)
      const frames: Uint8Array[] = []
      const body = ChainRequest.encode({ run: cluster.run.run.id, fromHeight: 0 })
      const asking = (async () => {
        const options = { timeoutMs: 5_000, maxFrameBytes: 1e6 }
        for await (const frame of stranger.request(testMember(number).id, CHAIN_PROTOCOL, body, options))
          frames.push(frame)
      })()
      await cluster.clock.advance(10_000)
      await asking
      expect(frames).to.have.length(0)
      await cluster.stop()
      coordinator.close()
    }
  })
})
