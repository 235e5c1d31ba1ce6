import { expect } from 'chai'
import type { Effect } from '../../node/round/round-types.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { Decision, type Envelope, Inventory, Proposal, UnmaskBundle, Vote } from '../../protocols/messages.js'
import { testDeadlines, testRun } from '../support/chains.ts'
import { contradictions, plainSum } from '../support/cluster-claims.ts'
import { certificateFrom, certifiedBy, encodedSet, survivorSetOf } from '../support/hand-made-words.ts'
import { bytes32, type Liar, reworded, roundWith, saidIn, saying } from '../support/liars.ts'
import { RoundCluster } from '../support/round-cluster.ts'

const bundlesOf = (cluster: RoundCluster, peer?: string) =>
  cluster.wire
    .filter(({ type, sender }) => type === 'unmask-bundle' && (peer === undefined || sender === peer))
    .map(({ payload }) => UnmaskBundle.decode(payload))

describe('two aggregators that ask for complementary shares', () => {
  it('in one: two sets, each right by its inventories, to two halves: one is certified, one is answered', () => {
    // The input of the last in rank is known to the liar and its owner alone: with both their inventories it counts.
    let [last, aggregator] = ['', '']
    let sendLate: (message: SignedMessage) => void = () => {}
    const late = new Set<SignedMessage>()
    const { cluster, ids } = roundWith({
      rank: 0,
      // Whoever has everything waits for those who do not.
      deadlines: { trainingMs: 1_000, inputsMs: 500, viewMs: 5_000 },
      options: {
        deliver(from, to, message) {
          if (from !== last) return true
          if (message.type === 'masked-input') return to === aggregator
          if (message.type !== 'inventory' || late.has(message)) return true
          late.add(message)
          if (Inventory.decode(message.payload).headers.length === 4) sendLate(message)
          return false
        }
      },
      lie(effect, liar) {
        const { cluster } = liar
        last = liar.attempt.ranked[3]!
        aggregator = liar.peer.id
        // After those of the others, so that there are four to choose from.
        sendLate = message => cluster.at(cluster.nowMs + 1_600, () => cluster.inject(message, [aggregator]))
        return twoSets(effect, liar)
      }
    })
    const prepared = cluster.wire
      .filter(({ type }) => type === 'prepare')
      .map(({ sender, payload }) => ({ sender, ...Vote.decode(payload) }))
      .filter(({ subject, view }) => subject === 'survivors' && view === 0)
    expect(new Set(prepared.map(({ valueHash }) => toHex(valueHash))).size, 'both voted for').to.equal(2)
    expect(new Set(bundlesOf(cluster).map(({ survivorsHash }) => toHex(survivorsHash))).size).to.equal(1)
    expect(contradictions(cluster, ids)).to.deep.equal([])
  })

  it('with two proposals in one view to everyone: a member votes for one of them', () => {
    const { cluster, ids } = roundWith({
      rank: 0,
      lie(effect, liar) {
        const message = saidIn(effect, 'proposal')
        const proposal = message === null ? null : Proposal.decode(message.payload)
        if (message === null || proposal?.subject !== 'roster' || proposal.view > 0) return null
        // Right by itself: it has one member less.
        const { roster } = Decision.decode(proposal.decision)
        const decision = Decision.encode({ roster: { ...roster!, advertised: roster!.advertised.slice(1) } })
        const other = reworded(liar, message, { payload: Proposal.encode({ ...proposal, decision }) })
        return [saying(effect, other), effect]
      }
    })
    const votes = cluster.wire.filter(({ type, payload, context }) => {
      if (type !== 'prepare' || context.round > 0) return false
      const { subject, view } = Vote.decode(payload)
      return subject === 'roster' && view === 0
    })
    // Some heard the one first, some the other.
    expect(new Set(votes.map(({ payload }) => toHex(Vote.decode(payload).valueHash))).size).to.equal(2)
    expect(contradictions(cluster, ids)).to.deep.equal([])
  })

  it('after another, with a certificate of its own from a coalition: a member answers the first, ever', () => {
    const { cluster, honest, coalition, certify } = readyToDecide()
    const [first, second] = [coalition, [coalition[0]!, coalition[1]!, honest].sort()]
    cluster.inject(certify(first), [honest])
    expect(cluster.runUntil(() => bundlesOf(cluster, honest).length > 0, 5_000)).to.equal(true)
    cluster.inject(certify(second), [honest])
    cluster.runUntil(() => false, 500)
    expect(bundlesOf(cluster, honest)).to.have.lengthOf(1)
    // Nor after a restart: what it released is in its journal, and what it could release is gone.
    cluster.kill(honest)
    cluster.restart(honest)
    cluster.runUntil(() => cluster.peer(honest).state.attempt?.participation === 'voter', 5_000)
    cluster.inject(certify(second), [honest])
    cluster.runUntil(() => false, 500)
    expect(bundlesOf(cluster, honest)).to.have.lengthOf(1)
    expect(contradictions(cluster, [honest])).to.deep.equal([])
  })

  it('and collect a bundle for each: the one for another set is refused by everyone', () => {
    const { refusals, cluster, ids, survivors } = roundWith({
      lie(effect, liar) {
        const message = saidIn(effect, 'unmask-bundle')
        if (message === null) return null
        const bundle = UnmaskBundle.decode(message.payload)
        const payload = UnmaskBundle.encode({ ...bundle, survivorsHash: bytes32(1) })
        return [saying(effect, reworded(liar, message, { payload }))]
      }
    })
    expect(refusals).to.deep.equal(['unmask-bundle: it is for another survivor set'])
    for (const id of ids)
      expect(cluster.peer(id).sums.get('0.0')).to.deep.equal(plainSum(cluster, 0, 0, survivors))
  })
})

