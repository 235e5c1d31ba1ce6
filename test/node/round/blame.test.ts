import { expect } from 'chai'
import type { Effect } from '../../../node/round/round-types.ts'
import { encodeEvidence } from '../../../protocols/evidence.ts'
import { toHex } from '../../../protocols/hex.ts'
import {
  AdvertiseKeys,
  MaskedInput,
  Proposal,
  Registration,
  UnmaskBundle
} from '../../../protocols/messages.js'
import { blames } from '../../support/blame-claims.ts'
import { testDeadlines, testMember, testRun } from '../../support/chains.ts'
import { contradictions, linkKinds, longestChain, stateHashes } from '../../support/cluster-claims.ts'
import { dealing, othersOf, ownIndexOf, shareFor } from '../../support/false-shares.ts'
import {
  bytes32,
  clusterWithLiar,
  type Liar,
  type LiarOptions,
  proposalWith,
  reworded,
  saidIn,
  saying
} from '../../support/liars.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

/** Announces two masked inputs in the first round. */
function twoHeaders(effect: Effect, liar: Liar): Effect[] | null {
  const message = saidIn(effect, 'masked-input')
  if (message === null || liar.attempt.round > 0) return null
  const other = { ...MaskedInput.decode(message.payload), address: bytes32(1) }
  return [effect, saying(effect, reworded(liar, message, { payload: MaskedInput.encode(other) }))]
}

/** Five members, one of whom lies; all finish, the honest agree, and the liar is expelled by one link. */
function expelledIn(options: LiarOptions) {
  const made = clusterWithLiar({ n: 5, rounds: 2, ...options })
  const { cluster, liar, honest } = made
  expect(cluster.finish(300_000)).to.equal(true)
  const ids = honest().map(({ id }) => id)
  expect(contradictions(cluster, ids)).to.deep.equal([])
  expect(stateHashes(cluster)).to.have.lengthOf(1)
  const links = longestChain(cluster)
  const expelling = links.filter(({ expulsions }) => expulsions.length > 0)
  expect(expelling).to.have.lengthOf(1)
  expect(expelling[0]!.expulsions.map(({ peer }) => peer)).to.deep.equal([liar()])
  const at = links.indexOf(expelling[0]!)
  for (const { members } of links.slice(at)) expect(members).to.have.members(ids)
  for (const { cohort } of links.slice(at + 1)) expect(cohort).to.have.members(ids)
  // Everyone who signed it has the evidence that it names on its disk.
  const { evidenceHash, kind } = expelling[0]!.expulsions[0]!
  const holders = honest().filter(({ blames }) =>
    blames.some(({ culprit, hash }) => culprit === liar() && toHex(hash) === toHex(evidenceHash))
  )
  expect(holders).to.not.deep.equal([])
  for (const { blames } of honest()) expect(blames.map(({ culprit }) => culprit)).to.deep.equal([liar()])
  return { ...made, links, at, kind, ids }
}

