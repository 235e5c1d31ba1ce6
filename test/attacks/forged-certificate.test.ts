import { expect } from 'chai'
import { type VoteKind, votePayload } from '../../protocols/certificate.ts'
import { sealMessage } from '../../protocols/envelope.ts'
import { type Certificate, CertifiedDecision, Decision, Proposal } from '../../protocols/messages.js'
import { testDeadlines, testMember, testRun } from '../support/chains.ts'
import { linkKinds } from '../support/cluster-claims.ts'
import {
  attemptOf,
  certificateFrom,
  certifiedBy,
  encodedSet,
  survivorSetOf
} from '../support/hand-made-words.ts'
import { bytes32, type Liar, reworded, roundWith, saidIn, saying } from '../support/liars.ts'
import { RoundCluster } from '../support/round-cluster.ts'

const refused = ['certificate: its certificate does not hold']

/** The aggregator passes certificates on that were changed on the way. */
function certificatesWith(change: (certificate: Certificate, liar: Liar) => Partial<Certificate>) {
  return roundWith({
    rank: 0,
    lie(effect, liar) {
      const message = saidIn(effect, 'certificate')
      if (message === null) return null
      const { certificate, decision } = CertifiedDecision.decode(message.payload)
      const changed = { ...certificate!, ...change(certificate!, liar) }
      const payload = CertifiedDecision.encode({ certificate: changed, decision })
      return [saying(effect, reworded(liar, message, { payload }))]
    }
  }).refusals
}

describe('a certificate from an aggregator that lies', () => {
  const changes: Array<[string, (certificate: Certificate, liar: Liar) => Partial<Certificate>]> = [
    ['short of a quorum', ({ signatures }) => ({ signatures: signatures.slice(1) })],
    ['without a vote', () => ({ signatures: [] })],
    [
      'with one signer twice',
      ({ signatures }) => ({ signatures: [signatures[0]!, ...signatures.slice(0, -1)] })
    ],
    [
      'with one vote under two names',
      ({ signatures }) => ({
        signatures: signatures.with(0, { ...signatures[0]!, signature: signatures[1]!.signature })
      })
    ],
    [
      'with a signature that nobody made',
      ({ signatures }) => ({
        signatures: signatures.with(1, { ...signatures[1]!, signature: new Uint8Array(64).fill(1) })
      })
    ],
    [
      'with a vote of a stranger',
      ({ kind, subject, view, valueHash, signatures }, { attempt, cluster }) => {
        const context = attempt.rosterContext ?? attempt.context
        const payload = votePayload(subject, view, valueHash)
        const { signer } = testMember(99)
        const { signature } = sealMessage(kind as VoteKind, context, payload, signer, cluster.crypto)
        return { signatures: [...signatures.slice(0, 2), { index: 4, signature }] }
      }
    ],
    ['of another view than was voted in', ({ view }) => ({ view: view + 1 })]
  ]
  for (const [what, change] of changes)
    it(`${what} is refused by everyone`, () => {
      expect(certificatesWith(change)).to.deep.equal(refused)
    })

  it('of prepare votes, said to be of commit votes, is refused', () => {
    expect(
      certificatesWith(({ kind }) => (kind === 'prepare' ? { kind: 'commit' } : {})).slice(0, 1)
    ).to.deep.equal(refused)
  })

  it('with another value than it certifies is refused', () => {
    const { refusals } = roundWith({
      rank: 0,
      lie(effect, liar) {
        const message = saidIn(effect, 'certificate')
        if (message === null) return null
        const { certificate } = CertifiedDecision.decode(message.payload)
        const decision = Decision.encode({ shares: { proposer: 0, dealers: [] } })
        const payload = CertifiedDecision.encode({ certificate: certificate!, decision })
        return [saying(effect, reworded(liar, message, { payload }))]
      }
    })
    expect(refusals).to.deep.equal(refused)
  })
})

