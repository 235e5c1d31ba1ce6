import { expect } from 'chai'
import fc from 'fast-check'
import { ed25519Signer, nodeCrypto } from '../../node/platform/node-crypto.ts'
import { fromBase64Url, toBase64Url } from '../../protocols/base64url.ts'
import {
  createInvitation,
  invitationText,
  readInvitationText,
  redeem,
  redemptionFault,
  TOKEN_PREFIX
} from '../../protocols/invitation.ts'
import { INVITATION_TEXT } from '../../protocols/limits.ts'
import { testMember, testRun } from '../support/chains.ts'
import { invitationRun, invite, redemptionOf } from '../support/invitations.ts'

const crypto = nodeCrypto()
const test = invitationRun(4)
const { run, author } = test
const by = { id: run.id, author: author.id }
const peer = testMember(20).id
const other = testMember(21).id

describe('base64url', () => {
  it('gives back what it was given, and agrees with Node', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
        const text = toBase64Url(bytes)
        expect(text).to.equal(Buffer.from(bytes).toString('base64url'))
        expect(fromBase64Url(text)).to.deep.equal(bytes)
      })
    )
  })

  it('takes one text for one meaning', () => {
    for (const text of ['A', 'AB=', 'A B', 'A+', 'AB', 'é']) expect(fromBase64Url(text), text).to.equal(null)
    expect(fromBase64Url('AA')).to.deep.equal(Uint8Array.of(0))
  })
})

describe('an invitation', () => {
  const secret = new Uint8Array(32).fill(5)
  const bearer = ed25519Signer(secret)
  const terms = { run: run.id, uses: 3, expiresAtS: 2_000_000_000, label: 'hospital east 🙂' }
  const invitation = createInvitation(terms, author.signer, bearer)
  const text = invitationText(invitation, secret)

  it('is a text that a person can copy, also out of a mail that breaks lines', () => {
    expect(text.startsWith(TOKEN_PREFIX)).to.equal(true)
    expect(text.length).to.be.below(INVITATION_TEXT)
    const broken = ` ${text.slice(0, 60)}\r\n  ${text.slice(60)}\n`
    for (const given of [text, broken])
      expect(readInvitationText(given)).to.deep.equal({ invitation, secret })
  })

  it('is not read, or shows to be forged, with any letter changed or cut off', () => {
    for (let at = TOKEN_PREFIX.length; at < text.length; at += 7) {
      const letter = text[at] === 'A' ? 'B' : 'A'
      for (const damaged of [text.slice(0, at), text.slice(0, at) + letter + text.slice(at + 1)]) {
        const read = readInvitationText(damaged)
        if (read === null) continue
        const redemption = redeem(read.invitation, peer, ed25519Signer(read.secret))
        expect(redemptionFault(redemption, peer, by, crypto), String(at)).to.be.oneOf(['forged', 'other-run'])
      }
    }
  })

  it('is for one run of one author, and a redemption of it for one peer', () => {
    const good = redeem(invitation, peer, bearer)
    expect(redemptionFault(good, peer, by, crypto)).to.equal(null)
    // What every member hears: of no use to any of them.
    expect(redemptionFault(good, other, by, crypto)).to.equal('forged')
    const elsewhere = testRun(5).run
    expect(redemptionFault(good, peer, { ...by, id: elsewhere.id }, crypto)).to.equal('other-run')
    expect(redemptionFault(good, peer, { ...by, author: other }, crypto)).to.equal('forged')
    const byAnother = redemptionOf(invite(test, 1, {}, testMember(9)), peer)
    expect(redemptionFault(byAnother, peer, by, crypto)).to.equal('forged')
    const withAnotherKey = redeem(invitation, peer, ed25519Signer(new Uint8Array(32).fill(6)))
    expect(redemptionFault(withAnotherKey, peer, by, crypto)).to.equal('forged')
  })

  it('is forged with more uses, another expiry, another label or another id than was signed', () => {
    for (const change of [
      { uses: 4 },
      { expiresAtS: 2_000_000_001 },
      { label: 'x' },
      { id: ed25519Signer(new Uint8Array(32)).publicKey }
    ]) {
      const redemption = redeem({ ...invitation, ...change }, peer, bearer)
      expect(redemptionFault(redemption, peer, by, crypto), JSON.stringify(change)).to.equal('forged')
    }
  })

  it('is made and read within bounds only', () => {
    for (const change of [{ uses: 0 }, { uses: 1025 }, { uses: 1.5 }, { expiresAtS: 0 }, { label: 'a\nb' }])
      expect(() => createInvitation({ ...terms, ...change }, author.signer, bearer)).to.throw(RangeError)
    expect(redemptionFault({ proof: new Uint8Array(64) }, peer, by, crypto)).to.equal('forged')
    expect(readInvitationText(`${text}${'A'.repeat(INVITATION_TEXT)}`)).to.equal(null)
    expect(readInvitationText('hello')).to.equal(null)
  })
})
