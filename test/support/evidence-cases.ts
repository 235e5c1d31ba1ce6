/** Evidence of every kind, made of a round that really ran and of words that a member could sign besides. */
import { splitSecret } from '../../aggregation/shamir.ts'
import { votePayload } from '../../protocols/certificate.ts'
import { contextOfLink } from '../../protocols/chain.ts'
import { evidenceChainOf } from '../../protocols/chain-history.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { type MessageType, openMessage, type SignedMessage, sealMessage } from '../../protocols/envelope.ts'
import { checkEvidence, type EvidenceVerdict, encodeEvidence } from '../../protocols/evidence.ts'
import type { EvidenceKind } from '../../protocols/evidence-kinds.ts'
import {
  AdvertiseKeys,
  CertifiedDecision,
  CertifiedLink,
  type Context,
  Decision,
  Envelope,
  type Evidence,
  Proposal,
  ShareKeys,
  UnmaskBundle
} from '../../protocols/messages.js'
import { type SecretKind, shareHash } from '../../protocols/share-hash.ts'
import { testDeadlines, testRun } from './chains.ts'
import { RoundCluster } from './round-cluster.ts'

export const cluster = new RoundCluster(testRun(5, { rounds: 2, deadlines: testDeadlines }), { seed: 7 })
cluster.start().reach(1)

export const { crypto } = cluster
export const { run, members } = cluster.run
export const [culprit, other] = members as [(typeof members)[0], (typeof members)[0]]
export const tip: ChainTip = cluster.tipOf(cluster.alive[0]!)!

/** t of five. */
export const t = 4

export const firstRound = cluster.wire.filter(({ context }) => context.round === 0)

export function said(type: MessageType, sender?: string): SignedMessage {
  return firstRound.find(
    message => message.type === type && (sender === undefined || message.sender === sender)
  )!
}

export const rosterContext: Context = said('share-keys').context
export const openContext: Context = said('advertise-keys').context

/** Signed by the culprit, unless somebody else is named. */
export function signed(
  type: MessageType,
  payload: Uint8Array,
  context = rosterContext,
  by = culprit
): SignedMessage {
  return sealMessage(type, context, payload, by.signer, crypto)
}

/** What was decided in the first round, encoded. */
export function decided(subject: 'roster' | 'shares' | 'survivors'): Uint8Array {
  return firstRound
    .filter(({ type }) => type === 'certificate')
    .map(({ payload }) => CertifiedDecision.decode(payload))
    .find(({ certificate }) => certificate!.kind === 'commit' && certificate!.subject === subject)!.decision
}

/** The first round's link, encoded as a decision. */
export const link = CertifiedLink.decode(cluster.alive[0]!.links[0]!).decision

/** Another result than that, as a decision. */
export const otherResult = Decision.encode({
  link: { ...Decision.decode(link).link!, stateHash: crypto.sha256(link) }
})

export const resultContext: Context = contextOfLink(Decision.decode(link).link!, run)

export const vote = (type: 'prepare' | 'commit', view: number, value: number, subject = 'survivors') =>
  signed(type, votePayload(subject, view, crypto.sha256(Uint8Array.of(value))))

export const proposal = (decision: Uint8Array, subject = 'survivors', context = rosterContext, view = 0) =>
  signed('proposal', Proposal.encode({ subject, view, decision, newViews: [] }), context)

/** A bundle of the culprit's with some of it changed. */
export function bundleWith(change: (bundle: UnmaskBundle) => Partial<UnmaskBundle>): SignedMessage {
  const bundle = UnmaskBundle.decode(said('unmask-bundle', culprit.id).payload)
  return signed('unmask-bundle', UnmaskBundle.encode({ ...bundle, ...change(bundle) }))
}