describe('a member that is found out', () => {
  it('with two masked inputs: neither counts, and it is not in the next member list', () => {
    // Slow to be pulled, so that everyone hears both before anyone lists what it holds.
    const { links, at, kind, liar } = expelledIn({ options: { latencyMs: 2 }, lie: twoHeaders })
    expect({ at, kind }).to.deep.equal({ at: 0, kind: 'equivocation' })
    expect(links[0]!.survivors.map(({ peer }) => peer))
      .to.have.lengthOf(4)
      .and.not.include(liar())
  })

  it('does not come back by registering', () => {
    const { cluster, liar } = clusterWithLiar({ n: 5, rounds: 4, options: { latencyMs: 2 }, lie: twoHeaders })
    expect(cluster.reach(1)).to.equal(true)
    const { linkHash } = cluster.alive[0]!.state.tip!
    const sealed = cluster.wire.find(({ type, sender }) => type === 'registration' && sender === liar())!
    const payload = Registration.encode({ ...Registration.decode(sealed.payload), afterLink: linkHash })
    const again = reworded({ cluster, peer: cluster.peer(liar()) }, sealed, { payload })
    cluster.inject(again)
    expect(cluster.finish(300_000)).to.equal(true)
    for (const { members } of longestChain(cluster))
      expect(members).to.have.lengthOf(4).and.not.include(liar())
    // Nor does it try, if its program is honest about it.
    const own = cluster.wire.filter(({ type, sender }) => type === 'registration' && sender === liar())
    expect(own.filter(({ context }) => context.round > 0)).to.deep.equal([])
  })

  it('with wrong shares in its bundle: at the latest by the next link', () => {
    const { links, at, kind } = expelledIn({
      lie(effect, liar) {
        const message = saidIn(effect, 'unmask-bundle')
        if (message === null) return null
        const bundle = UnmaskBundle.decode(message.payload)
        const seedShares = bundle.seedShares.map((_, i) => bytes32(i))
        return [
          saying(effect, reworded(liar, message, { payload: UnmaskBundle.encode({ ...bundle, seedShares }) }))
        ]
      }
    })
    expect(links.map(link => link.kind)).to.deep.equal(['result', 'result'])
    expect({ at, kind }).to.deep.equal({ at: 1, kind: 'wrong-share' })
  })

  it('with shares of another seed than it committed to: by the link that says the round is lost', () => {
    const { links, at, kind } = expelledIn({
      lie(effect, liar) {
        const message = saidIn(effect, 'advertise-keys')
        if (message === null || liar.attempt.round > 0) return null
        const keys = { ...AdvertiseKeys.decode(message.payload), selfSeedHash: bytes32(1) }
        return [saying(effect, reworded(liar, message, { payload: AdvertiseKeys.encode(keys) }))]
      }
    })
    expect(links[0]).to.include({ kind: 'lost', reason: 'not-opened' })
    expect({ at, kind }).to.deep.equal({ at: 0, kind: 'bad-secret' })
  })

  it('with a share for one member that does not fit the others', () => {
    const made = clusterWithLiar({
      n: 5,
      rounds: 2,
      seed: 3,
      ...dealing((shares, liar, message) =>
        othersOf(liar).reduce(
          (all, index) => all.with(index, shareFor(liar, message, index, [bytes32(0x51), bytes32(index)])),
          shares.with(ownIndexOf(liar), shares[ownIndexOf(liar)]!)
        )
      )
    })
    expect(made.cluster.finish(300_000)).to.equal(true)
    const blamed = blames(made.cluster).filter(line => line.includes('bad-secret'))
    expect(blamed.length).to.be.above(0)
    for (const line of blamed) expect(line.startsWith(made.liar())).to.equal(true)
  })

  it('with a wrong sum: whoever proposed it is expelled in the next round', () => {
    const { links, at, kind } = expelledIn(
      proposalWith(
        ({ link }) => ({ link: { ...link!, stateHash: link!.stateHash.map(byte => byte ^ 1) } }),
        'result'
      )
    )
    expect(links[0]!.kind).to.equal('result')
    expect(at).to.equal(1)
    // The liar's machine has proposed the right one too, in words that others may hear: either way it is caught.
    expect(['wrong-result', 'equivocation']).to.include(kind)
  })

  it('is told to the person once by each: who, what, when', () => {
    const { honest, liar } = expelledIn({ options: { latencyMs: 2 }, lie: twoHeaders })
    for (const { blames } of honest()) {
      expect(blames).to.have.lengthOf(1)
      expect(blames[0]).to.include({
        culprit: liar(),
        kind: 'equivocation',
        what: 'two different masked-input messages',
        round: 0,
        attempt: 0
      })
    }
  })
})

