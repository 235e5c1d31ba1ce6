import { expect } from 'chai'
import fc from 'fast-check'
import { createRunContext } from '../../node/peer/round-encoding.ts'
import { extendChain, foundChain } from '../../protocols/chain.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { sealMessage } from '../../protocols/envelope.ts'
import { Envelope, Founding, type LinkBody, Registration } from '../../protocols/messages.js'
import {
  certify,
  certifyLink,
  linkAfter,
  type TestMember,
  type TestRun,
  testMember,
  testRun
} from '../support/chains.ts'
import {
  invitationRun,
  invite,
  invited,
  linkAdmitting,
  ordered,
  redemptionOf
} from '../support/invitations.ts'

const test = invitationRun(4, { rounds: 60 })
const { crypto, tip } = test

/** Whoever comes in may have to sign. */
const everyone = Array.from({ length: 60 }, (_, i) => testMember(i + 1))

const following = (at: ChainTip, link: LinkBody, of: TestRun = test): ChainTip =>
  extendChain(at, certify({ ...of, members: everyone }, link), of.run, crypto).tip

function verdict(at: ChainTip, link: LinkBody, of: TestRun = test): string {
  try {
    following(at, link, of)
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

describe('admission by a link', () => {
  const once = invite(test, 1)
  const [first, second] = [invited(20, once), invited(21, once)]

  it('names the newcomer and its invitation, and the chain counts the use', () => {
    const next = following(tip, linkAdmitting(test, tip, [first]))
    expect(next.members).to.include(first.id)
    expect(next.admission.redemptions).to.equal(1)
    expect(verdict(next, linkAdmitting(test, next, [second]))).to.match(/used-up/)
  })

  it('is refused without an invitation, with a forged one, with one for another peer or run, and twice at once', () => {
    const bare = linkAdmitting(test, tip, [first])
    expect(verdict(tip, { ...bare, admissions: [] })).to.match(/without an invitation/)
    const forged = invited(20, invite(test, 1, {}, testMember(9)))
    expect(verdict(tip, linkAdmitting(test, tip, [forged]))).to.match(/forged/)
    const stolen = { ...second, redemption: first.redemption! }
    expect(verdict(tip, linkAdmitting(test, tip, [stolen]))).to.match(/forged/)
    const elsewhere = invited(20, invite(test, 1, { run: testRun(5).run.id }))
    expect(verdict(tip, linkAdmitting(test, tip, [elsewhere]))).to.match(/other-run/)
    expect(verdict(tip, linkAdmitting(test, tip, [first, second]))).to.match(/used-up/)
    const unsorted = linkAdmitting(test, tip, [first, invited(21, invite(test, 2))])
    expect(verdict(tip, { ...unsorted, admissions: unsorted.admissions.toReversed() })).to.match(/not sorted/)
  })

  it('admits nobody who needs no admission: that would waste uses', () => {
    const member = { ...test.members[1]!, redemption: redemptionOf(once, test.members[1]!.id) }
    expect(verdict(tip, linkAdmitting(test, tip, [member]))).to.match(/who needs no admission/)
    const absent = { ...linkAdmitting(test, tip, [first]), members: [...tip.members] }
    expect(verdict(tip, absent)).to.match(/who needs no admission/)
  })

  it('never looks at a clock: an invitation that has expired since is as good in a replay as it was then', () => {
    const old = invited(20, invite(test, 1, { expiresAtS: 1 }))
    expect(verdict(tip, linkAdmitting(test, tip, [old]))).to.equal('taken')
  })

  it('lets a peer that fell silent come back by the same invitation, without a second use', () => {
    const next = following(tip, linkAdmitting(test, tip, [first]))
    const gone = following(next, { ...linkAfter(test, next, 'lost'), members: [...tip.members] })
    expect(gone.members).not.to.include(first.id)
    const back = following(gone, linkAdmitting(test, gone, [first]))
    expect(back.members).to.include(first.id)
    expect(back.admission.redemptions).to.equal(1)
    expect(verdict(gone, linkAdmitting(test, gone, [second]))).to.match(/used-up/)
  })

  it('takes no invitation that is revoked, by an earlier link or by the same one', () => {
    const revoke = ordered(test, tip, {
      kind: 'revoke',
      invitation: Buffer.from(once.invitation.id).toString('hex')
    })
    expect(verdict(tip, linkAdmitting(test, tip, [first], [revoke]))).to.match(/revoked/)
    const revoked = following(tip, linkAdmitting(test, tip, [], [revoke]))
    expect(verdict(revoked, linkAdmitting(test, revoked, [first]))).to.match(/revoked/)
    expect(verdict(revoked, linkAdmitting(test, revoked, [invited(20, invite(test, 2))]))).to.equal('taken')
  })

  it('is bounded: sixty-four in a link', () => {
    const many = invite(test, 3, { uses: 100 })
    const crowd = Array.from({ length: 65 }, (_, i) => invited(100 + i, many))
    expect(verdict(tip, linkAdmitting(test, tip, crowd))).to.match(/more than 64 admissions/)
    expect(verdict(tip, linkAdmitting(test, tip, crowd.slice(1)))).to.equal('taken')
  })

  it('of a run with a list lets in listed peers only, whoever signs', () => {
    const ids = [1, 2, 3, 4, 5].map(number => testMember(number).id)
    const listed = testRun(4, { admission: { kind: 'list', peers: ids } })
    const letting = (number: number): LinkBody => ({
      ...linkAfter(listed, listed.tip, 'result'),
      members: [...listed.tip.members, testMember(number).id].sort()
    })
    expect(verdict(listed.tip, letting(5), listed)).to.equal('taken')
    expect(verdict(listed.tip, letting(6), listed)).to.match(/not on the admission list/)
  })
})

describe('uses of invitations', () => {
  it('are counted as a simple book would, over any chain', () => {
    const invitations = [1, 2, 3].map(uses => invite(test, 10 + uses, { uses }))
    const hex = (at: number) => Buffer.from(invitations[at]!.invitation.id).toString('hex')
    const step = fc.oneof(
      fc.record({ by: fc.nat(2), peers: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }) }),
      fc.record({ revoke: fc.nat(2) }),
      fc.record({ leaves: fc.nat(5) })
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), steps => {
        let at = tip
        const book = invitations.map(() => ({ peers: new Set<string>(), isRevoked: false }))
        for (const what of steps) {
          if ('revoke' in what) {
            const entry = book[what.revoke]!
            const order = ordered(test, at, { kind: 'revoke', invitation: hex(what.revoke) })
            const link = linkAdmitting(test, at, [], [order])
            if (entry.isRevoked) expect(verdict(at, link)).to.match(/done/)
            else at = following(at, link)
            entry.isRevoked = true
          } else if ('leaves' in what) {
            const gone = testMember(40 + what.leaves).id
            at = following(at, {
              ...linkAfter(test, at, 'lost'),
              members: at.members.filter(id => id !== gone)
            })
          } else {
            const entry = book[what.by]!
            const newcomers = what.peers
              .map(peer => invited(40 + peer, invitations[what.by]!))
              .filter(({ id }) => !at.members.includes(id))
            const link = linkAdmitting(test, at, newcomers)
            const peers = new Set([...entry.peers, ...newcomers.map(({ id }) => id)])
            const fits = newcomers.length === 0 || (!entry.isRevoked && peers.size <= what.by + 1)
            expect(verdict(at, link) === 'taken', JSON.stringify(what)).to.equal(fits)
            if (!fits) continue
            at = following(at, link)
            for (const peer of peers) entry.peers.add(peer)
          }
        }
        expect(at.admission.redemptions).to.equal(book.reduce((sum, { peers }) => sum + peers.size, 0))
        book.forEach(({ peers }, i) => {
          expect([...(at.admission.redeemed.get(hex(i))?.keys() ?? [])].sort()).to.deep.equal(
            [...peers].sort()
          )
        })
      }),
      { numRuns: 30 }
    )
  })
})

