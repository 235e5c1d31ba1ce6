import { expect } from 'chai'
import { extendChain } from '../../protocols/chain.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { judgeMessage, judgeOrder } from '../../protocols/gossip-validation.ts'
import { ORDER_LINKS } from '../../protocols/limits.ts'
import { Envelope, type LinkBody } from '../../protocols/messages.js'
import type { AuthorOrder } from '../../protocols/orders.ts'
import { pauseOf, pauseWords } from '../../protocols/pause.ts'
import { reconfigurationAfter } from '../../protocols/reconfiguration.ts'
import { certify, certifyLink, linkAfter, type TestRun, testMember, testRun } from '../support/chains.ts'
import { ordered } from '../support/invitations.ts'

const test = testRun(4, { rounds: 60 })
const { run, crypto, tip, author, manifest } = test
const ids = test.members.map(({ id }) => id)
const other = test.members.find(({ id }) => id !== author.id)!
const invitation = 'ab'.repeat(32)

type Kind = 'result' | 'abort' | 'lost'

function listing(
  at: ChainTip,
  orders: ReadonlyArray<{ bytes: Uint8Array }>,
  kind: Kind = 'result',
  of = test
): LinkBody {
  return { ...linkAfter(of, at, kind), orders: orders.map(({ bytes }) => Envelope.decode(bytes)) }
}

function following(at: ChainTip, link: LinkBody, of: TestRun = test): ChainTip {
  return extendChain(at, certify(of, link), of.run, crypto).tip
}

function verdict(at: ChainTip, link: LinkBody, of: TestRun = test): string {
  try {
    following(at, link, of)
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

const order = (kind: AuthorOrder['kind'], at: ChainTip = tip) =>
  ordered(test, at, kind === 'revoke' ? { kind, invitation } : { kind })

describe('an order of the author', () => {
  it('takes effect with the link that lists it, of any kind', () => {
    for (const kind of ['result', 'abort', 'lost'] as const) {
      const next = following(tip, listing(tip, [order('pause'), order('revoke')], kind))
      expect(next.paused, kind).to.equal(true)
      expect([...next.admission.revoked.keys()]).to.deep.equal([invitation])
      expect(following(tip, listing(tip, [order('end')], kind)).end, kind).to.equal('author')
    }
  })

  it('to pause stops the run until its author says otherwise', () => {
    const paused = following(tip, listing(tip, [order('pause')]))
    expect(pauseWords(pauseOf(paused, manifest)!)).to.match(/author of the run has paused it/)
    expect(verdict(paused, linkAfter(test, paused, 'result'))).to.match(/the run is paused/)
    const bytes = reconfigurationAfter(paused, ids, run, author.signer, crypto)
    const resumed = extendChain(paused, bytes, run, crypto).tip
    expect(resumed.paused).to.equal(false)
    expect(pauseOf(resumed, manifest)).to.equal(null)
    // Said before the author let it go on: a replay pauses nothing.
    for (const replayed of [order('pause'), order('pause', paused)])
      expect(verdict(resumed, listing(resumed, [replayed]))).to.match(/stale/)
    expect(verdict(resumed, listing(resumed, [order('pause', resumed)]))).to.equal('taken')
  })

  it('to end ends it for good: no link follows, not even of the author', () => {
    const ended = following(tip, listing(tip, [order('end')]))
    expect(verdict(ended, linkAfter(test, ended, 'result'))).to.match(/author has ended the run/)
    expect(() => reconfigurationAfter(ended, ids, run, author.signer, crypto)).to.throw(/author has ended/)
  })

  it('can be carried out by a link of the author while the run is paused, with too few members too', () => {
    const paused = following(tip, listing(tip, [order('pause')]))
    const ending = [{ kind: 'end' as const }, { kind: 'revoke' as const, invitation }]
    const bytes = reconfigurationAfter(paused, ids.slice(0, 1), run, author.signer, crypto, ending)
    const { tip: ended } = extendChain(paused, bytes, run, crypto)
    expect(ended.end).to.equal('author')
    expect(ended.admission.revoked.has(invitation)).to.equal(true)
    const pausing = [{ kind: 'pause' as const }]
    expect(() => reconfigurationAfter(tip, ids, run, author.signer, crypto, pausing)).to.throw(
      /only names the members/
    )
  })

  it('that contradicts another splits nothing: what a link lists is done, and the end counts', () => {
    const both = following(tip, listing(tip, [order('end'), order('pause')]))
    expect(both).to.include({ end: 'author', paused: true })
    expect(pauseOf(both, manifest)).to.equal(null)
  })

  it('is refused from anybody else, of another run, twice, unsorted, done already, or bound to an old link', () => {
    expect(verdict(tip, listing(tip, [ordered(test, tip, { kind: 'end' }, other)]))).to.match(
      /not by the author/
    )
    const forged = Envelope.decode(order('end').bytes)
    forged.signature[9]! ^= 1
    expect(verdict(tip, { ...linkAfter(test, tip, 'result'), orders: [forged] })).to.match(/not signed by/)
    const elsewhere = testRun(5)
    expect(verdict(tip, listing(tip, [ordered({ ...elsewhere, author }, tip, { kind: 'end' })]))).to.match(
      /another run/
    )
    expect(verdict(tip, listing(tip, [order('pause'), order('pause')]))).to.match(/comes twice/)
    expect(verdict(tip, listing(tip, [order('pause'), order('end')]))).to.match(/not sorted/)
    const revoked = following(tip, listing(tip, [order('revoke')]))
    expect(verdict(revoked, listing(revoked, [order('revoke', revoked)]))).to.match(/revoke.* is done/)
    let late = tip
    for (let i = 0; i < ORDER_LINKS; i++) {
      if (i === ORDER_LINKS - 1) expect(verdict(late, listing(late, [order('pause')]))).to.equal('taken')
      late = certifyLink(test, late, 'result', run.id).tip
    }
    expect(verdict(late, listing(late, [order('pause')]))).to.match(/stale/)
  })

  it('is unknown in a run of format 1.0, whose members would not follow a link that lists it', () => {
    const older = testRun(4, { formatVersion: '1.0' })
    const said = ordered(older, older.tip, { kind: 'end' })
    expect(verdict(older.tip, listing(older.tip, [said], 'result', older), older)).to.match(/format 1\.0/)
  })

  it('of somebody else is not passed on by gossip', () => {
    const judged = (message: { bytes: Uint8Array }) => {
      const first = judgeMessage(message.bytes, run, tip.members, crypto)
      return first.verdict === 'accept' ? judgeOrder(first.message, run) : first
    }
    expect(judged(order('end')).verdict).to.equal('accept')
    expect(judged(ordered(test, tip, { kind: 'end' }, other))).to.include({
      verdict: 'reject',
      reason: 'FORGED_ORDER'
    })
    expect(judged(ordered(test, tip, { kind: 'end' }, testMember(70)))).to.include({ reason: 'FORGED_ORDER' })
  })
})
