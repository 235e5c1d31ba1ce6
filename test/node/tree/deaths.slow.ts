import { expect } from 'chai'
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

  it('the aggregator of a parent cohort of level 1 dies, and a stand-in takes its place', async () => {
    const cluster = treeCluster({ founders: 16 })
    const lives = await founded(cluster)
    const { levels } = treeOf(cluster, lives[0]!)
    const node = levels[1]![0]!
    const seated = livesIn(cluster, node)
    // When the sums below are on their way up, and before this one is agreed on.
    const isBelowDone = () =>
      cluster.living.every(
        life => noticesOf(life, 'cohort-sum').some(notice => notice.level === 0) || !below(life)
      )
    const below = ({ member }: PeerLife) => levels[0]!.some(({ cohort }) => cohort.includes(member.id))
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
})