describe('an attempt that is given up', () => {
  it('expels whom its members hold evidence against, so that a culprit cannot make every attempt fail', () => {
    const dead = new Set<string>()
    let made: ReturnType<typeof clusterWithLiar> | null = null
    made = clusterWithLiar({
      n: 7,
      rounds: 1,
      lie: twoHeaders,
      options: {
        latencyMs: 2,
        onEffect: (id, effect) => {
          if (made === null) return true
          const { cluster, liar } = made
          const { attempt } = cluster.peer(id).state
          if (effect.type !== 'train' || attempt === null || attempt.attempt > 0 || dead.size === 2)
            return true
          if (id === liar() || attempt.ranked.indexOf(id) < 3) return true
          dead.add(id)
          cluster.at(cluster.nowMs + 400, () => cluster.restart(id))
          return false
        }
      }
    })
    const { cluster, liar } = made
    expect(cluster.finish(300_000)).to.equal(true)
    const [abort, result] = longestChain(cluster)
    expect(linkKinds(cluster)).to.deep.equal(['abort', 'result'])
    expect(abort!.reason).to.equal('too-few-inputs')
    expect(abort!.expulsions.map(({ peer }) => peer)).to.deep.equal([liar()])
    expect(result!.cohort).to.have.lengthOf(6).and.not.include(liar())
  })
})

describe('evidence that only one member holds', () => {
  const run = testRun(5, { rounds: 3, deadlines: testDeadlines })

  /** After the first round the leader of the next holds evidence, and nothing of it travels by itself. */
  function heldByLeader(restart: boolean) {
    const cluster = new RoundCluster(run, { seed: 5, deliver: (_from, _to, { type }) => type !== 'evidence' })
    cluster.start().reach(1)
    const { attempt } = cluster.alive[0]!.state
    const [leader, , culprit] = attempt!.ranked as [string, string, string]
    const header = cluster.wire.find(({ type, sender }) => type === 'masked-input' && sender === culprit)!
    const other = reworded({ cluster, peer: cluster.peer(culprit) }, header, { payload: bytes32(7) })
    const bytes = encodeEvidence('equivocation', [header, other])
    cluster.feed(cluster.peer(leader), { type: 'evidence', bytes })
    if (restart) {
      cluster.kill(leader)
      cluster.restart(leader)
    }
    expect(cluster.finish(300_000)).to.equal(true)
    return { cluster, culprit, leader, bytes }
  }

  it('is asked for by those who are to vote on it', () => {
    const { cluster, culprit, bytes } = heldByLeader(false)
    const [, second] = longestChain(cluster)
    expect(second!.expulsions).to.deep.equal([
      { peer: culprit, kind: 'equivocation', evidenceHash: cluster.crypto.sha256(bytes) }
    ])
    expect(blames(cluster).length).to.be.above(3)
  })

  it('is on its disk: after a restart it is held still', () => {
    const { cluster, culprit } = heldByLeader(true)
    const expelled = longestChain(cluster).flatMap(({ expulsions }) => expulsions.map(({ peer }) => peer))
    expect(expelled).to.deep.equal([culprit])
  })

  it('is kept in no more pieces than a few, however many its culprit signs', () => {
    const cluster = new RoundCluster(run, { seed: 5 })
    cluster.start().reach(1)
    const [peer] = cluster.alive
    const culprit = cluster.alive[1]!
    const header = cluster.wire.find(({ type, sender }) => type === 'masked-input' && sender === culprit.id)!
    for (let i = 0; i < 40; i++) {
      const other = reworded({ cluster, peer: culprit }, header, { payload: bytes32(i) })
      const payload = encodeEvidence('equivocation', [header, other])
      const message = reworded({ cluster, peer: cluster.alive[2]! }, header, { type: 'evidence', payload })
      for (const honest of cluster.alive)
        if (honest !== culprit) cluster.feed(honest, { type: 'message', message })
    }
    expect(peer!.state.blame.evidence.size).to.equal(8)
    expect(peer!.blames).to.have.lengthOf(1)
    // And once it is expelled, none of it is of use any more.
    expect(cluster.finish(300_000)).to.equal(true)
    expect(longestChain(cluster).flatMap(({ expulsions }) => expulsions)).to.have.lengthOf(1)
  })
})

