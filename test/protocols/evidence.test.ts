import { expect } from 'chai'
import fc from 'fast-check'
import { votePayload } from '../../protocols/certificate.ts'
import { evidenceChainOf } from '../../protocols/chain-history.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { sealMessage } from '../../protocols/envelope.ts'
import { checkEvidence, encodeEvidence } from '../../protocols/evidence.ts'
import { EVIDENCE_BYTES } from '../../protocols/limits.ts'
import {
  Decision,
  Envelope,
  Evidence,
  NewView,
  Proposal,
  type UnmaskBundle
} from '../../protocols/messages.js'
import { testRun } from '../support/chains.ts'
import {
  badSecret,
  bundleWith,
  check,
  crypto,
  culprit,
  dealt,
  decided,
  everyKind,
  firstRound,
  header,
  link,
  members,
  open,
  openContext,
  other,
  otherResult,
  pair,
  proposal,
  resultContext,
  rosterContext,
  run,
  said,
  signed,
  t,
  tip,
  vote,
  wrongShare
} from '../support/evidence-cases.ts'

const reasonOf = (bytes: Uint8Array): string => {
  const verdict = check(bytes)
  return verdict.holds ? `holds: ${verdict.evidence.what}` : verdict.reason
}

const newView = (view: number, prepared?: number, votes = 0) =>
  signed(
    'new-view',
    NewView.encode({
      subject: 'survivors',
      view,
      ...(prepared === undefined
        ? {}
        : {
            prepared: {
              kind: 'prepare',
              subject: 'survivors',
              view: prepared,
              valueHash: crypto.sha256(Uint8Array.of(prepared)),
              signatures: Array.from({ length: votes }, (_, index) => ({
                index,
                signature: new Uint8Array(64)
              }))
            }
          })
    })
  )

describe('evidence', () => {
  for (const [kind, what, bytes] of everyKind)
    it(`of kind ${kind} (${what}) blames its culprit alone`, () => {
      const verdict = check(bytes)
      expect(verdict, reasonOf(bytes)).to.have.property('holds', true)
      if (verdict.holds) {
        expect(verdict.evidence).to.include({ kind, culprit: culprit.id, round: 0, attempt: 0 })
        expect(verdict.evidence.hash).to.deep.equal(crypto.sha256(bytes))
      }
    })

  for (const [kind, what, bytes] of everyKind)
    it(`of kind ${kind} (${what}) is refused with any one byte changed`, () => {
      for (let at = 0; at < bytes.length; at++) {
        const altered = bytes.with(at, bytes[at]! ^ (1 << (at % 8)))
        expect(check(altered).holds, `byte ${at} of ${bytes.length}`).to.equal(false)
      }
    })

  it('is refused if it is not evidence at all, is too long, or carries more than it needs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => !check(bytes).holds),
      { numRuns: 300 }
    )
    expect(reasonOf(new Uint8Array(EVIDENCE_BYTES + 1))).to.match(/longer than/)
    for (const [, , bytes] of everyKind) {
      const evidence = Evidence.decode(bytes)
      const message = evidence.messages[0]!
      expect(reasonOf(Evidence.encode({ ...evidence, messages: [] }))).to.equal('no message')
      const tripled = Evidence.encode({ ...evidence, messages: [message, message, message] })
      expect(reasonOf(tripled)).to.equal('too much of it')
      const more = { ...evidence, secret: 'seed', revealed: [{ index: 9, share: new Uint8Array(32) }] }
      expect(check(Evidence.encode(more)).holds).to.equal(false)
    }
  })

  it('of another run is refused', () => {
    const elsewhere = testRun(6)
    const context = { ...rosterContext, run: elsewhere.run.id }
    const [a, b] = [1, 2].map(value => signed('masked-input', header(value).payload, context))
    expect(reasonOf(pair(a!, b!))).to.equal('a message of another run')
    const base = { ...rosterContext, baseModel: crypto.sha256(rosterContext.baseModel) }
    const [c, d] = [1, 2].map(value => signed('masked-input', header(value).payload, base))
    expect(reasonOf(pair(c!, d!))).to.equal('a message of another run')
  })
})

