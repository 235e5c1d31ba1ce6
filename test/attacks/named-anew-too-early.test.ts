import { expect } from 'chai'
import { testDeadlines, testMember, testRun } from '../support/chains.ts'
import { contradictions, linkKinds, longestChain } from '../support/cluster-claims.ts'
import type { ClusterPeer } from '../support/cluster-peer.ts'
import { RoundCluster } from '../support/round-cluster.ts'

/** Five members, of which four are a quorum and two that stand down are enough; the author is one of them. */
function lateInRound(): { cluster: RoundCluster; author: ClusterPeer; others: string[] } {
  const run = testRun(5, { rounds: 2, deadlines: testDeadlines })
  const cluster = new RoundCluster(run, { seed: 5 })
  cluster.start()
  const isTraining = (): boolean =>
    cluster.alive.every(({ state }) => state.phase === 'MaskedInputCollection')
  expect(cluster.runUntil(isTraining)).to.equal(true)
  const others = run.members.map(({ id }) => id).filter(id => id !== run.author.id)
  return { cluster, author: cluster.peer(run.author.id), others }
}

function stoodDown({ state }: ClusterPeer): string[] {
  return [...(state.attempt?.standDowns.said.keys() ?? [])].sort()
}

describe('standing down', () => {
  it('is for members that see no quorum: in a healthy run nobody does', () => {
    const { cluster, author } = lateInRound()
    cluster.feed(author, { type: 'stand-down' })
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['result', 'result'])
    expect(
      cluster.alive.flatMap(({ notices }) => notices.filter(({ notice }) => notice === 'stood-down'))
    ).to.deep.equal([])
  })

  it('lets the author go on without two of five that have died, and with a newcomer', () => {
    const { cluster, author, others } = lateInRound()
    const [a, b, c, d] = others as [string, string, string, string]
    for (const id of [c, d]) cluster.kill(id)
    cluster.runUntil(() => false, 20_000)
    cluster.feed(author, { type: 'stand-down' })
    const here = [author.id, a, b].sort()
    const all = (): boolean => cluster.alive.every(peer => stoodDown(peer).join() === here.join())
    expect(cluster.runUntil(all, 10_000)).to.equal(true)
    const newcomer = cluster.join(testMember(50))
    expect(cluster.runUntil(() => newcomer.state.tip !== null, 60_000)).to.equal(true)
    cluster.reconfigure([...here, newcomer.id])
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['reconfiguration', 'result', 'result'])
    expect(longestChain(cluster).at(-1)!.cohort).to.have.members([...here, newcomer.id])
    expect(contradictions(cluster)).to.deep.equal([])
  })

  it('makes no fork when the missing were only cut off', () => {
    const { cluster, author, others } = lateInRound()
    const [a, ...rest] = others as [string, ...string[]]
    cluster.partition([author.id, a], rest)
    cluster.runUntil(() => false, 20_000)
    cluster.feed(author, { type: 'stand-down' })
    expect(cluster.runUntil(() => stoodDown(author).length === 2, 10_000)).to.equal(true)
    cluster.reconfigure([author.id, ...others])
    cluster.partition()
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['reconfiguration', 'result', 'result'])
    expect(contradictions(cluster)).to.deep.equal([])
  })

  it('binds a member after a restart too', () => {
    const { cluster, author, others } = lateInRound()
    const [a, b, c, d] = others as [string, string, string, string]
    for (const id of [c, d]) cluster.kill(id)
    cluster.runUntil(() => false, 20_000)
    cluster.feed(author, { type: 'stand-down' })
    expect(cluster.runUntil(() => stoodDown(author).length === 3, 10_000)).to.equal(true)
    cluster.kill(a)
    cluster.restart(a)
    // With everyone back there would be a quorum, if those who stood down could speak.
    for (const id of [c, d]) cluster.restart(id)
    cluster.runUntil(() => false, 120_000)
    expect(linkKinds(cluster)).to.deep.equal([])
    expect(cluster.peer(a).state.attempt!.participation).to.equal('silent')
    cluster.reconfigure([author.id, a, b, c, d])
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['reconfiguration', 'result', 'result'])
    expect(contradictions(cluster)).to.deep.equal([])
  })

  it('binds a member after a restart though nobody who heard it is there', () => {
    const { cluster, author, others } = lateInRound()
    const [a, ...rest] = others as [string, ...string[]]
    cluster.partition([author.id, a], rest)
    cluster.runUntil(() => false, 20_000)
    cluster.feed(author, { type: 'stand-down' })
    expect(cluster.runUntil(() => stoodDown(author).includes(a), 10_000)).to.equal(true)
    // The author has what it needs; with the four others, that member among them, there would be a quorum all the same.
    cluster.kill(author.id)
    cluster.kill(a)
    cluster.partition()
    cluster.restart(a)
    cluster.runUntil(() => false, 120_000)
    expect(linkKinds(cluster)).to.deep.equal([])
  })

  it('is what a member does that restarts among too few, once it is asked', () => {
    const { cluster, author, others } = lateInRound()
    const [a, , c, d] = others as [string, string, string, string]
    for (const id of [c, d]) cluster.kill(id)
    cluster.kill(a)
    cluster.restart(a)
    cluster.runUntil(() => false, 20_000)
    expect(cluster.peer(a).state.attempt!.participation).to.equal('probing')
    cluster.feed(author, { type: 'stand-down' })
    expect(cluster.runUntil(() => stoodDown(author).includes(a), 20_000)).to.equal(true)
  })
})
