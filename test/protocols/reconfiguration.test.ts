import { expect } from 'chai'
import { extendChain } from '../../protocols/chain.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { type SignedMessage, sealMessage } from '../../protocols/envelope.ts'
import { CertifiedLink, Envelope, StandDown } from '../../protocols/messages.js'
import { pauseOf, pauseWords } from '../../protocols/pause.ts'
import { reconfigurationAfter } from '../../protocols/reconfiguration.ts'
import { certify, certifyLink, linkAfter, standDownsAt, testMember, testRun } from '../support/chains.ts'

const test = testRun(5, { cohort: { founders: 5, attempts: 3 } })
const { run, crypto, manifest, author } = test
const ids = test.members.map(({ id }) => id)

/** A chain on which the last links were given up as often as it takes. */
function givenUp(times: number): ChainTip {
  let { tip } = test
  for (let i = 0; i < times; i++) tip = certifyLink(test, tip, i % 2 === 0 ? 'abort' : 'lost').tip
  return tip
}

const verdict = (tip: ChainTip, bytes: Uint8Array): string => {
  try {
    extendChain(tip, bytes, run, crypto)
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

describe('a run that comes to nothing', () => {
  it('is paused after as many attempts as its manifest allows, and says why', () => {
    expect(pauseOf(givenUp(2), manifest)).to.equal(null)
    const pause = pauseOf(givenUp(3), manifest)!
    expect(pause).to.have.property('code', 'GIVEN_UP')
    expect(pauseWords(pause, ['Ada', 'Bob'])).to.equal(
      'rounds 1 to 2 were given up 3 times: too few masked inputs (2), the sum could not be opened (1); missing at ' +
        'the end were Ada, Bob; the run is paused until its author sets the members anew'
    )
  })

  it('begins to count anew after a result', () => {
    const { tip } = certifyLink(test, givenUp(2), 'result', run.id)
    expect(tip.failures).to.deep.equal([])
    expect(pauseOf(certifyLink(test, tip, 'abort').tip, manifest)).to.equal(null)
  })

  it('takes no link of its members while it is paused', () => {
    const tip = givenUp(3)
    for (const kind of ['abort', 'lost', 'result'] as const)
      expect(verdict(tip, certify(test, linkAfter(test, tip, kind)))).to.match(/paused: only its author/)
  })

  it('goes on with the members that its author names, and counts anew', () => {
    const paused = givenUp(3)
    const newcomer = testMember(77).id
    const bytes = reconfigurationAfter(paused, [newcomer, ...ids.slice(1)], run, author.signer, crypto)
    const { tip, link } = extendChain(paused, bytes, run, crypto)
    expect(link.kind).to.equal('reconfiguration')
    expect(tip.members).to.deep.equal([newcomer, ...ids.slice(1)].sort())
    expect(tip).to.deep.include({ failures: [], stateHash: paused.stateHash, round: paused.round })
    expect(pauseOf(tip, manifest)).to.equal(null)
  })

  it('goes on for nobody else, nor with too few', () => {
    const tip = givenUp(3)
    const other = test.members.find(({ id }) => id !== author.id)!
    expect(() => reconfigurationAfter(tip, ids, run, other.signer, crypto)).to.throw(/signed by the author/)
    expect(() => reconfigurationAfter(tip, ids.slice(2), run, author.signer, crypto)).to.throw(/4 members/)
  })
})

/** Of five members four are a quorum: two that stand down leave three. */
describe('a run that has lost its quorum', () => {
  const { tip } = test
  const newcomer = testMember(77).id
  const goOn = (standDowns: readonly SignedMessage[], at: ChainTip = tip) =>
    reconfigurationAfter(at, [newcomer, ...ids.slice(1)], run, author.signer, crypto, [], standDowns)

  it('goes on with the members that its author names once f + 1 of its cohort have stood down', () => {
    const bytes = goOn([...standDownsAt(test, tip, 2)].reverse())
    expect(extendChain(tip, bytes, run, crypto).tip).to.deep.include({ height: 1, attempt: 1 })
  })

  it('does not go on with fewer, with one twice, or with those who have no vote', () => {
    expect(() => goOn(standDownsAt(test, tip, 1))).to.throw(/1 members stand down, 2 must/)
    const [one, two] = standDownsAt(test, tip, 2) as [SignedMessage, SignedMessage]
    expect(() => goOn([one, one])).to.throw(/appear twice/)
    const payload = StandDown.encode({})
    const stranger = sealMessage('stand-down', one.context, payload, testMember(77).signer, crypto)
    expect(() => goOn([one, stranger])).to.throw(/has no vote in this attempt/)
    const other = sealMessage('without-secrets', two.context, two.payload, test.members[1]!.signer, crypto)
    expect(() => goOn([one, other])).to.throw(/is no stand-down/)
  })

  it('does not go on if one of them may know of a link that others have certified', () => {
    const [one] = standDownsAt(test, tip, 1) as [SignedMessage]
    const [, locked] = standDownsAt(test, tip, 2, run.id) as [SignedMessage, SignedMessage]
    expect(() => goOn([one, locked])).to.throw(/may know of a link that others have certified/)
  })

  it('takes no promise of another attempt, and none with another link', () => {
    const later = certifyLink(test, tip, 'abort').tip
    expect(() => goOn(standDownsAt(test, tip, 2), later)).to.throw(/of another attempt/)
    const { decision, certificate } = CertifiedLink.decode(certify(test, linkAfter(test, tip, 'abort')))
    const standDowns = standDownsAt(test, tip, 2).map(({ bytes }) => Envelope.decode(bytes))
    const bytes = CertifiedLink.encode({ decision, certificate: certificate!, standDowns })
    expect(verdict(tip, bytes)).to.match(/nobody stands down for it: it is of kind abort/)
    const paused = givenUp(3)
    expect(() => goOn(standDownsAt(test, paused, 2), paused)).to.throw(/nobody need stand down/)
  })
})

describe('expulsion', () => {
  const evidenceHash = crypto.sha256(run.id)
  const expelling = (peers: readonly string[], kind: 'abort' | 'lost' | 'result' = 'abort') => {
    const link = linkAfter(test, test.tip, kind)
    const expulsions = peers.map(peer => ({ peer, kind: 'wrong-share', evidenceHash }))
    const members = link.members.filter(peer => !peers.includes(peer))
    return { ...link, expulsions, members }
  }
  const [a, b] = ids as [string, string]

  it('is remembered by the chain, and undone by its author alone', () => {
    const { tip } = extendChain(test.tip, certify(test, expelling([a])), run, crypto)
    expect(tip.expelled).to.deep.equal([a])
    expect(tip.members).to.deep.equal(ids.slice(1))
    const back = certify(test, { ...linkAfter(test, tip, 'abort'), members: ids })
    expect(verdict(tip, back)).to.match(/lets in a peer that was expelled/)
    const forgiven = reconfigurationAfter(
      tip,
      ids,
      run,
      author.signer,
      crypto,
      [],
      standDownsAt(test, tip, 3).slice(1)
    )
    expect(extendChain(tip, forgiven, run, crypto).tip).to.deep.include({ expelled: [], members: ids })
  })

  it('below the least cohort pauses the run', () => {
    const { tip } = extendChain(test.tip, certify(test, expelling([a, b])), run, crypto)
    const pause = pauseOf(tip, manifest)!
    expect(pause).to.deep.equal({ code: 'TOO_FEW_MEMBERS', have: 3, need: 4 })
    expect(pauseWords(pause)).to.match(
      /^3 members are left and 4 are needed: the run is paused until its author/
    )
  })

  it('is refused of those who are no members, out of order, without evidence, for no reason, or if they stay', () => {
    const link = expelling([a])
    const stranger = testMember(99).id
    const [expulsion] = link.expulsions
    const wrong: Array<[RegExp, Partial<typeof link>]> = [
      [/no member/, { expulsions: [{ ...expulsion!, peer: stranger }] }],
      [/not sorted/, { expulsions: [{ ...expulsion!, peer: b }, expulsion!] }],
      [/not sorted/, { expulsions: [expulsion!, expulsion!] }],
      [/without naming evidence/, { expulsions: [{ ...expulsion!, evidenceHash: new Uint8Array() }] }],
      [/no reason/, { expulsions: [{ ...expulsion!, kind: 'dislike' }] }],
      [/lets in a peer/, { members: ids }]
    ]
    for (const [reason, part] of wrong)
      expect(verdict(test.tip, certify(test, { ...link, ...part }))).to.match(reason)
    expect(verdict(test.tip, certify(test, expelling([a], 'result')))).to.match(/counts the input of a peer/)
    // A round that is lost had committed to its input before it was found out.
    expect(verdict(test.tip, certify(test, expelling([a], 'lost')))).to.equal('taken')
  })
})
