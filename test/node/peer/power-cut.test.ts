import { expect } from 'chai'
import type { Files } from '../../../protocols/ports.ts'
import type { MemoryFiles } from '../../../sim/memory-files.ts'
import { linksOf, PeerCluster } from '../../support/peer-cluster.ts'

/** Everyone loses power at once, when so many have written down a vote on the result of the first round. */
async function cutAfter(vote: 'prepare' | 'commit', votes: number): Promise<PeerCluster> {
  const cluster = new PeerCluster({ founders: 4 })
  let written = 0
  const files = (disk: MemoryFiles): Files => ({
    ...disk,
    async append(path, bytes) {
      await disk.append(path, bytes)
      const text = new TextDecoder().decode(bytes)
      if (!text.includes('"subject":"result"') || !text.includes(`"vote":"${vote}"`)) return
      written++
      if (written === votes) for (const life of cluster.living) life.kill()
    }
  })
  await Promise.all([1, 2, 3, 4].map(number => cluster.start(number, { files })))
  expect(await cluster.runUntil(() => cluster.living.length === 0)).to.equal(true)
  expect([...cluster.lives.values()].flatMap(linksOf)).to.deep.equal([])
  await Promise.all([1, 2, 3, 4].map(number => cluster.restart(number)))
  return cluster
}

describe('a power cut for everyone while the result is voted on', () => {
  for (const [vote, votes] of [
    ['prepare', 1],
    ['prepare', 4],
    ['commit', 1],
    ['commit', 3],
    ['commit', 4]
  ] as const) {
    it(`after ${votes} of 4 wrote down a ${vote} vote: the run goes on, from a state that somebody has`, async () => {
      const cluster = await cutAfter(vote, votes)
      expect(await cluster.runToEnd()).to.equal(true)
      expect(cluster.stateHashes().size).to.equal(1)
      expect(cluster.splits()).to.deep.equal([])
      const [first] = linksOf(cluster.lives.get(1)!)
      // A commit vote stands on a prepare certificate: its value is the only one that can still be certified.
      if (vote === 'commit' && votes >= 3) expect(first).to.include({ kind: 'result', round: 0, attempt: 0 })
      await cluster.stop()
    })
  }
})
