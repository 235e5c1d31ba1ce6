import { expect } from 'chai'
import type { Effect } from '../../node/round/round-types.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import type { Context } from '../../protocols/messages.js'
import { type TestRun, testDeadlines, testRun } from '../support/chains.ts'
import { contradictions, linkKinds, longestChain, plainSum, stateHashes } from '../support/cluster-claims.ts'
import { type ClusterOptions, RoundCluster } from '../support/round-cluster.ts'

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
})
