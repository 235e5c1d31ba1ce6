import { expect } from 'chai'
import { votePayload } from '../../protocols/certificate.ts'
import { toHex } from '../../protocols/hex.ts'
import { CertifiedDecision, Decision, Envelope, NewView, Proposal, Vote } from '../../protocols/messages.js'
import { testDeadlines, testRun } from '../support/chains.ts'
import { decisionsOn } from '../support/cluster-claims.ts'
import { type Liar, type LiarOptions, reworded, roundWith, saidIn, saying } from '../support/liars.ts'
import { RoundCluster } from '../support/round-cluster.ts'

/**
 * In view 0 a prepare certificate on the survivors comes about, and only its leader and one more member see it: they
 * are locked. Then that leader is not heard on the matter any more, and the liar leads view 1.
 */
function withLockedMember(
  change: (proposal: Proposal, liar: Liar) => Partial<Proposal> | null
): LiarOptions & { readonly locked: () => string[] } {
  const locked = new Set<string>()
  let ranked: readonly string[] = []
  let isOver = false
  return {
    rank: 1,
    locked: () => [...locked],
    options: {
      deliver(_from, to, { type, payload, context }) {
        if (context.round > 0 || ranked.length === 0) return true
        if (type === 'new-view') isOver ||= NewView.decode(payload).subject === 'survivors'
        if (isOver) return true
        if (type === 'commit' || type === 'prepare') {
          const { subject } = Vote.decode(payload)
          // Nor does the liar, as the stand-in, make the certificate.
          return subject !== 'survivors' || (type === 'prepare' && to !== ranked[1])
        }
        if (type !== 'certificate') return true
        const { certificate } = CertifiedDecision.decode(payload)
        if (certificate?.subject !== 'survivors') return true
        if (to === ranked[2]) locked.add(to)
        return to === ranked[2]
      }
    },
    lie(effect, liar) {
      ranked = liar.attempt.ranked
      const message = saidIn(effect, 'proposal')
      if (message === null) return null
      const proposal = Proposal.decode(message.payload)
      if (proposal.subject !== 'survivors' || proposal.view !== 1) return null
      const part = change(proposal, liar)
      if (part === null) return []
      const payload = Proposal.encode({ ...proposal, ...part })
      return [saying(effect, reworded(liar, message, { payload }))]
    }
  }
}

/** Another value than the locked one, and right by itself: the set with the liar as the one who first proposed it. */
function anotherValue({ decision }: Proposal, { attempt, peer }: Liar): Uint8Array {
  const { survivors } = Decision.decode(decision)
  const proposer = attempt.ranked.indexOf(peer.id)
  expect(survivors!.proposer).to.not.equal(proposer)
  return Decision.encode({ survivors: { ...survivors!, proposer } })
}

const reportOf = (envelope: Envelope) => NewView.decode(envelope.payload).prepared

/** What was decided, and in which view it was first certified as prepared. */
function expectLockKept(options: ReturnType<typeof withLockedMember>) {
  const result = roundWith(options)
  const { cluster } = result
  expect(options.locked()).to.have.lengthOf(1)
  const prepared = cluster.wire
    .filter(({ type }) => type === 'certificate')
    .map(({ payload }) => CertifiedDecision.decode(payload).certificate!)
    .find(({ kind, subject, view }) => kind === 'prepare' && subject === 'survivors' && view === 0)
  const [decided] = decisionsOn(cluster).filter(({ certificate }) => certificate.subject === 'survivors')
  expect(toHex(decided!.certificate.valueHash)).to.equal(toHex(prepared!.valueHash))
  return { ...result, view: decided!.certificate.view }
}

