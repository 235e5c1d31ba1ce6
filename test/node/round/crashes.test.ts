import { expect } from 'chai'
import { toHex } from '../../../protocols/hex.ts'
import { contradictions, linkKinds, stateHashes } from '../../support/cluster-claims.ts'
import { expectIncludedByRule, expectSameAttemptCertified, holdersOf } from '../../support/crash-claims.ts'
import { crashAt, crashPointsOf, crashRun } from '../../support/crash-points.ts'

const seed = 11
const run = crashRun(4, 1)
const { ranked, points } = crashPointsOf(run, seed)
const [aggregator, , , member] = ranked as [string, string, string, string]

describe('a member that dies and stays dead', () => {
  it('dies in every phase, before every kind of word', () => {
    const phases = (id: string) => [...new Set(points.get(id)!.map(({ name }) => name.split(':')[0]!))]
    const all = [
      ...['AdvertiseKeys', 'ShareKeys', 'LocalTraining', 'MaskedInputCollection', 'ConsistencyCheck'],
      ...['Unmasking', 'ServerStep', 'Finished']
    ]
    expect(phases(aggregator)).to.deep.equal(all)
    expect(points.get(aggregator)!.length).to.be.above(35)
    expect(points.get(member)!.length).to.be.above(25)
  })

  for (const point of points.get(aggregator)!) {
    it(`the aggregator, in ${point.name}: the same attempt certifies`, () => {
      let holders: string[] = []
      const cluster = crashAt(run, seed, aggregator, point, cluster => {
        holders = holdersOf(cluster, aggregator)
      })
      expect(cluster.finish(60_000)).to.equal(true)
      expectSameAttemptCertified(cluster)
      const included = expectIncludedByRule(cluster, aggregator)
      if (holders.length === 3) expect(included).to.equal(true)
    })
  }

  it('its input counts once all the others hold it, and not if it was never announced', () => {
    const outcome = (name: string) => {
      const point = points.get(member)!.find(point => point.name === name)!
      const cluster = crashAt(run, seed, member, point)
      expect(cluster.finish(60_000)).to.equal(true)
      expectSameAttemptCertified(cluster)
      return expectIncludedByRule(cluster, member)
    }
    expect(outcome('MaskedInputCollection: mask')).to.equal(false)
    expect(outcome('MaskedInputCollection: gossip masked-input')).to.equal(false)
    expect(outcome('ConsistencyCheck: send inventory')).to.equal(true)
    expect(outcome('Unmasking: journal release')).to.equal(true)
  })
})

describe('a member that dies and comes back a moment later', () => {
  let votedAfter = 0

  for (const point of points.get(member)!) {
    it(`in ${point.name}: the same attempt certifies, and it contradicts itself in nothing`, () => {
      let restartedAt = Number.POSITIVE_INFINITY
      const cluster = crashAt(run, seed, member, point, cluster =>
        cluster.at(cluster.nowMs + 30, () => {
          restartedAt = cluster.wire.length
          cluster.restart(member)
        })
      )
      expect(cluster.runUntil(() => cluster.alive.length < 4, 60_000)).to.equal(true)
      expect(cluster.runUntil(() => cluster.alive.length === 4, 60_000)).to.equal(true)
      expect(cluster.finish(60_000)).to.equal(true)
      expectSameAttemptCertified(cluster)
      expectIncludedByRule(cluster, member)
      const later = cluster.wire.slice(restartedAt).filter(({ sender }) => sender === member)
      // Its secrets died with it.
      const secret = ['share-keys', 'masked-input', 'unmask-bundle']
      if (cluster.peer(member).notices.some(({ notice }) => notice === 'without-secrets'))
        expect(later.filter(({ type }) => secret.includes(type))).to.deep.equal([])
      votedAfter += later.filter(({ type }) => type === 'prepare' || type === 'commit').length
    })
  }

  it('and votes on, wherever it is needed', () => {
    expect(votedAfter).to.be.above(points.get(member)!.length)
  })
})

describe('a journal that was rolled back', () => {
  // Another run than above, and so other ranks.
  const twoRounds = crashRun(4, 2)
  const there = crashPointsOf(twoRounds, seed)
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
})
