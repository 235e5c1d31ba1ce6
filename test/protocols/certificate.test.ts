import { expect } from 'chai'
import { certificateHolds, isSubject, SUBJECTS, votePayload } from '../../protocols/certificate.ts'
import { PROTOCOL_VERSION, sealMessage, ZERO_HASH } from '../../protocols/envelope.ts'
import type { Certificate, Context } from '../../protocols/messages.js'
import { testMember, testRun } from '../support/chains.ts'

const { run, crypto, members } = testRun(7)
const cohort = members.map(({ id }) => id)
const context: Context = {
  version: PROTOCOL_VERSION,
  run: run.id,
  previousLink: crypto.sha256(Uint8Array.of(1)),
  round: 2,
  attempt: 0,
  rosterHash: crypto.sha256(Uint8Array.of(2)),
  baseModel: run.baseModel,
  encodingHash: ZERO_HASH
}
const valueHash = crypto.sha256(Uint8Array.of(3))

function signed(
  indices: readonly number[],
  what: { kind?: 'prepare' | 'commit'; subject?: string; view?: number; of?: Context } = {}
): Certificate {
  const { kind = 'commit', subject = 'survivors', view = 1, of = context } = what
  const payload = votePayload(subject, view, valueHash)
  const signatures = indices.map(index => ({
    index,
    signature: sealMessage(kind, of, payload, members[index]!.signer, crypto).signature
  }))
  return { kind, subject, view, valueHash, signatures }
}

const quorum = signed([0, 2, 3, 5, 6])
const holds = (certificate: Certificate, kind: 'prepare' | 'commit' = 'commit', of = context) =>
  certificateHolds(certificate, kind, cohort, of, crypto)

describe('a certificate', () => {
  it('holds with the votes of any quorum, and of more', () => {
    expect(holds(quorum)).to.equal(true)
    expect(holds(signed([0, 1, 2, 3, 4, 5, 6]))).to.equal(true)
    expect(holds(signed([0, 1, 2, 3, 4], { kind: 'prepare' }), 'prepare')).to.equal(true)
  })

  it('does not hold below the quorum, with a signer twice, out of order, or from outside', () => {
    expect(holds(signed([0, 2, 3, 5]))).to.equal(false)
    expect(holds(signed([]))).to.equal(false)
    expect(holds(signed([0, 2, 3, 3, 5]))).to.equal(false)
    expect(holds(signed([2, 0, 3, 5, 6]))).to.equal(false)
    const stranger = testMember(99)
    const payload = votePayload('survivors', 1, valueHash)
    const { signature } = sealMessage('commit', context, payload, stranger.signer, crypto)
    for (const index of [4, 7, 2 ** 31]) {
      const signatures = [...signed([0, 1, 2, 3]).signatures, { index, signature }]
      expect(holds({ ...quorum, signatures }), `as index ${index}`).to.equal(false)
    }
  })

  it('does not hold with one forged signature, whichever it is', () => {
    quorum.signatures.forEach((_, at) => {
      for (const broken of [new Uint8Array(64), new Uint8Array(), quorum.signatures.at(at - 1)!.signature]) {
        const signatures = quorum.signatures.map((vote, i) =>
          i === at ? { ...vote, signature: broken } : vote
        )
        expect(holds({ ...quorum, signatures }), `signature ${at}`).to.equal(false)
      }
    })
  })

  it('does not hold for another kind, subject, view, value or context than the voters signed', () => {
    expect(holds(quorum, 'prepare')).to.equal(false)
    // Prepare votes dressed up as a commit certificate.
    expect(holds({ ...signed([0, 2, 3, 5, 6], { kind: 'prepare' }), kind: 'commit' })).to.equal(false)
    expect(holds({ ...quorum, subject: 'result' })).to.equal(false)
    expect(holds({ ...quorum, subject: 'anything' })).to.equal(false)
    expect(holds({ ...quorum, view: 2 })).to.equal(false)
    expect(holds({ ...quorum, valueHash: ZERO_HASH })).to.equal(false)
    expect(holds({ ...quorum, valueHash: valueHash.subarray(1) })).to.equal(false)
    const changes = { round: 3, attempt: 1, run: ZERO_HASH, previousLink: ZERO_HASH, rosterHash: ZERO_HASH }
    for (const [field, value] of Object.entries(changes)) {
      expect(holds(quorum, 'commit', { ...context, [field]: value }), field).to.equal(false)
    }
  })

  it('a vote on an unknown subject is no vote, even signed by all', () => {
    expect(holds(signed([0, 1, 2, 3, 4, 5, 6], { subject: 'weather' }))).to.equal(false)
    expect(SUBJECTS.every(isSubject)).to.equal(true)
    expect(isSubject('weather')).to.equal(false)
  })
})
