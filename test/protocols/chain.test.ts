import { expect } from 'chai'
import { createRunContext } from '../../node/peer/round-encoding.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { contextOfLink, extendChain, foundChain, linkHashOf } from '../../protocols/chain.ts'
import { cohortAt } from '../../protocols/chain-cohorts.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { PROTOCOL_VERSION, sealMessage, ZERO_HASH } from '../../protocols/envelope.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { nextMembers } from '../../protocols/member-list.ts'
import {
  CertifiedLink,
  Decision,
  Envelope,
  Founding,
  type LinkBody,
  Registration
} from '../../protocols/messages.js'
import { leastCohortOf } from '../../protocols/pause.ts'
import { toHex } from '../support/bytes.ts'
import {
  certify,
  certifyLink,
  linkAfter,
  standDownsAt,
  testDeadlines,
  testMember,
  testRun
} from '../support/chains.ts'
import { RoundCluster } from '../support/round-cluster.ts'

const test = testRun(4)
const { run, crypto, members, author, tip } = test
const ids = members.map(({ id }) => id)
const someHash = crypto.sha256(Uint8Array.of(7))

/** The reason for which a link is refused, or `taken`. */
function verdict(bytes: Uint8Array, at: ChainTip = tip): string {
  try {
    extendChain(at, bytes, run, crypto)
    return 'taken'
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError)
    const { code, data } = error as ProtocolError
    expect(code).to.be.oneOf(['BAD_LINK', 'BAD_MESSAGE'])
    return String(data['reason'])
  }
}

describe('a chain', () => {
  it('grows by results, losses and aborts, each leading to its next round or attempt', () => {
    const result = certifyLink(test, tip, 'result', someHash)
    expect(result.tip).to.deep.include({
      ...{
        height: 1,
        round: 1,
        attempt: 0,
        completedRounds: 1,
        stateHash: someHash,
        members: ids,
        silent: []
      },
      beacon: linkAfter(test, tip, 'result').beacon
    })
    const abort = certifyLink(test, result.tip, 'abort')
    expect(abort.tip).to.deep.include({
      height: 2,
      round: 1,
      attempt: 1,
      completedRounds: 1,
      stateHash: someHash
    })
    const lost = certifyLink(test, abort.tip, 'lost')
    expect(lost.tip).to.deep.include({
      height: 3,
      round: 2,
      attempt: 0,
      completedRounds: 1,
      stateHash: someHash
    })
    const beacons = [tip, result.tip, abort.tip, lost.tip].map(({ beacon }) => toHex(beacon))
    expect(new Set(beacons).size).to.equal(4)
    expect(lost.tip.recentLinks).to.deep.equal([lost, abort, result].map(({ tip }) => tip.linkHash))
  })

  it('of a whole run is checked from the manifest alone', () => {
    const made = testRun(4, { rounds: 2, deadlines: testDeadlines })
    const cluster = new RoundCluster(made, { seed: 1 }).start()
    expect(cluster.finish()).to.equal(true)
    const { links, founding, stateHash } = cluster.alive[0]!
    const { manifest, layout, initialAdapter } = made
    const fresh = createRunContext(manifest, manifest.model.sha256, layout, initialAdapter, nodeCrypto())
    let at = foundChain(founding!, fresh, nodeCrypto())
    for (const link of links) at = extendChain(at, link, fresh, nodeCrypto()).tip
    expect(at).to.deep.include({ height: 2, completedRounds: 2 })
    expect(toHex(at.stateHash)).to.equal(stateHash)
    // The same links do not fit a run that differs in one word.
    const other = createRunContext(
      { ...manifest, name: 'b test run' },
      ...([manifest.model.sha256, layout, initialAdapter, nodeCrypto()] as const)
    )
    expect(() => foundChain(founding!, other, nodeCrypto())).to.throw(ProtocolError, 'another run')
  })

  it('has one link, however many sets of signatures it has', () => {
    const link = linkAfter(test, tip, 'result', someHash)
    const [a, b] = [ids.slice(0, 3), ids.slice(1)].map(signers => certify(test, link, { signers }))
    expect(a).to.not.deep.equal(b)
    expect(extendChain(tip, a!, run, crypto).tip).to.deep.equal(extendChain(tip, b!, run, crypto).tip)
    expect(extendChain(tip, a!, run, crypto).tip.linkHash).to.deep.equal(
      linkHashOf(CertifiedLink.decode(a!).decision, crypto)
    )
  })
})

