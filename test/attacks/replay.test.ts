import { expect } from 'chai'
import type { Effect } from '../../node/round/round-types.ts'
import { type SignedMessage, sealMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { type Context, Tip } from '../../protocols/messages.js'
import { type TestMember, type TestRun, testDeadlines, testRun } from '../support/chains.ts'
import { contradictions, linkKinds, longestChain, plainSum, stateHashes } from '../support/cluster-claims.ts'
import { bytes32, clusterWithLiar, reworded, roundWith, saidIn, saying } from '../support/liars.ts'
import { type ClusterOptions, RoundCluster } from '../support/round-cluster.ts'

const attemptContext = (cluster: RoundCluster, id: string) => cluster.peer(id).state.attempt!.context

const isOf = (a: Context, b: Context) =>
  toHex(a.run) === toHex(b.run) && a.round === b.round && a.attempt === b.attempt

/** What somebody who replays has to replay: all that is bound to one attempt. */
const ofRounds = (wire: readonly SignedMessage[]) =>
  wire.filter(({ type }) => !['registration', 'founding', 'tip'].includes(type))

/**
 * A cluster whose members, each time one enters another attempt, are told again all that `wordsFor` gives, before
 * anyone can say anything new; in the order in which it was said.
 */
function replaying(
  run: TestRun,
  wordsFor: (cluster: RoundCluster, height: number) => readonly SignedMessage[],
  options: Partial<ClusterOptions> = {}
) {
  const entered = new Set<string>()
  const replayed = new Set<string>()
  const taken: string[] = []
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: 4,
    ...options,
    onStep: id => {
      const peer = cluster.peer(id)
      const { attempt } = peer.state
      if (attempt === null) return
      const foreign = [...attempt.transcript.values()].filter(
        ({ context }) => !isOf(context, attempt.context)
      )
      if (foreign.length > 0) taken.push(`${id} took up: ${foreign.map(({ type }) => type).join(', ')}`)
      const { height } = attempt.tip
      if (entered.has(`${id} ${height}`)) return
      entered.add(`${id} ${height}`)
      cluster.at(cluster.nowMs, () => {
        for (const message of wordsFor(cluster, height)) {
          replayed.add(toHex(message.hash))
          cluster.feed(peer, { type: 'message', message })
        }
      })
    }
  })
  return { cluster: cluster.start(), replayed, taken }
}

/** No link, no sum and no state but those that the members came to by themselves. */
function expectUntouched(cluster: RoundCluster, kinds: readonly string[]): void {
  expect(linkKinds(cluster)).to.deep.equal(kinds)
  expect(stateHashes(cluster)).to.have.lengthOf(1)
  expect(contradictions(cluster)).to.deep.equal([])
  for (const { kind, round, attempt, survivors } of longestChain(cluster)) {
    if (kind !== 'result') continue
    const peers = survivors.map(({ peer }) => peer)
    expect(peers).to.have.lengthOf(4)
    for (const { sums } of cluster.alive)
      expect(sums.get(`${round}.${attempt}`)).to.deep.equal(plainSum(cluster, round, attempt, peers))
  }
}