describe('two messages of one member', () => {
  const contradictions: Array<[string, SignedMessage, SignedMessage]> = [
    ...(['advertise-keys', 'share-keys', 'masked-input', 'unmask-bundle', 'attestation'] as const).map(
      type =>
        [type, signed(type, Uint8Array.of(1)), signed(type, Uint8Array.of(2))] as [
          string,
          SignedMessage,
          SignedMessage
        ]
    ),
    ['prepare votes', vote('prepare', 3, 1), vote('prepare', 3, 2)],
    ['commit votes', vote('commit', 3, 1), vote('commit', 3, 2)],
    ['proposals', proposal(decided('survivors')), proposal(decided('shares'))],
    ['new-views', newView(2, 0), newView(2)],
    [
      'reconfigurations after one link, of whatever roster',
      signed('reconfiguration', crypto.sha256(link), openContext),
      signed('reconfiguration', crypto.sha256(otherResult), rosterContext)
    ],
    ['a commit vote and a later new-view without its lock', vote('commit', 3, 1), newView(4)],
    ['a commit vote and a later new-view with an older lock', vote('commit', 3, 1), newView(5, 2)],
    ['a new-view and a later one with an older lock', newView(3, 2), newView(4, 1)],
    ['a new-view and a later one without a lock', newView(3, 0), newView(4)]
  ]
  for (const [what, a, b] of contradictions)
    it(`contradict each other: ${what}`, () => {
      const verdict = check(pair(a, b))
      expect(verdict.holds, reasonOf(pair(a, b))).to.equal(true)
      expect(check(pair(b, a))).to.deep.equal(verdict)
    })

  const compatible: Array<[string, SignedMessage, SignedMessage]> = [
    ['share-acks may grow', signed('share-ack', Uint8Array.of(1)), signed('share-ack', Uint8Array.of(2))],
    ['inventories may grow', signed('inventory', Uint8Array.of(1)), signed('inventory', Uint8Array.of(2))],
    ['tips move on', signed('tip', Uint8Array.of(1)), signed('tip', Uint8Array.of(2))],
    [
      'registrations move on',
      signed('registration', Uint8Array.of(1)),
      signed('registration', Uint8Array.of(2))
    ],
    [
      'certificates are passed on',
      signed('certificate', Uint8Array.of(1)),
      signed('certificate', Uint8Array.of(2))
    ],
    ['another view', vote('prepare', 3, 1), vote('prepare', 4, 2)],
    ['another subject', vote('prepare', 3, 1), vote('prepare', 3, 2, 'shares')],
    ['a prepare vote for one value, a commit vote for another', vote('prepare', 3, 1), vote('commit', 3, 2)],
    [
      'another attempt',
      header(1),
      signed('masked-input', header(2).payload, { ...rosterContext, attempt: 1 })
    ],
    ['another roster', header(1), signed('masked-input', header(2).payload, openContext)],
    ['another member', header(1), signed('masked-input', header(2).payload, rosterContext, other)],
    ['other votes for the same lock', newView(2, 0, 3), newView(2, 0, 4)],
    ['a lock that rises', newView(3, 1), newView(4, 2)],
    ['a commit vote after a new-view of an earlier view', newView(2), vote('commit', 2, 1)],
    ['a new-view with the lock of the commit vote', vote('commit', 3, 1), newView(4, 3)],
    [
      'other new-views under the same proposal',
      proposal(link),
      signed(
        'proposal',
        Proposal.encode({
          subject: 'survivors',
          view: 0,
          decision: link,
          newViews: [Envelope.decode(newView(1).bytes)]
        })
      )
    ],
    [
      'reconfigurations after different links',
      signed('reconfiguration', crypto.sha256(link)),
      signed('reconfiguration', crypto.sha256(otherResult), { ...rosterContext, previousLink: tip.linkHash })
    ]
  ]
  for (const [what, a, b] of compatible)
    it(`do not: ${what}`, () => {
      expect(reasonOf(pair(a, b))).to.equal('its messages do not contradict each other')
    })

  it('are one pair in one order only, and not one message twice', () => {
    const [a, b] = Evidence.decode(pair(header(1), header(2))).messages.map(open)
    const swapped = Evidence.decode(pair(a!, b!))
    const reversed = Evidence.encode({ ...swapped, messages: swapped.messages.toReversed() })
    expect(reasonOf(reversed)).to.equal('its messages are not in order')
    expect(reasonOf(pair(header(1), header(1)))).to.equal('its messages are not in order')
  })

  it('of an honest round never do', () => {
    const mine = firstRound.filter(({ sender }) => sender === culprit.id)
    expect(mine.length).to.be.above(8)
    for (const a of mine)
      for (const b of mine)
        if (a.hash.join() !== b.hash.join()) expect(check(pair(a, b)).holds).to.equal(false)
  })
})