/** Four members, all inputs in, nothing on the survivors decided but by hand. */
function beforeTheDecision() {
  const cluster: RoundCluster = new RoundCluster(testRun(4, { rounds: 1, deadlines: testDeadlines }), {
    seed: 8,
    deliver: (_from, _to, { type, payload }) =>
      type !== 'proposal' || Proposal.decode(payload).subject !== 'survivors'
  })
  const said = () => cluster.wire.filter(({ type }) => type === 'inventory').length
  expect(cluster.start().runUntil(() => said() >= 4)).to.equal(true)
  const ids = cluster.run.members.map(({ id }) => id) as [string, string, string, string]
  const set = encodedSet(survivorSetOf(cluster, ids))
  return { cluster, ids, set }
}

describe('a survivor set', () => {
  const [, , , target] = testRun(4).members.map(({ id }) => id) as [string, string, string, string]
  const isDecided = (cluster: RoundCluster) => attemptOf(cluster, target).survivors !== null
  const release = (cluster: RoundCluster) => {
    cluster.runUntil(() => false, 300)
    return cluster.wire.filter(({ type, sender }) => type === 'unmask-bundle' && sender === target).length
  }

  it('with a commit certificate of a quorum is answered, so that the tests below can fail', () => {
    const { cluster, ids, set } = beforeTheDecision()
    const certified = certifiedBy(cluster, ids.slice(0, 3), 'survivors', set)
    cluster.inject(certificateFrom(cluster, ids[0], certified), [target])
    expect(release(cluster)).to.equal(1)
    expect(isDecided(cluster)).to.equal(true)
  })

  it('with a prepare certificate is not: no share before the commit', () => {
    const { cluster, ids, set } = beforeTheDecision()
    const certified = certifiedBy(cluster, ids.slice(0, 3), 'survivors', set, { kind: 'prepare' })
    cluster.inject(certificateFrom(cluster, ids[0], certified), [target])
    expect(release(cluster)).to.equal(0)
    expect(cluster.peer(target).state.attempt!.agreements.survivors.lock).to.not.equal(null)
  })

  it('with one vote less than a quorum, or the certificate of another matter, is not', () => {
    const { cluster, ids, set } = beforeTheDecision()
    const { rosterContext } = attemptOf(cluster, target)
    const certificates = [
      certifiedBy(cluster, ids.slice(0, 2), 'survivors', set),
      certifiedBy(cluster, ids.slice(0, 3), 'shares', set),
      certifiedBy(cluster, ids.slice(0, 3), 'result', set),
      ...(['round', 'attempt'] as const).map(field =>
        certifiedBy(cluster, ids.slice(0, 3), 'survivors', set, {
          context: { ...rosterContext!, [field]: 1 }
        })
      ),
      ...(['run', 'previousLink', 'rosterHash', 'baseModel', 'encodingHash'] as const).map(field =>
        certifiedBy(cluster, ids.slice(0, 3), 'survivors', set, {
          context: { ...rosterContext!, [field]: bytes32(1) }
        })
      )
    ]
    for (const certified of certificates)
      cluster.inject(certificateFrom(cluster, ids[0], certified), [target])
    expect(release(cluster)).to.equal(0)
    expect(isDecided(cluster)).to.equal(false)
    expect(linkKinds(cluster)).to.deep.equal([])
  })

  it('in a bundle’s name alone, without any certificate, is not', () => {
    const { cluster, ids, set } = beforeTheDecision()
    const context = attemptOf(cluster, target).rosterContext!
    const payload = Proposal.encode({ subject: 'survivors', view: 0, decision: set, newViews: [] })
    const { signer } = cluster.peer(ids[0]).member
    cluster.feed(cluster.peer(target), {
      type: 'message',
      message: sealMessage('proposal', context, payload, signer, cluster.crypto)
    })
    expect(release(cluster)).to.equal(0)
  })
})