describe('a tampered link', () => {
  const link = linkAfter(test, tip, 'result', someHash)
  const bytes = certify(test, link)
  const { certificate } = CertifiedLink.decode(bytes)
  /** Another value of every field. */
  const changes: { [K in keyof Required<LinkBody>]: LinkBody[K] } = {
    admissions: [{ peer: ids[0]! }],
    orders: [Envelope.decode(test.founding)],
    height: 2,
    kind: 'lost',
    run: someHash,
    previous: someHash,
    round: 1,
    attempt: 1,
    cohort: ids.slice(1),
    rosterHash: ZERO_HASH,
    encodingHash: someHash,
    survivors: link.survivors.slice(1),
    members: ids.slice(1),
    stateHash: ZERO_HASH,
    beacon: someHash,
    completedRounds: 2,
    weightSum: 5,
    meanLoss: 2.4375,
    epsilonSpent: 1,
    expulsions: [{ peer: ids[0]!, kind: 'equivocation', evidenceHash: someHash }],
    reason: 'not-opened',
    children: [someHash],
    node: '1/0'
  }

  it('is refused, whichever field is changed', () => {
    expect(verdict(bytes)).to.equal('taken')
    expect(Object.keys(changes)).to.have.members([...Object.keys(link), 'node'])
    for (const [field, value] of Object.entries(changes)) {
      const decision = Decision.encode({ link: { ...link, [field]: value } })
      expect(verdict(CertifiedLink.encode({ decision, certificate: certificate! })), field).to.match(
        /certificate is for something else/
      )
      // With the hash put right too, the signatures are for something else.
      const forged = { ...certificate!, valueHash: crypto.sha256(decision) }
      expect(verdict(CertifiedLink.encode({ decision, certificate: forged })), field).to.not.equal('taken')
    }
  })

  it('is refused if its body does not follow from the chain, though a quorum signed it', () => {
    const wrong: Array<[keyof LinkBody, unknown, RegExp]> = [
      ['kind', 'gift', /unknown kind gift/],
      ['run', someHash, /another run/],
      ['height', 2, /does not follow/],
      ['previous', someHash, /does not follow/],
      ['round', 1, /another round/],
      ['attempt', 1, /another round/],
      ['members', [...ids].reverse(), /member list is malformed/],
      ['members', [ids[0], ...ids], /member list is malformed/],
      ['members', ['nobody'], /member list is malformed/],
      ['cohort', ids.slice(1), /not the one that the chain fixed/],
      ['cohort', [...ids].reverse(), /not the one that the chain fixed/],
      ['encodingHash', someHash, /another encoding/],
      ['rosterHash', new Uint8Array(31), /rosterHash has 31 bytes/],
      ['stateHash', new Uint8Array(), /stateHash has 0 bytes/],
      ['beacon', new Uint8Array(), /beacon has 0 bytes/],
      ['completedRounds', 0, /completed rounds wrongly/],
      ['completedRounds', 2, /completed rounds wrongly/]
    ]
    for (const [field, value, reason] of wrong) {
      const changed = { ...link, [field]: value } as LinkBody
      expect(
        verdict(certify(test, changed, { subject: 'result', signers: changed.cohort.slice(0, 3) })),
        field
      ).to.match(reason)
    }
    for (const kind of ['abort', 'lost'] as const) {
      const changed = linkAfter(test, tip, kind, someHash)
      expect(verdict(certify(test, changed)), kind).to.match(/must leave the state as it was/)
      const counted = { ...linkAfter(test, tip, kind), completedRounds: 1 }
      expect(verdict(certify(test, counted)), kind).to.match(/completed rounds wrongly/)
    }
  })

  it('is refused with a signature broken, missing, twice, by a stranger, of a prepare vote or another view', () => {
    certificate!.signatures.forEach((_, at) => {
      const signatures = certificate!.signatures.map((vote, i) =>
        i === at
          ? { ...vote, signature: vote.signature.map((byte, k) => (k === 40 ? byte ^ 4 : byte)) }
          : vote
      )
      const forged = { ...certificate!, signatures }
      expect(
        verdict(CertifiedLink.encode({ decision: Decision.encode({ link }), certificate: forged }))
      ).to.match(/does not hold/)
    })
    const [a, b, c, d] = ids as [string, string, string, string]
    expect(verdict(certify(test, link, { signers: [a, b] }))).to.match(/does not hold/)
    expect(verdict(certify(test, link, { signers: [a, b, b] }))).to.match(/does not hold/)
    expect(verdict(certify(test, link, { signers: [b, a, c] }))).to.match(/does not hold/)
    expect(verdict(certify(test, link, { signers: [a, b, c, d] }))).to.equal('taken')
    expect(verdict(certify(test, link, { vote: 'prepare' }))).to.match(/does not hold/)
    const moved = { ...certificate!, view: 1 }
    expect(
      verdict(CertifiedLink.encode({ decision: Decision.encode({ link }), certificate: moved }))
    ).to.match(/does not hold/)
    expect(verdict(certify(test, link, { view: 3 }))).to.equal('taken')
  })

  it('is refused if it was decided as another kind of question', () => {
    expect(verdict(certify(test, link, { subject: 'survivors' }))).to.match(/a result decided as survivors/)
    const abort = linkAfter(test, tip, 'abort')
    expect(verdict(certify(test, abort, { subject: 'result' }))).to.match(/an? abort decided as result/)
    const ofRoster = { ...abort, reason: 'too-few-keys' }
    expect(verdict(certify(test, ofRoster, { subject: 'roster' }))).to.equal('taken')
    expect(verdict(certify(test, abort, { subject: 'roster' }))).to.match(/for another reason/)
  })

  it('is refused after another chain, and a second time', () => {
    const next = certifyLink(test, tip, 'result', someHash)
    expect(verdict(bytes, next.tip)).to.match(/does not follow/)
    const fork = certifyLink(test, tip, 'abort')
    const onFork = certify(test, linkAfter(test, next.tip, 'result', someHash))
    expect(verdict(onFork, fork.tip)).to.match(/does not follow/)
  })

  it('is refused as bytes that are no link, or none in canonical form', () => {
    expect(verdict(new Uint8Array())).to.not.equal('taken')
    expect(verdict(Uint8Array.of(1, 2, 3))).to.match(/does not decode/)
    expect(verdict(Uint8Array.of(...bytes, 0x7a, 1, 0))).to.match(/not canonical/)
    const roster = Decision.encode({ roster: { proposer: 0, advertised: [] } })
    expect(verdict(CertifiedLink.encode({ decision: roster, certificate: certificate! }))).to.match(/no link/)
  })
})

