import { expect } from 'chai'
import { sealMessage, ZERO_HASH } from '../../protocols/envelope.ts'
import { EXPIRY_TOLERANCE_MS } from '../../protocols/limits.ts'
import { Envelope, Registration, type SurvivorsDecision } from '../../protocols/messages.js'
import { type Lie, playedRun } from '../support/admission-runs.ts'
import { type TestMember, testDeadlines, testMember } from '../support/chains.ts'
import { invitationRun, invite, invited, ordered } from '../support/invitations.ts'

const run = invitationRun(5, { rounds: 8, deadlines: testDeadlines })

/** A leader that lets these in, who ask for it in due form, whatever is wrong with their invitations. */
function lettingIn(guests: readonly TestMember[], more: Partial<SurvivorsDecision> = {}): Lie {
  return (survivors, context) => {
    const said = { ...context, rosterHash: ZERO_HASH, encodingHash: ZERO_HASH }
    const registrations = guests.map(({ signer, redemption }) => {
      const asking = { nonce: new Uint8Array(32), afterLink: context.previousLink, redemption: redemption! }
      const { bytes } = sealMessage('registration', said, Registration.encode(asking), signer, run.crypto)
      return Envelope.decode(bytes)
    })
    const nextMembers = [...survivors.nextMembers, ...guests.map(({ id }) => id)].sort()
    return { ...survivors, nextMembers, registrations, ...more }
  }
}

const refused = 'its survivors decision does not follow from what this peer knows'

describe('an invitation that was redeemed, replayed', () => {
  const twice = invite(run, 1, { uses: 2 })
  const guest = invited(20, twice)
  const thief = { ...testMember(21), redemption: guest.redemption! }

  it('by another peer that has heard it lets nobody in, though it has a use left', () => {
    const { tip } = playedRun(run, [guest, thief])
    expect(tip.members).to.include(guest.id).and.not.include(thief.id)
    expect(tip.admission.redemptions).to.equal(1)
  })

  it('by another peer that has the invitation itself, after its last use, lets nobody in', () => {
    const once = invite(run, 2)
    const two = [invited(20, once), invited(21, once)]
    const { tip } = playedRun(run, two)
    expect(two.filter(({ id }) => tip.members.includes(id))).to.have.length(1)
    expect(tip.admission.redemptions).to.equal(1)
  })

  const expired = invite(run, 3, { expiresAtS: 1 })
  const crowd = invite(run, 4)
  const lies: Array<[string, readonly TestMember[]]> = [
    ['a thief', [thief]],
    ['whom it invited itself', [invited(22, invite(run, 5, {}, run.members[1]!))]],
    ['two at once by an invitation for one', [invited(23, crowd), invited(24, crowd)]]
  ]
  for (const [who, guests] of lies)
    it(`by a leader that lets in ${who} all the same gets no vote`, () => {
      const { tip, lies, refusals } = playedRun(run, [], lettingIn(guests))
      expect(lies).to.be.above(0)
      expect(refusals).to.include(refused)
      for (const { id } of guests) expect(tip.members).not.to.include(id)
    })

  it('is all that is wrong: a leader that lets in whom the author invited gets its votes', () => {
    const guests = [invited(27, invite(run, 7))]
    let times = 0
    const first: Lie = (survivors, context) =>
      times++ === 0 ? lettingIn(guests)(survivors, context) : survivors
    const { tip, refusals } = playedRun(run, [], first)
    expect(refusals).to.deep.equal([])
    expect(tip.admission.redemptions).to.equal(1)
  })

  it('by a leader that lets in a peer long after the expiry gets no vote', () => {
    const guests = [invited(25, expired)]
    const { tip, lies, refusals } = playedRun(
      run,
      [],
      lettingIn(guests),
      undefined,
      2000 + EXPIRY_TOLERANCE_MS
    )
    expect(lies).to.be.above(0)
    expect(refusals).to.include(refused)
    expect(tip.members).not.to.include(guests[0]!.id)
  })

  it('by a leader that lets in a peer by an invitation that its own proposal revokes gets no vote', () => {
    const once = invite(run, 6)
    const guests = [invited(26, once)]
    const invitation = Buffer.from(once.invitation.id).toString('hex')
    const order = Envelope.decode(ordered(run, run.tip, { kind: 'revoke', invitation }).bytes)
    const { lies, refusals } = playedRun(run, [], lettingIn(guests, { orders: [order] }))
    expect(lies).to.be.above(0)
    expect(refusals).to.include(refused)
  })
})
