import { expect } from 'chai'
import type { Effect } from '../../../node/round/round-types.ts'
import { votePayload } from '../../../protocols/certificate.ts'
import type { SignedMessage } from '../../../protocols/envelope.ts'
import { CertifiedDecision, NewView, Proposal, UnmaskBundle, Vote } from '../../../protocols/messages.js'
import { contradictions, linkKinds, stateHashes } from '../../support/cluster-claims.ts'
import { dealing, ownIndexOf, shareFor } from '../../support/false-shares.ts'
import { bytes32, clusterWithLiar, type Liar, reworded, saidIn } from '../../support/liars.ts'

/** What the liar's own machine would say about the result: it says something else, or nothing. */
function isAboutResult(effect: Effect): boolean {
  const vote = saidIn(effect, 'commit') ?? saidIn(effect, 'prepare')
  if (vote !== null) return Vote.decode(vote.payload).subject === 'result'
  const proposal = saidIn(effect, 'proposal')
  if (proposal !== null) return Proposal.decode(proposal.payload).subject === 'result'
  const certified = saidIn(effect, 'certificate')
  if (certified !== null) return CertifiedDecision.decode(certified.payload).certificate?.subject === 'result'
  const newView = saidIn(effect, 'new-view')
  return newView !== null && NewView.decode(newView.payload).subject === 'result'
}

const ownShare = bytes32(7)

/** Its own share lies off its polynomial: whoever gets its bundle early cannot open the sum, for ever. */
const dealt = dealing((shares, liar, message) => {
  const own = ownIndexOf(liar)
  return shares.map((share, i) => (i === own ? shareFor(liar, message, own, [ownShare, ownShare]) : share))
})

function bundleWithOwnShare(here: Liar, bundle: SignedMessage): SignedMessage {
  const decoded = UnmaskBundle.decode(bundle.payload)
  const seedShares = [...decoded.seedShares]
  seedShares[here.attempt.survivors!.findIndex(({ peer }) => peer === here.peer.id)] = ownShare
  return reworded(here, bundle, { payload: UnmaskBundle.encode({ ...decoded, seedShares }) })
}

/** Part of the first attempt at the result: its proposal, or the prepare certificate. */
function isOfFirstView({ type, payload }: SignedMessage): boolean {
  if (type === 'proposal') {
    const { subject, view } = Proposal.decode(payload)
    return subject === 'result' && view === 0
  }
  if (type !== 'certificate') return false
  const { certificate } = CertifiedDecision.decode(payload)
  return certificate?.subject === 'result' && certificate.kind === 'prepare' && certificate.view === 0
}

/**
 * One member cannot open the sum, and what is said of the result in the first view does not reach it. The liar votes
 * for what is proposed there, and never again; the others are locked on it, so nothing else may be proposed later.
 */
function clusterWithHalfOpenSum() {
  let liar: Liar | null = null
  let victim = ''
  let prepared = 0
  const opened = new Set<string>()
  const { cluster, honest } = clusterWithLiar({
    rank: 2,
    options: {
      deliver: (from, to, message) =>
        to !== victim ||
        message.context.round > 0 ||
        (message.type === 'unmask-bundle' ? from === liar?.peer.id : !isOfFirstView(message)),
      onEffect(id, effect) {
        if (effect.type === 'unmask' && effect.round === 0) opened.add(id)
        const message = saidIn(effect, 'proposal')
        if (message === null || liar === null || message.context.round > 0) return true
        const { subject, view, decision } = Proposal.decode(message.payload)
        if (subject !== 'result' || prepared++ > 0) return true
        const payload = votePayload(subject, view, liar.cluster.crypto.sha256(decision))
        liar.cluster.inject(reworded(liar, message, { type: 'prepare', payload }))
        return true
      }
    },
    lie(effect, here) {
      if (here.attempt.round > 0) return null
      liar = here
      victim = here.attempt.ranked[3]!
      if (isAboutResult(effect)) return []
      const bundle = saidIn(effect, 'unmask-bundle')
      if (bundle === null) return dealt.lie(effect, here)
      return [{ type: 'send', to: [victim], message: bundleWithOwnShare(here, bundle) }]
    }
  })
  return { cluster, honest, opened, victim: () => victim }
}

describe('a sum that opens for some members only', () => {
  it('does not stop the round: who cannot open it signs the result that a quorum has prepared', () => {
    const { cluster, honest, opened, victim } = clusterWithHalfOpenSum()
    const done = cluster.finish(300_000)
    // Else the lie had no effect.
    expect(opened.size).to.be.above(1)
    expect(opened.has(victim())).to.equal(false)
    expect(done).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['result'])
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    expect(
      contradictions(
        cluster,
        honest().map(({ id }) => id)
      )
    ).to.deep.equal([])
  })
})