describe('words of before, said again', () => {
  it('in another round mean nothing', () => {
    const run = testRun(4, { rounds: 3, deadlines: testDeadlines })
    const { cluster, replayed, taken } = replaying(run, (cluster, height) =>
      ofRounds(cluster.wire).filter(({ context }) => context.round < height)
    )
    expect(cluster.finish(120_000)).to.equal(true)
    expect(replayed.size).to.be.above(100)
    expect(taken).to.deep.equal([])
    expectUntouched(cluster, ['result', 'result', 'result'])
  })

  it('in another attempt of the round mean nothing', () => {
    const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
    const dead = new Set<string>()
    const { cluster, replayed, taken } = replaying(
      run,
      (cluster, height) =>
        height === 0 ? [] : ofRounds(cluster.wire).filter(({ context }) => context.attempt === 0),
      {
        onEffect: (id, effect: Effect) => {
          if (effect.type !== 'train' || dead.has(id) || dead.size === 2) return true
          dead.add(id)
          at(400, () => cluster.restart(id))
          return false
        }
      }
    )
    function at(delayMs: number, run: () => void): void {
      cluster.at(cluster.nowMs + delayMs, run)
    }
    expect(cluster.finish(120_000)).to.equal(true)
    expect(replayed.size).to.be.above(40)
    expect(taken).to.deep.equal([])
    expectUntouched(cluster, ['abort', 'result'])
  })

  it('in another run of the same members mean nothing', () => {
    const [first, second] = ['one', 'another'].map(name =>
      testRun(4, { name, rounds: 1, deadlines: testDeadlines })
    ) as [TestRun, TestRun]
    const before = new RoundCluster(first, { seed: 4 })
    expect(before.start().finish(60_000)).to.equal(true)
    const { cluster, replayed, taken } = replaying(second, () => before.wire)
    expect(cluster.finish(60_000)).to.equal(true)
    expect(replayed.size).to.be.above(60)
    expect(taken).to.deep.equal([])
    expectUntouched(cluster, ['result'])
    const { rosterHash } = longestChain(cluster)[0]!
    expect(toHex(rosterHash)).to.not.equal(toHex(longestChain(before)[0]!.rosterHash))
    const kept = cluster.alive.flatMap(({ state }) => [...state.backlog.values()])
    expect(kept.filter(({ context }) => toHex(context.run) === toHex(first.run.id))).to.deep.equal([])
  })

  it('of the time before the roster, its signature new: a vote or a share is bound to the roster', () => {
    // The votes of one of the others come late, so that those of the liar would be among the first three.
    const late = new Set<SignedMessage>()
    let slow = ''
    let sendLate: (to: string, message: SignedMessage) => void = () => {}
    const { cluster, honest, liar } = clusterWithLiar({
      rank: 3,
      options: {
        deliver: (from, to, message) => {
          const isVote = message.type === 'prepare' || message.type === 'commit'
          if (from !== slow || !isVote || late.has(message)) return true
          late.add(message)
          sendLate(to, message)
          return false
        }
      },
      lie(effect, liar) {
        const { cluster } = liar
        slow = liar.attempt.ranked[2]!
        sendLate = (to, message) => cluster.at(cluster.nowMs + 60, () => cluster.inject(message, [to]))
        if (effect.type !== 'gossip' && effect.type !== 'send') return null
        const { context } = liar.attempt
        // All that it says after the roster, it says as if before.
        const isBound = toHex(effect.message.context.rosterHash) !== toHex(context.rosterHash)
        return isBound ? [saying(effect, reworded(liar, effect.message, { context }))] : null
      }
    })
    expect(cluster.finish(300_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['result'])
    const notices = honest().flatMap(({ notices }) => notices)
    const refused = notices.flatMap(notice => (notice.notice === 'refused' ? [notice] : []))
    expect(
      refused.filter(({ peer }) => peer !== liar()),
      'certificates with votes that do not count'
    ).to.deep.equal([])
    const why = refused.map(({ what, reason }) => `${what}: ${reason}`)
    expect(why).to.include('share-keys: it is not bound to the roster')
    const survivors = longestChain(cluster)[0]!.survivors.map(({ peer }) => peer)
    expect(survivors).to.not.include(liar())
  })

  it('in the same attempt count once: nothing is counted twice, and nothing is taken back', () => {
    const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 4,
      onStep: (id, event) => {
        if (event.type !== 'message' || again.has(event.message)) return
        again.add(event.message)
        cluster.at(cluster.nowMs + 7, () => cluster.feed(cluster.peer(id), event))
      }
    })
    const again = new Set<SignedMessage>()
    expect(cluster.start().finish(60_000)).to.equal(true)
    expect(again.size).to.be.above(100)
    expectUntouched(cluster, ['result'])
    expect(
      cluster.alive.flatMap(({ notices }) => notices.filter(({ notice }) => notice === 'refused'))
    ).to.deep.equal([])
  })

  it('of another run do not send anyone after a chain that is not its own', () => {
    const [own, foreign] = ['one', 'another'].map(name =>
      testRun(4, { name, rounds: 1, deadlines: testDeadlines })
    ) as [TestRun, TestRun]
    const cluster = new RoundCluster(own, { seed: 4 }).start()
    cluster.runUntil(() => cluster.alive.every(({ state }) => state.tip !== null))
    const [teller, listener] = own.members as [TestMember, TestMember]
    const tipOf = ({ run }: TestRun) => {
      const context = { ...attemptContext(cluster, teller.id), run: run.id }
      const payload = Tip.encode({ height: 99, linkHash: run.id, phase: 'Finished' })
      return sealMessage('tip', context, payload, teller.signer, cluster.crypto)
    }
    const behind = () => cluster.peer(listener.id).state.behind
    cluster.feed(cluster.peer(listener.id), { type: 'message', message: tipOf(foreign) })
    expect(behind()).to.equal(null)
    cluster.feed(cluster.peer(listener.id), { type: 'message', message: tipOf(own) })
    expect(behind()).to.include({ height: 99 })
  })

  it('with another base model, encoding or link before, but of this roster, mean nothing', () => {
    for (const field of ['baseModel', 'encodingHash', 'previousLink'] as const) {
      const { refusals, liarSurvived } = roundWith({
        lie(effect, liar) {
          const message = saidIn(effect, 'share-keys')
          if (message === null) return null
          const context = { ...message.context, [field]: bytes32(1) }
          return [saying(effect, reworded(liar, message, { context }))]
        }
      })
      expect(refusals, field).to.include('share-keys: it was said in another context')
      expect(liarSurvived, field).to.equal(false)
    }
  })
})
