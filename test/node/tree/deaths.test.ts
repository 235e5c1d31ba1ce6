import { expect } from 'chai'
import { rankMembers } from '../../../protocols/election.ts'
import type { CohortTree, TreeNode } from '../../../protocols/tree.ts'
import type { PeerCluster, PeerLife } from '../../support/peer-cluster.ts'
import { linksOf } from '../../support/peer-cluster.ts'
import { livesIn, noticesOf, treeCluster, treeOf } from '../../support/tree-cluster.ts'

/** Runs to the end, which must be one state on one chain. */
async function soundly(cluster: PeerCluster): Promise<void> {
  expect(await cluster.runToEnd()).to.equal(true)
  expect(cluster.stateHashes().size).to.equal(1)
  expect(cluster.splits()).to.deep.equal([])
  await cluster.stop()
}

async function founded(cluster: PeerCluster): Promise<PeerLife[]> {
  const lives = await cluster.startAll()
  await cluster.runUntil(() => lives.every(({ peer }) => peer.status().tip !== null))
  return lives
}

describe('in a network of several cohorts', () => {
  it('a cohort that dies in the middle is left out, and the round is completed without it', async () => {
    const cluster = treeCluster({ founders: 16, manifest: { rounds: 2 } })
    const lives = await founded(cluster)
    const tree = treeOf(cluster, lives[0]!)
    // So that no parent cohort dies with it: of members that add up nothing above.
    const idle = (leaf: TreeNode) =>
      livesIn(cluster, leaf).filter(({ member }) => !hasSeatAbove(tree, member.id))
    const leaf = tree.levels[0]!.find(leaf => idle(leaf).length >= 2)!
    const dead = idle(leaf).slice(0, 2)
    await cluster.runUntil(() =>
      livesIn(cluster, leaf).every(({ peer }) => peer.status().phase === 'LocalTraining')
    )
    for (const life of dead) life.kill()
    const watcher = cluster.living.find(({ member }) => !leaf.cohort.includes(member.id))!
    await cluster.runUntil(() => linksOf(watcher).length === 1)
    const link = linksOf(watcher)[0]!
    expect(link).to.include({ kind: 'result', node: '2/0' })
    expect(link.survivors.length).to.equal(12)
    expect(link.survivors.some(({ peer }) => leaf.cohort.includes(peer))).to.equal(false)
    // Nobody is taken for silent who only sat with the dead.
    expect(watcher.peer.status().tip!.silent).to.deep.equal([])
    for (const { number } of dead) await cluster.restart(number)
    await soundly(cluster)
  })

  it('a cohort that loses as many as it can is counted, without them', async () => {
    const cluster = treeCluster({ founders: 16 })
    const lives = await founded(cluster)
    const tree = treeOf(cluster, lives[0]!)
    await cluster.runUntil(() => lives.every(({ peer }) => peer.status().phase === 'LocalTraining'))
    // One of each leaf, nobody who adds up above.
    const dead = tree.levels[0]!.flatMap(leaf =>
      livesIn(cluster, leaf)
        .filter(({ member }) => !hasSeatAbove(tree, member.id))
        .slice(0, 1)
    )
    expect(dead.length).to.be.above(0)
    for (const life of dead) life.kill()
    await cluster.runUntil(() => linksOf(cluster.living[0]!).length === 1)
    expect(linksOf(cluster.living[0]!)[0]!.survivors.length).to.equal(16 - dead.length)
    expect(cluster.living[0]!.peer.status().tip!.silent.length).to.equal(dead.length)
    await soundly(cluster)
  })

  for (const level of [1, 2]) {
    it(`the aggregator of a parent cohort of level ${level} dies, and a stand-in takes its place`, async () => {
      const cluster = treeCluster({ founders: 16 })
      const lives = await founded(cluster)
      const node = treeOf(cluster, lives[0]!).levels[level]![0]!
      const seated = livesIn(cluster, node)
      // When the sums below are on their way up, and before this one is agreed on.
      const isBelowDone = () =>
        cluster.living.every(
          life => noticesOf(life, 'cohort-sum').some(notice => notice.level === level - 1) || !below(life)
        )
      const below = ({ member }: PeerLife) =>
        treeOf(cluster, lives[0]!).levels[level - 1]!.some(({ cohort }) => cohort.includes(member.id))
      await cluster.runUntil(isBelowDone)
      const first = firstOf(cluster, lives[0]!, node.cohort)
      seated.find(({ member }) => member.id === first)!.kill()
      await cluster.runUntil(() => linksOf(cluster.living[0]!).length === 1)
      const link = linksOf(cluster.living[0]!)[0]!
      expect(link.kind).to.equal('result')
      expect(link.children.length).to.equal(2)
      expect(link.survivors.length).to.equal(16)
      await soundly(cluster)
    })
  }

  it('a member that comes back in the middle goes on in its cohorts, as its journal allows', async () => {
    const cluster = treeCluster({ founders: 16, manifest: { rounds: 2 } })
    const lives = await founded(cluster)
    const { root } = treeOf(cluster, lives[0]!)
    const seated = livesIn(cluster, root)
    await cluster.runUntil(() => seated.every(({ peer }) => peer.status().phase === 'SumOfCohorts'))
    for (const life of seated.slice(0, 2)) life.kill()
    await cluster.clock.advance(1_000)
    for (const { number } of seated.slice(0, 2)) await cluster.restart(number)
    await cluster.runUntil(() => linksOf(seated[2]!).length === 1)
    expect(linksOf(seated[2]!)[0]).to.include({ kind: 'result', round: 0 })
    await soundly(cluster)
  })

  it('a round in which no cohort comes to a sum is lost, and the next one goes on', async () => {
    const cluster = treeCluster({ founders: 16 })
    const lives = await founded(cluster)
    for (const { trainer } of lives) trainer.failWith = 'no luck'
    const watcher = lives[0]!
    await cluster.runUntil(() => linksOf(watcher).length === 1)
    expect(linksOf(watcher)[0]).to.include({ kind: 'lost', reason: 'not-opened' })
    expect(watcher.peer.status().tip).to.include({ round: 1, attempt: 0, completedRounds: 0 })
    const ends = lives
      .flatMap(life => noticesOf(life, 'cohort-sum'))
      .map(({ level, kind }) => `${level} ${kind}`)
    expect(new Set(ends)).to.deep.equal(new Set(['0 abort', '1 lost']))
    for (const { trainer } of lives) trainer.failWith = null
    await soundly(cluster)
    expect(linksOf(watcher).at(-1)).to.include({ kind: 'result', round: 1 })
  })
})

function hasSeatAbove({ levels }: CohortTree, peer: string): boolean {
  return levels.slice(1).some(level => level.some(({ cohort }) => cohort.includes(peer)))
}

/** The aggregator of a cohort: first by rank. */
function firstOf(cluster: PeerCluster, { peer }: PeerLife, cohort: readonly string[]): string {
  const { beacon, attempt } = peer.status().tip!
  return rankMembers(cohort, beacon, attempt, cluster.run.crypto.sha256)[0]!
}