describe('a run with too few honest members left', () => {
  it('is paused when an expulsion leaves fewer than the least cohort, and goes on as its author says', () => {
    const { cluster, liar, honest } = clusterWithLiar({
      n: 4,
      rounds: 2,
      options: { latencyMs: 2 },
      lie: twoHeaders
    })
    const paused = () => honest().every(({ state }) => state.phase === 'Aborted')
    expect(cluster.runUntil(paused, 300_000)).to.equal(true)
    for (const { notices } of honest()) {
      const told = notices.filter(({ notice }) => notice === 'paused')
      expect(told).to.have.lengthOf(1)
      expect(told[0]).to.deep.include({ pause: { code: 'TOO_FEW_MEMBERS', have: 3, need: 4 } })
    }
    // Nothing moves by itself.
    cluster.runUntil(() => false, 60_000)
    expect(paused()).to.equal(true)
    expect(liar()).to.not.equal(cluster.run.author.id)
    const newcomer = cluster.join(testMember(50))
    expect(cluster.runUntil(() => newcomer.state.tip !== null, 60_000)).to.equal(true)
    cluster.reconfigure(honest().map(({ id }) => id))
    const ids = honest().map(({ id }) => id)
    expect(
      cluster.runUntil(() => honest().every(({ state }) => state.phase === 'Finished'), 300_000)
    ).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['result', 'reconfiguration', 'result'])
    expect(longestChain(cluster)[2]!.cohort).to.have.members(ids)
  })

  it('is paused when every attempt fails, after as many as the manifest says, and says who was missing', () => {
    let lost = true
    const run = testRun(4, { rounds: 1, deadlines: testDeadlines, cohort: { founders: 4, attempts: 3 } })
    const silent = new Set(run.members.slice(0, 2).map(({ id }) => id))
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 2,
      instead: (id, effect) => (lost && effect.type === 'mask' && silent.has(id) ? [] : [effect])
    })
    cluster.start()
    const paused = () => cluster.alive.every(({ state }) => state.phase === 'Aborted')
    expect(cluster.runUntil(paused, 600_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['abort', 'abort', 'abort'])
    expect(longestChain(cluster).map(({ reason }) => reason)).to.deep.equal(Array(3).fill('too-few-inputs'))
    const heard = cluster.alive.find(({ id }) => !silent.has(id))!
    const told = heard.notices.find(({ notice }) => notice === 'paused')
    expect(told).to.have.deep.property('missing', [...silent])
    expect(heard.notices.filter(({ notice }) => notice === 'given-up')).to.have.lengthOf(3)
    cluster.runUntil(() => false, 120_000)
    expect(linkKinds(cluster)).to.have.lengthOf(3)
    lost = false
    cluster.reconfigure(run.members.map(({ id }) => id))
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['abort', 'abort', 'abort', 'reconfiguration', 'result'])
    expect(contradictions(cluster)).to.deep.equal([])
  })
})

it('a proposal is journalled before it is said', () => {
  // Otherwise a leader that restarts could propose something else in the same view, and be blamed for it.
  const cluster = new RoundCluster(testRun(4, { rounds: 1, deadlines: testDeadlines }), {
    seed: 1,
    onStep: (_peer, _event, effects) => {
      effects.forEach((effect, i) => {
        if (effect.type !== 'gossip' || effect.message.type !== 'proposal') return
        const { subject, view } = Proposal.decode(effect.message.payload)
        const before = effects.slice(0, i).map(earlier => (earlier.type === 'journal' ? earlier.entry : null))
        expect(
          before.some(entry => entry?.kind === 'proposal' && entry.subject === subject && entry.view === view)
        ).to.equal(true)
      })
    }
  })
  expect(cluster.start().finish(60_000)).to.equal(true)
})