describe('a founding list of invited peers', () => {
  const open = testRun(4)
  const admission = { kind: 'invitation' as const, peers: [testMember(2).id] }
  const manifest = { ...open.manifest, admission }
  const { layout, initialAdapter } = open
  const fresh = createRunContext(manifest, manifest.model.sha256, layout, initialAdapter, crypto)
  const alone: TestRun = { ...open, manifest, run: fresh }
  const founded = (members: readonly TestMember[]) => {
    const context = Envelope.decode(test.founding).context!
    const at = { ...context, run: alone.run.id, baseModel: alone.run.baseModel }
    const registrations = members
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ signer, redemption }) => {
        const payload = Registration.encode({
          nonce: new Uint8Array(32),
          afterLink: new Uint8Array(32),
          ...(redemption === undefined ? {} : { redemption })
        })
        return Envelope.decode(sealMessage('registration', at, payload, signer, crypto).bytes)
      })
    const list = Founding.encode({ registrations })
    return sealMessage('founding', at, list, alone.author.signer, crypto).bytes
  }
  const verdictOf = (members: readonly TestMember[]): string => {
    try {
      return `taken, ${foundChain(founded(members), alone.run, crypto).admission.redemptions} used`
    } catch (error) {
      return (error as Error).message
    }
  }
  const listed = [testMember(1), testMember(2)]

  it('counts uses as any link does; the author and listed peers need none', () => {
    const twice = invite(alone, 1, { uses: 2 })
    const once = invite(alone, 2)
    expect(verdictOf([...listed, invited(3, twice), invited(4, twice)])).to.equal('taken, 2 used')
    expect(verdictOf([...listed, invited(3, once), invited(4, once)])).to.match(/used-up/)
    expect(verdictOf([...listed, invited(3, once), testMember(4)])).to.match(/takes invited peers only/)
    expect(
      verdictOf([...listed, invited(3, once), { ...testMember(4), redemption: invited(3, once).redemption! }])
    ).to.match(/not whole|made out to another/)
  })

  it('is the beginning of the counting', () => {
    const twice = invite(alone, 1, { uses: 2 })
    const begun = foundChain(founded([...listed, invited(3, twice), invited(4, twice)]), alone.run, crypto)
    const late = linkAdmitting({ ...alone, tip: begun }, begun, [invited(5, twice)])
    expect(verdict(begun, late, alone)).to.match(/used-up/)
    expect(certifyLink({ ...alone, tip: begun }, begun, 'result').tip.admission.redemptions).to.equal(2)
  })
})
