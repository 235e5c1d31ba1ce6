import { expect } from 'chai'
import type { TreeNode } from '../../../protocols/tree.ts'
import type { PeerLife } from '../../support/peer-cluster.ts'
import { linksOf } from '../../support/peer-cluster.ts'
import {
  firstOf,
  founded,
  hasSeatAbove,
  livesIn,
  noticesOf,
  soundly,
  treeCluster,
  treeOf
} from '../../support/tree-cluster.ts'

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

  it('the aggregator of a parent cohort of level 2 dies, and a stand-in takes its place', async () => {
    const cluster = treeCluster({ founders: 16 })
    const lives = await founded(cluster)
    const { levels } = treeOf(cluster, lives[0]!)
    const node = levels[2]![0]!
    const seated = livesIn(cluster, node)
    // When the sums below are on their way up, and before this one is agreed on.
    const isBelowDone = () =>
      cluster.living.every(
        life => noticesOf(life, 'cohort-sum').some(notice => notice.level === 1) || !below(life)
      )
    const below = ({ member }: PeerLife) => levels[1]!.some(({ cohort }) => cohort.includes(member.id))
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