describe('a released share', () => {
  it('is no evidence if it is right, or left empty', () => {
    const right = said('unmask-bundle', culprit.id)
    expect(reasonOf(wrongShare(right))).to.equal('its share matches what was dealt')
    const withheld = bundleWith(({ seedShares }) => ({ seedShares: seedShares.map(() => new Uint8Array()) }))
    expect(reasonOf(wrongShare(withheld))).to.equal('its share matches what was dealt')
    for (const message of [right, withheld]) {
      const alone = encodeEvidence('wrong-share', [message])
      expect(reasonOf(alone)).to.equal('its bundle does not contradict itself')
    }
  })

  it('is compared with nothing but the shares and the roster that its sender named', () => {
    const wrong = bundleWith(({ seedShares }) => ({ seedShares: seedShares.map(() => new Uint8Array(32)) }))
    expect(reasonOf(wrongShare(wrong))).to.match(/^holds: an unmasking bundle with a wrong share/)
    expect(reasonOf(wrongShare(wrong, other.id, { roster: decided('shares') }))).to.match(/another roster/)
    expect(reasonOf(wrongShare(wrong, other.id, { shares: decided('roster') }))).to.match(/another U2/)
    // A dealer that signs other hashes afterwards, to blame those who hold what it dealt before.
    const later = sealMessage(
      'share-keys',
      rosterContext,
      said('share-keys', culprit.id).payload,
      other.signer,
      crypto
    )
    const framed = encodeEvidence('wrong-share', [said('unmask-bundle', culprit.id), later], {
      roster: decided('roster'),
      shares: decided('shares')
    })
    expect(reasonOf(framed)).to.equal('its ShareKeys message is not the one in U2')
  })

  it('that comes with too few places, out of order, or of another length is evidence by itself', () => {
    for (const change of [
      ({ seedShares }: UnmaskBundle) => ({ seedShares: seedShares.slice(1) }),
      ({ keyShares }: UnmaskBundle) => ({ keyShares: [...keyShares, new Uint8Array(32)] }),
      ({ seedDealers }: UnmaskBundle) => ({ seedDealers: seedDealers.toReversed() }),
      ({ seedShares }: UnmaskBundle) => ({ seedShares: seedShares.with(0, new Uint8Array(31)) })
    ])
      expect(reasonOf(encodeEvidence('wrong-share', [bundleWith(change)]))).to.match(
        /^holds: an unmasking bundle/
      )
  })
})

describe('shares that match their hashes', () => {
  it('blame nobody if they give the secret that was committed to', () => {
    for (const secret of ['seed', 'key'] as const)
      expect(reasonOf(badSecret(secret, true))).to.equal('its shares give the secret that was committed to')
  })

  it('must be exactly as many as the cohort on the chain makes the threshold: fewer give anything', () => {
    expect(reasonOf(badSecret('seed', true, t - 1))).to.equal(`it takes ${t} shares, not ${t - 1}`)
    expect(reasonOf(badSecret('seed', false, t + 1))).to.equal(`it takes ${t} shares, not ${t + 1}`)
    const { message, parts } = dealt('seed', false)
    const stranger = signed('share-keys', message.payload, {
      ...message.context,
      previousLink: crypto.sha256(message.bytes)
    })
    const verdict = check(encodeEvidence('bad-secret', [stranger], parts))
    expect(verdict).to.include({ holds: false, later: true })
  })

  it('must be those of its own roster', () => {
    const { message, parts } = dealt('seed', false)
    const elsewhere = encodeEvidence('bad-secret', [message], { ...parts, roster: decided('roster') })
    expect(reasonOf(elsewhere)).to.equal('it has another roster')
    const one = parts.revealed.with(0, { index: 4, share: parts.revealed[0]!.share })
    expect(reasonOf(encodeEvidence('bad-secret', [message], { ...parts, revealed: one }))).to.match(
      /share 4 does not match|not in order/
    )
  })
})

describe('a word on the result', () => {
  const word = (decision: Uint8Array, context = resultContext) =>
    encodeEvidence('wrong-result', [proposal(decision, 'result', context)], { link })

  it('is no evidence if it is the certified result, or says LOST', () => {
    expect(reasonOf(word(link))).to.equal('it is the result that the chain has')
    const lost = Decision.encode({ link: { ...Decision.decode(link).link!, kind: 'lost' } })
    expect(reasonOf(word(lost))).to.equal('only results can be compared')
  })

  it('is compared with a link of the chain, of its own attempt', () => {
    const made = encodeEvidence('wrong-result', [proposal(link, 'result', resultContext)], {
      link: otherResult
    })
    expect(check(made)).to.include({ holds: false, later: true })
    expect(reasonOf(word(otherResult, { ...resultContext, attempt: 1 }))).to.match(/of another attempt/)
    expect(reasonOf(word(otherResult, openContext))).to.match(/of another attempt/)
  })

  it('must be one, and a vote must be for the value that is shown', () => {
    const inShares = encodeEvidence('wrong-result', [proposal(otherResult, 'shares', resultContext)], {
      link
    })
    expect(reasonOf(inShares)).to.equal('it is not about the result')
    const elsewhere = signed('commit', votePayload('result', 0, crypto.sha256(link)), resultContext)
    expect(reasonOf(encodeEvidence('wrong-result', [elsewhere], { link, decision: otherResult }))).to.equal(
      'the vote is for another value'
    )
  })

  it('is no evidence where a committee verifies: the others take its word', () => {
    const holdsWith = (verifiers: number): boolean => {
      const { manifest } = run
      const verified = { ...run, manifest: { ...manifest, secureSum: { ...manifest.secureSum, verifiers } } }
      return checkEvidence(word(otherResult), verified, evidenceChainOf(tip, run, crypto), crypto).holds
    }
    expect(holdsWith(members.length - 1)).to.equal(false)
    expect(holdsWith(members.length)).to.equal(true)
  })
})