describe('a reconfiguration', () => {
  const newcomer = testMember(50)
  const list = [...ids.slice(1), newcomer.id].sort()
  const signedBy = (
    who: typeof author,
    part: Partial<LinkBody> = {},
    type: 'reconfiguration' | 'commit' = 'reconfiguration'
  ) => {
    const link = { ...linkAfter(test, tip, 'reconfiguration'), members: list, ...part }
    const decision = Decision.encode({ link })
    const valueHash = crypto.sha256(decision)
    const { signature } = sealMessage(type, contextOfLink(link, run), valueHash, who.signer, crypto)
    const certificate = {
      kind: 'author',
      subject: '',
      view: 0,
      valueHash,
      signatures: [{ index: 0, signature }]
    }
    const standDowns = standDownsAt(test, tip, 2).map(({ bytes }) => Envelope.decode(bytes))
    return CertifiedLink.encode({ decision, certificate, standDowns })
  }

  it('signed by the author changes the members and nothing else', () => {
    const { tip: after } = extendChain(tip, signedBy(author), run, crypto)
    expect(after).to.deep.include({
      ...{ height: 1, round: 0, attempt: 1, members: list, completedRounds: 0, stateHash: tip.stateHash }
    })
  })

  it('is refused from anyone else, with another state, with rounds that never were', () => {
    expect(verdict(signedBy(members.find(({ id }) => id !== author.id)!))).to.match(
      /must be signed by the author/
    )
    expect(verdict(signedBy(author, {}, 'commit'))).to.match(/must be signed by the author/)
    expect(verdict(signedBy(author, { stateHash: someHash }))).to.match(/must leave the state as it was/)
    expect(verdict(signedBy(author, { completedRounds: 1 }))).to.match(/completed rounds wrongly/)
    const quorum = certify(test, { ...linkAfter(test, tip, 'reconfiguration'), members: list })
    expect(verdict(quorum)).to.match(/must be signed by the author/)
  })
})

