import { expect } from 'chai'
import { toHex } from '../../protocols/hex.ts'
import { contradictions, linkKinds, stateHashes } from '../support/cluster-claims.ts'
import { crashAt, crashPointsOf, crashRun } from '../support/crash-points.ts'

const seed = 11

describe('a journal that was rolled back', () => {
  const twoRounds = crashRun(4, 2)
  const there = crashPointsOf(twoRounds, seed)
  const [aggregator] = there.ranked as [string]
  const member = there.ranked[3]!
  const point = there.points.get(member)!.find(({ name }) => name === 'Unmasking: journal release')!

  /** Everything that the member says in the attempt after it came back with a part of its journal. */
  function withJournal(entries: (all: number) => number) {
    let from = 0
    let all = 0
    const cluster = crashAt(twoRounds, seed, member, point, cluster =>
      cluster.at(cluster.nowMs + 30, () => {
        from = cluster.wire.length
        const { journal } = cluster.peer(member)
        all = journal.length
        cluster.restart(member, journal.slice(0, entries(all)))
      })
    )
    expect(cluster.finish(120_000)).to.equal(true)
    expect(contradictions(cluster)).to.deep.equal([])
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    expect(linkKinds(cluster)).to.deep.equal(['result', 'result'])
    const said = cluster.wire.slice(from).filter(({ sender, type }) => sender === member && type !== 'tip')
    const notices = cluster.peer(member).notices.filter(({ notice }) => notice === 'without-secrets')
    return {
      all,
      notices,
      now: said.filter(({ context }) => context.round === 0),
      later: said.filter(({ context }) => context.round === 1)
    }
  }

  it('empty: it is silent for the attempt, and takes part in the next', () => {
    const { now, later, notices } = withJournal(() => 0)
    expect(now).to.deep.equal([])
    expect(later.map(({ type }) => type)).to.include.members(['advertise-keys', 'masked-input', 'commit'])
    expect(notices[0])
      .to.have.property('reason')
      .that.matches(/others hold a .* that its journal does not know/)
  })

  it('whole: it votes on', () => {
    const { now, notices } = withJournal(all => all)
    expect(notices[0])
      .to.have.property('reason')
      .that.matches(/it goes on voting/)
    expect(now.map(({ type }) => type)).to.include('commit')
  })

  it('short of its last votes: silent as soon as anyone holds one of them', () => {
    const reached = withJournal(all => all).all
    expect(reached).to.be.above(4)
    for (let cut = 1; cut < reached; cut++) {
      const { now } = withJournal(() => cut)
      expect(
        now.map(({ type }) => type),
        `${cut} of ${reached} entries`
      ).to.deep.equal([])
    }
  })

  it('with the rest of the disk, as a copy of before: it asks what it said in the next attempt too', () => {
    let isBack = false
    const cluster = crashAt(twoRounds, seed, member, point, cluster =>
      cluster.at(cluster.nowMs + 30, () => {
        isBack = true
        cluster.restart(member, cluster.peer(member).journal)
      })
    )
    const inSecond = (id: string) => cluster.peer(id).state.attempt?.round === 1
    expect(cluster.runUntil(() => isBack && inSecond(member))).to.equal(true)
    expect(cluster.peer(member).state.attempt!.participation).to.equal('probing')
    expect(cluster.runUntil(() => inSecond(aggregator))).to.equal(true)
    expect(cluster.peer(aggregator).state.attempt!.participation).to.equal('full')
    expect(cluster.finish(60_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['result', 'result'])
  })

  it('says nothing before a quorum but itself has answered what it holds', () => {
    let from = 0
    const cluster = crashAt(twoRounds, seed, member, point, cluster => {
      // Two of the three others are out of reach: one answer is all there is to be had.
      cluster.partition([member, there.ranked[0]!], there.ranked.slice(1, 3))
      cluster.at(cluster.nowMs + 30, () => {
        from = cluster.wire.length
        cluster.restart(member, [])
      })
    })
    cluster.runUntil(() => from > 0 && cluster.nowMs > 1_003_000)
    const said = () =>
      cluster.wire.slice(from).filter(({ sender, type }) => sender === member && type !== 'tip')
    expect(said()).to.deep.equal([])
    expect(cluster.peer(member).state.attempt!.participation).to.equal('probing')
    cluster.partition()
    expect(cluster.finish(60_000)).to.equal(true)
    const inFirst = said().filter(({ context }) => context.round === 0)
    expect(inFirst.map(({ type }) => type)).to.deep.equal([])
    expect(linkKinds(cluster)).to.deep.equal(['result', 'result'])
  })

  it('is not feigned: old words of its own, served by a liar, do not silence it', () => {
    const cluster = crashAt(twoRounds, seed, member, point)
    cluster.reach(1)
    const old = cluster.wire.filter(({ sender, type }) => sender === member && type === 'prepare')
    expect(old).to.not.deep.equal([])
    const liar = cluster.peer(aggregator)
    expect(liar.state.attempt).to.include({ round: 1 })
    for (const message of old) liar.state.attempt!.transcript.set(toHex(message.hash), message)
    cluster.restart(member)
    const now = () => cluster.peer(member).state.attempt
    expect(cluster.runUntil(() => now()?.round === 1 && now()!.participation !== 'probing')).to.equal(true)
    expect(now()).to.include({ participation: 'full' })
    expect(cluster.finish(60_000)).to.equal(true)
  })

  it('and filled with other votes than it cast: silent, as the others hold what it said', () => {
    for (const vote of ['prepare', 'commit'] as const) {
      let from = 0
      const cluster = crashAt(twoRounds, seed, member, point, cluster =>
        cluster.at(cluster.nowMs + 30, () => {
          from = cluster.wire.length
          const journal = cluster
            .peer(member)
            .journal.map(entry =>
              entry.kind === 'vote' && entry.vote === vote
                ? { ...entry, valueHash: new Uint8Array(32).fill(1) }
                : entry
            )
          cluster.restart(member, journal)
        })
      )
      expect(cluster.finish(120_000)).to.equal(true)
      const said = cluster.wire.slice(from).filter(({ sender, type }) => sender === member && type !== 'tip')
      expect(
        said.filter(({ context }) => context.round === 0).map(({ type }) => type),
        vote
      ).to.deep.equal([])
    }
  })
})