/** In place of one proposal: the set with the last in rank to it and one other, the set without it to the third. */
function twoSets(effect: Effect, liar: Liar): Effect[] | null {
  const message = saidIn(effect, 'proposal')
  const proposal = message === null ? null : Proposal.decode(message.payload)
  if (message === null || proposal?.subject !== 'survivors' || proposal.view > 0) return null
  const [, a, b, last] = liar.attempt.ranked as [string, string, string, string]
  const { survivors } = Decision.decode(proposal.decision)
  const senderOf = ({ sender }: Envelope) => toHex(sender)
  const keyOf = (id: string) => toHex(liar.cluster.peer(id).member.signer.publicKey)
  const without = {
    ...survivors!,
    inventories: survivors!.inventories.filter(envelope => senderOf(envelope) !== keyOf(last)),
    headers: survivors!.headers.filter(envelope => senderOf(envelope) !== keyOf(last))
  }
  expect(survivors!.headers).to.have.lengthOf(4)
  const decision = Decision.encode({ survivors: without })
  const other = reworded(liar, message, { payload: Proposal.encode({ ...proposal, decision }) })
  return [
    { type: 'send', to: [a, last], message },
    { type: 'send', to: [b], message: other }
  ]
}

/** Four members with all inputs in; three of them, more than a round can bear, certify what they like. */
function readyToDecide() {
  const cluster: RoundCluster = new RoundCluster(testRun(4, { rounds: 1, deadlines: testDeadlines }), {
    seed: 8,
    // Nothing is decided on survivors but by hand.
    deliver: (_from, _to, { type, payload }) =>
      type !== 'proposal' || Proposal.decode(payload).subject !== 'survivors'
  })
  const said = () => cluster.wire.filter(({ type }) => type === 'inventory').length
  expect(cluster.start().runUntil(() => said() >= 4)).to.equal(true)
  const [honest, ...coalition] = cluster.run.members.map(({ id }) => id) as [string, ...string[]]
  const certify = (peers: readonly string[]) =>
    certificateFrom(
      cluster,
      coalition[0]!,
      certifiedBy(cluster, coalition, 'survivors', encodedSet(survivorSetOf(cluster, peers)))
    )
  return { cluster, honest, coalition, certify }
}

describe('a coalition that certifies a set which would lay one member bare', () => {
  for (const [what, choose] of [
    ['smaller than t', ([a]: string[], honest: string) => [a!, honest].sort()],
    ['of one member', (_: string[], honest: string) => [honest]],
    ['with one member in it twice', ([a]: string[], honest: string) => [a!, honest, honest].sort()],
    ['of nobody', () => []]
  ] as const) {
    it(`${what} gets no share from a member that is honest`, () => {
      const { cluster, honest, coalition, certify } = readyToDecide()
      cluster.inject(certify(choose(coalition, honest)), [honest])
      expect(
        cluster.runUntil(() => cluster.peer(honest).state.attempt?.survivors != null, 5_000),
        'it took the set for decided'
      ).to.equal(true)
      cluster.runUntil(() => false, 500)
      expect(bundlesOf(cluster, honest)).to.deep.equal([])
    })
  }
})
