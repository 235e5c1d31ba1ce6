import { expect } from 'chai'
import { type Certificate, CertifiedDecision, Decision } from '../../protocols/messages.js'
import { reworded, roundWith, saidIn, saying } from '../support/liars.ts'

describe('a certificate that is forged, short of a quorum, or counts a signer twice', () => {
  it('cannot pass a certificate off that is short of a quorum, or counts a voter twice', () => {
    for (const change of [
      (votes: Certificate['signatures']) => votes.slice(1),
      (votes: Certificate['signatures']) => [votes[0]!, ...votes.slice(0, -1)],
      (votes: Certificate['signatures']) => votes.with(0, { ...votes[0]!, signature: votes[1]!.signature })
    ]) {
      const { refusals } = roundWith({
        rank: 0,
        lie(effect, liar) {
          const message = saidIn(effect, 'certificate')
          if (message === null) return null
          const { certificate, decision } = CertifiedDecision.decode(message.payload)
          const signatures = change(certificate!.signatures)
          const payload = CertifiedDecision.encode({ certificate: { ...certificate!, signatures }, decision })
          return [saying(effect, reworded(liar, message, { payload }))]
        }
      })
      expect(refusals).to.deep.equal(['certificate: its certificate does not hold'])
    }
  })

  it('cannot send a certificate with another value than it certifies', () => {
    const { refusals } = roundWith({
      rank: 0,
      lie(effect, liar) {
        const message = saidIn(effect, 'certificate')
        if (message === null) return null
        const { certificate } = CertifiedDecision.decode(message.payload)
        const decision = Decision.encode({ shares: { proposer: 0, dealers: [] } })
        return [
          saying(
            effect,
            reworded(liar, message, {
              payload: CertifiedDecision.encode({ certificate: certificate!, decision })
            })
          )
        ]
      }
    })
    expect(refusals).to.deep.equal(['certificate: its certificate does not hold'])
  })
})