describe('a new leader that ignores the locked certificate', () => {
  it('must repeat the locked value: so it does if it is honest', () => {
    const { view, refusals } = expectLockKept(withLockedMember(() => ({})))
    expect(view).to.equal(1)
    expect(refusals).to.deep.equal([])
  })

  const lies: Array<[string, (proposal: Proposal, liar: Liar) => Partial<Proposal> | null]> = [
    ['with another value', (proposal, liar) => ({ decision: anotherValue(proposal, liar) })],
    [
      'with another value, the locks cut out of the new-views',
      (proposal, liar) => ({
        decision: anotherValue(proposal, liar),
        newViews: proposal.newViews.map(envelope => {
          const { subject, view } = NewView.decode(envelope.payload)
          return { ...envelope, payload: NewView.encode({ subject, view }) }
        })
      })
    ],
    [
      'with another value, and only the new-views that report no lock',
      (proposal, liar) => ({
        decision: anotherValue(proposal, liar),
        newViews: proposal.newViews.filter(envelope => reportOf(envelope) === undefined)
      })
    ],
    [
      'with another value, and one new-view without a lock as often as it takes',
      (proposal, liar) => {
        // Its own, if everyone else has heard of the lock by now.
        const own = reworded(liar, liar.attempt.headers.get(liar.peer.id)!, {
          type: 'new-view',
          payload: NewView.encode({ subject: 'survivors', view: 1 })
        })
        const free =
          proposal.newViews.find(envelope => reportOf(envelope) === undefined) ?? Envelope.decode(own.bytes)
        return { decision: anotherValue(proposal, liar), newViews: [free, free, free] }
      }
    ],
    [
      'with another value, and new-views of another view',
      (proposal, liar) => ({
        decision: anotherValue(proposal, liar),
        newViews: proposal.newViews.map(envelope =>
          reportOf(envelope) === undefined ? envelope : ownNewView(liar, { subject: 'survivors', view: 2 })
        )
      })
    ],
    [
      'with an abort',
      ({ newViews }, liar) => {
        const { attempt, cluster } = liar
        const link = {
          height: attempt.tip.height + 1,
          kind: 'abort',
          run: cluster.run.run.id,
          previous: attempt.tip.linkHash,
          round: attempt.round,
          attempt: attempt.attempt,
          cohort: [...attempt.cohort],
          rosterHash: attempt.rosterContext!.rosterHash,
          encodingHash: attempt.context.encodingHash,
          survivors: [],
          members: [...attempt.tip.members],
          stateHash: attempt.tip.stateHash,
          beacon: new Uint8Array(),
          completedRounds: 0,
          weightSum: 0,
          meanLoss: 0,
          epsilonSpent: 0,
          expulsions: [],
          reason: 'too-few-inputs',
          children: [],
          admissions: [],
          orders: []
        }
        return { decision: Decision.encode({ link }), newViews }
      }
    ]
  ]
  for (const [what, lie] of lies)
    it(`${what}: gets no vote, and what was locked is decided`, () => {
      const { refusals } = expectLockKept(withLockedMember(lie))
      expect(refusals).to.deep.equal(['proposal: not justified'])
    })

  it('keeps still: what was locked is decided all the same', () => {
    expectLockKept(withLockedMember(() => null))
  })

  it('learns of a lock from a member that crashed since: it came back with the journal', () => {
    const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
    let ranked: readonly string[] = []
    let hasCrashed = false
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 1,
      deliver: (_from, to, { type, payload, context }) => {
        if (context.round > 0 || hasCrashed) return true
        if (type === 'commit' || type === 'prepare') {
          const { subject } = Vote.decode(payload)
          return subject !== 'survivors' || (type === 'prepare' && to === ranked[0])
        }
        if (type !== 'certificate') return true
        return CertifiedDecision.decode(payload).certificate?.subject !== 'survivors' || to === ranked[2]
      },
      onEffect: (id, effect) => {
        if (ranked.length === 0) ranked = cluster.peer(id).state.attempt?.ranked ?? []
        const message = saidIn(effect, 'commit')
        if (id !== ranked[2] || message === null || hasCrashed) return true
        if (Vote.decode(message.payload).subject !== 'survivors') return true
        hasCrashed = true
        // It is locked and has said so to its journal only; the leader is gone for good.
        cluster.kill(ranked[0]!)
        cluster.at(cluster.nowMs + 50, () => cluster.restart(id))
        return false
      }
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    expect(hasCrashed).to.equal(true)
    const reports = cluster.wire
      .filter(({ type, sender }) => type === 'new-view' && sender === ranked[2])
      .map(({ payload }) => NewView.decode(payload))
      .filter(({ subject }) => subject === 'survivors')
    expect(reports.length).to.be.above(0)
    for (const { prepared } of reports) expect(prepared?.view).to.equal(0)
  })

  it('counts no new-view of another view, not even to repeat what was locked', () => {
    const { refusals } = expectLockKept(
      withLockedMember((proposal, liar) => ({
        newViews: proposal.newViews.map(envelope =>
          envelope.sender.join() === liar.peer.member.signer.publicKey.join()
            ? ownNewView(liar, { subject: 'survivors', view: 2 })
            : envelope
        )
      }))
    )
    expect(refusals).to.deep.equal(['proposal: not justified'])
  })

  it('has no lock of its own making: a forged one does not make a set go unjudged', () => {
    const { refusals, survivors } = roundWith({
      rank: 1,
      // Nothing is proposed in view 0, so that there is no lock.
      options: {
        deliver: (_from, _to, { type, payload, context }) => {
          if (type !== 'proposal' || context.round > 0) return true
          const { subject, view } = Proposal.decode(payload)
          return subject !== 'survivors' || view > 0
        }
      },
      lie(effect, liar) {
        const message = saidIn(effect, 'proposal')
        if (message === null) return null
        const proposal = Proposal.decode(message.payload)
        if (proposal.subject !== 'survivors' || proposal.view !== 1) return null
        const { survivors } = Decision.decode(proposal.decision)
        const decision = Decision.encode({
          survivors: { ...survivors!, headers: survivors!.headers.slice(1) }
        })
        const valueHash = liar.cluster.crypto.sha256(decision)
        const vote = reworded(liar, message, {
          type: 'prepare',
          payload: votePayload('survivors', 0, valueHash)
        })
        const signatures = [0, 1, 2].map(index => ({ index, signature: vote.signature }))
        const prepared = { kind: 'prepare', subject: 'survivors', view: 0, valueHash, signatures }
        const newViews = proposal.newViews.map(envelope =>
          envelope.sender.join() === liar.peer.member.signer.publicKey.join()
            ? ownNewView(liar, { subject: 'survivors', view: 1, prepared })
            : envelope
        )
        const payload = Proposal.encode({ ...proposal, decision, newViews })
        return [saying(effect, reworded(liar, message, { payload }))]
      }
    })
    expect(refusals).to.deep.equal(['proposal: not justified'])
    expect(survivors).to.have.lengthOf(4)
  })
})

/** A new-view of the liar's, signed by it. */
function ownNewView(liar: Liar, newView: NewView): Envelope {
  const header = liar.attempt.headers.get(liar.peer.id)!
  return Envelope.decode(reworded(liar, header, { type: 'new-view', payload: NewView.encode(newView) }).bytes)
}
