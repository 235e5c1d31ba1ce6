import { expect } from 'chai'
import { BLOB_PROTOCOL, encodeBlobRequest } from '../../protocols/blob-messages.ts'
import { CACHE_TIP_MS } from '../../protocols/limits.ts'
import { ChainRequest } from '../../protocols/messages.js'
import type { Network } from '../../protocols/ports.ts'
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
      const address = cluster.lives.get(1)!.peer.status().tip!.stateHash
      const chain = ChainRequest.encode({ run: cluster.run.run.id, fromHeight: 0 })
      const state = encodeBlobRequest({ address, wanted: 'list-and-chunks', firstChunk: 0, chunks: 1 })
      const framesFor = async (asker: Network, protocol: string, body: Uint8Array): Promise<number> => {
        let frames = 0
        const asking = (async () => {
          const options = { timeoutMs: 5_000, maxFrameBytes: 1e6 }
          for await (const _ of asker.request(testMember(number).id, protocol, body, options)) frames++
        })()
        await cluster.clock.advance(10_000)
        await asking
        return frames
      }
      const stranger = cluster.world.join(testMember(77).id)
      expect(await framesFor(stranger, CHAIN_PROTOCOL, chain)).to.equal(0)
      expect(await framesFor(stranger, BLOB_PROTOCOL, state)).to.equal(0)
      const { network } = cluster.lives.get(2)!
      expect(await framesFor(network, CHAIN_PROTOCOL, chain)).to.equal(admitted ? 3 : 0)
      expect(await framesFor(network, BLOB_PROTOCOL, state)).to.equal(admitted ? 2 : 0)
      await cluster.stop()
      coordinator.close()
    }
  })
})