/** @param bundle - with a wrong share of the dealer's seed */
export const wrongShare = (bundle: SignedMessage, dealer = other.id, parts: Partial<Evidence> = {}) =>
  encodeEvidence('wrong-share', [bundle, said('share-keys', dealer)], {
    roster: decided('roster'),
    shares: decided('shares'),
    ...parts
  })

/** Shares that the culprit dealt in an attempt that nobody else took part in: of a secret, and what it advertised for it. */
export function dealt(secret: SecretKind, isHonest: boolean, count = t) {
  const value = new Uint8Array(32).fill(9)
  const advertised = signed(
    'advertise-keys',
    AdvertiseKeys.encode({
      maskKey: crypto.x25519PublicKey(isHonest ? value : new Uint8Array(32).fill(8)),
      encryptionKey: crypto.x25519PublicKey(new Uint8Array(32).fill(7)),
      selfSeedHash: crypto.sha256(isHonest ? value : new Uint8Array(32).fill(8))
    }),
    openContext
  )
  const advertisedBy = members.map(({ id }) =>
    Envelope.decode((id === culprit.id ? advertised : said('advertise-keys', id)).bytes)
  )
  const roster = Decision.encode({ roster: { proposer: 0, advertised: advertisedBy } })
  const shares = splitSecret(value, members.length, t, length => new Uint8Array(length).fill(3))
  const message = signed(
    'share-keys',
    ShareKeys.encode({
      shares: shares.map((share, index) => ({
        sealed: new Uint8Array(80),
        seedShareHash: shareHash('seed', culprit.id, index, share, crypto),
        keyShareHash: shareHash('key', culprit.id, index, share, crypto)
      }))
    }),
    { ...rosterContext, rosterHash: crypto.sha256(roster) }
  )
  const revealed = shares.map((share, index) => ({ index, share })).slice(0, count)
  return { message, parts: { roster, secret, revealed } }
}

export const badSecret = (secret: SecretKind, isHonest = false, count = t): Uint8Array => {
  const { message, parts } = dealt(secret, isHonest, count)
  return encodeEvidence('bad-secret', [message], parts)
}

export const pair = (a: SignedMessage, b: SignedMessage): Uint8Array => encodeEvidence('equivocation', [a, b])

export function check(bytes: Uint8Array, at: ChainTip = tip): EvidenceVerdict {
  return checkEvidence(bytes, run, evidenceChainOf(at, run, crypto), crypto)
}

/** One of every kind that holds. */
export const everyKind: Array<readonly [EvidenceKind, string, Uint8Array]> = [
  ['equivocation', 'two headers', pair(header(1), header(2))],
  ['wrong-share', 'a share that was not dealt', wrongShare(withWrongSeedShare())],
  ['wrong-share', 'both shares of one dealer', encodeEvidence('wrong-share', [withBothShares()])],
  ['bad-secret', 'another self-mask seed', badSecret('seed')],
  ['bad-secret', 'another mask key', badSecret('key')],
  [
    'wrong-result',
    'a proposal',
    encodeEvidence('wrong-result', [proposal(otherResult, 'result', resultContext)], { link })
  ],
  ['wrong-result', 'a vote', wrongVote()]
]

export function header(value: number): SignedMessage {
  return signed('masked-input', said('masked-input').payload.with(-1, value))
}

function withWrongSeedShare(): SignedMessage {
  return bundleWith(({ seedShares }) => ({
    seedShares: seedShares.map((_, i) => new Uint8Array(32).fill(i))
  }))
}

function withBothShares(): SignedMessage {
  return bundleWith(({ seedShares, seedDealers }) => ({
    keyShares: [seedShares[0]!],
    keyDealers: [seedDealers[0]!]
  }))
}

function wrongVote(): Uint8Array {
  const message = signed('prepare', votePayload('result', 0, crypto.sha256(otherResult)), resultContext)
  return encodeEvidence('wrong-result', [message], { link, decision: otherResult })
}

export function open(envelope: Envelope): SignedMessage {
  return openMessage(Envelope.encode(envelope), crypto)
}