describe('a founding list', () => {
  const message = Envelope.decode(test.founding)
  const context = message.context!
  const { registrations } = Founding.decode(message.payload)

  const founded = (
    list: readonly Envelope[],
    by = author,
    type: 'founding' | 'registration' = 'founding',
    at = context
  ) => sealMessage(type, at, Founding.encode({ registrations: [...list] }), by.signer, crypto).bytes
  const registered = (
    part: { afterLink?: Uint8Array; nonce?: Uint8Array; at?: Partial<typeof context> } = {}
  ) => {
    const payload = Registration.encode({
      nonce: part.nonce ?? someHash,
      afterLink: part.afterLink ?? ZERO_HASH
    })
    const { signer } = members[3]!
    return Envelope.decode(
      sealMessage('registration', { ...context, ...part.at }, payload, signer, crypto).bytes
    )
  }
  const refusal = (bytes: Uint8Array, of = run) => {
    try {
      foundChain(bytes, of, crypto)
      return 'taken'
    } catch (error) {
      return `${(error as ProtocolError).code} ${(error as Error).message}`
    }
  }

  it('signed by the author over sorted, fresh registrations is taken', () => {
    expect(refusal(test.founding)).to.equal('taken')
    expect(refusal(founded([...registrations.slice(0, 3), registered()]))).to.equal('taken')
    expect(tip.members).to.deep.equal(ids)
    expect(tip.stateHash).to.deep.equal(run.initialStateHash)
  })

  it('is refused for every other reason, by name', () => {
    const first = registrations.slice(0, 3)
    expect(
      refusal(
        founded(
          registrations,
          members.find(({ id }) => id !== author.id)
        )
      )
    ).to.match(/BAD_LINK.*not by the author/)
    expect(refusal(founded(registrations, author, 'registration'))).to.match(/not a founding list/)
    expect(refusal(founded(first))).to.match(/3 registrations, the manifest asks for 4/)
    expect(refusal(founded([...registrations].reverse()))).to.match(/not sorted/)
    expect(refusal(founded([registrations[0]!, ...registrations]))).to.match(/not sorted or appear twice/)
    expect(refusal(founded([...first, registered({ afterLink: someHash })]))).to.match(/after the founding/)
    expect(refusal(founded([...first, registered({ nonce: new Uint8Array(8) })]))).to.match(
      /BAD_MESSAGE.*nonce/
    )
    expect(refusal(founded([...first, registered({ at: { run: someHash } })]))).to.match(/another run/)
    expect(refusal(founded([...first, registered({ at: { baseModel: someHash } })]))).to.match(
      /another base model/
    )
    const forged = { ...registered(), signature: registrations[0]!.signature }
    expect(refusal(founded([...first, forged]))).to.match(/BAD_SIGNATURE/)
    expect(refusal(founded(registrations, author, 'founding', { ...context, run: someHash }))).to.match(
      /made for another run/
    )
    const listed = { ...run.manifest, admission: { kind: 'list' as const, peers: ids.slice(0, 3) } }
    expect(refusal(test.founding, { ...run, manifest: listed })).to.match(
      /NOT_ADMITTED.*takes listed peers only/
    )
    expect(context.version).to.equal(PROTOCOL_VERSION)
  })
})

describe('the member list', () => {
  const seven = testRun(7)
  const all = seven.members.map(({ id }) => id)
  const silentAt = (silent: readonly string[]): ChainTip => ({ ...seven.tip, silent: [...silent] })

  it('drops who was silent in two links running, and only them', () => {
    const at = silentAt(all.slice(0, 2))
    expect(nextMembers(at, all, all.slice(1), [], 4)).to.deep.equal(all.slice(1))
    expect(nextMembers(at, all, all, [], 4)).to.deep.equal(all)
    // Not in this link's cohort: nobody asked it.
    expect(nextMembers(at, all.slice(1), all.slice(2), [], 4)).to.deep.equal(all.toSpliced(1, 1))
  })

  it('remembers silence from link to link, through aborts, until the peer speaks or is dropped', () => {
    const survivors = all.slice(1).map(peer => ({ peer, address: someHash }))
    const lost = certify(seven, { ...linkAfter(seven, seven.tip, 'lost'), survivors })
    const first = extendChain(seven.tip, lost, seven.run, crypto).tip
    expect(first.silent).to.deep.equal([all[0]])
    const abort = certifyLink(seven, first, 'abort').tip
    expect(abort.silent).to.deep.equal([all[0]])
    expect(certifyLink(seven, abort, 'result').tip.silent).to.deep.equal([])
    const gone = { ...linkAfter(seven, abort, 'result'), survivors, members: all.slice(1) }
    const after = extendChain(abort, certify(seven, gone), seven.run, crypto).tip
    expect(after).to.deep.include({ silent: [], members: all.slice(1) })
    expect(cohortAt(after, seven.run, crypto)).to.deep.equal(all.slice(1))
  })

  it('takes newcomers in, sorted, once', () => {
    const newcomer = testMember(60).id
    expect(nextMembers(seven.tip, all, all, [newcomer, newcomer, all[0]!], 4)).to.deep.equal(
      [...all, newcomer].sort()
    )
  })

  it('never falls below the smallest cohort: who would be dropped then stays, silent or not', () => {
    const at = silentAt(all.slice(0, 5))
    expect(nextMembers(at, all, all.slice(5), [], 4)).to.have.lengthOf(4)
    expect(nextMembers(at, all, all.slice(5), [testMember(60).id], 4)).to.have.lengthOf(4)
    expect(nextMembers(at, all, all.slice(5), [], 7)).to.deep.equal(all)
  })

  it('the smallest cohort is four, three by the flag, and more if more colluders are allowed for', () => {
    const least = (overrides: Record<string, unknown>, count = 16) =>
      leastCohortOf(testRun(count, overrides).manifest)
    expect(least({})).to.equal(4)
    expect(least({ cohort: { founders: 3, allowThree: true } }, 3)).to.equal(3)
    expect(least({ secureSum: { colluders: 1 } })).to.equal(4)
    expect(least({ secureSum: { colluders: 3 } })).to.equal(6)
    expect(least({ secureSum: { colluders: 9 } })).to.equal(15)
  })
})
