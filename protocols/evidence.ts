/**
 * Evidence that a member broke the protocol: messages that it signed and that no honest member signs. Whoever has the
 * run's manifest and its chain can check it without trusting whoever shows it.
 *
 * | kind | messages | other fields | blames |
 * | --- | --- | --- | --- |
 * | equivocation | a pair that contradicts itself (contradictions.ts), by hash | | their sender |
 * | wrong-share | an unmasking bundle that contradicts itself | | its sender |
 * | wrong-share | a bundle, and the ShareKeys whose hash one of its shares does not match | roster, shares | the bundle's sender |
 * | bad-secret | a ShareKeys, of which t revealed shares match and give another secret | roster, secret, revealed | the dealer |
 * | wrong-result | a proposal of, or a vote for, another result than the chain has, which everyone verified | decision (of a vote), link | its sender |
 *
 * Not evidence: a share that is withheld, a share that does not open, garbage within a masked input, silence.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { recoverSecret } from '../aggregation/shamir.ts'
import { contextOfLink, linkHashOf } from './chain.ts'
import type { RunContext } from './chain-tip.ts'
import { decodeCanonical, equalBytes } from './codec.ts'
import { contradictionOf, utteranceOf } from './contradictions.ts'
import { openMessage, type SignedMessage, ZERO_HASH } from './envelope.ts'
import { ProtocolError } from './errors.ts'
import { type EvidenceKind, isEvidenceKind } from './evidence-kinds.ts'
import { COHORT_MAX, EVIDENCE_BYTES } from './limits.ts'
import {
  AdvertiseKeys,
  Context,
  Decision,
  Envelope,
  Evidence,
  type LinkBody,
  Proposal,
  ShareKeys,
  UnmaskBundle,
  Vote
} from './messages.js'
import { peerIdOf } from './peer-id.ts'
import type { PeerId } from './ports.ts'
import { quorumOf } from './quorum.ts'
import { type SecretKind, shareHash } from './share-hash.ts'

export type EvidenceRun = Pick<RunContext, 'id' | 'baseModel' | 'manifest'>

/** What of the chain some kinds rest on. */
export interface EvidenceChain {
  /** The cohort of a member in the attempt that follows a link; null if that is not on the chain, or too long ago. */
  cohortAfter(link: Uint8Array, member: PeerId): readonly PeerId[] | null
  /** True if a link of this hash is on the chain; false also if it is too long ago to be known. */
  has(link: Uint8Array): boolean
}

export interface CheckedEvidence {
  readonly culprit: PeerId
  readonly kind: EvidenceKind
  /** What it did, in words. */
  readonly what: string
  readonly round: number
  readonly attempt: number
  /** SHA-256 of `bytes`: what an expulsion names. */
  readonly hash: Uint8Array
  readonly bytes: Uint8Array
}

export type EvidenceVerdict =
  | { readonly holds: true; readonly evidence: CheckedEvidence }
  /** `later`: it may hold for those whose chain is longer. */
  | { readonly holds: false; readonly reason: string; readonly later: boolean }

/** @param bytes - an encoded Evidence, from anybody */
export function checkEvidence(
  bytes: Uint8Array,
  run: EvidenceRun,
  chain: EvidenceChain,
  crypto: CryptoSuite
): EvidenceVerdict {
  if (bytes.length > EVIDENCE_BYTES)
    return { holds: false, reason: `longer than ${EVIDENCE_BYTES} bytes`, later: false }
  try {
    const evidence = decodeCanonical(Evidence, bytes, 'evidence')
    const { kind } = evidence
    if (!isEvidenceKind(kind)) throw failed(`unknown kind ${kind.slice(0, 32)}`)
    if (evidence.messages.length > 2 || evidence.revealed.length > COHORT_MAX) throw failed('too much of it')
    const messages = evidence.messages.map(envelope => openOfRun(envelope, run, crypto))
    const first = messages[0]
    if (first === undefined) throw failed('no message')
    const what = checks[kind]({ evidence, messages, first, run, chain, crypto })
    const { round, attempt } = first.context
    const hash = crypto.sha256(bytes)
    return { holds: true, evidence: { culprit: first.sender, kind, what, round, attempt, hash, bytes } }
  } catch (error) {
    const later = error instanceof ProtocolError && error.data['later'] === true
    return { holds: false, reason: error instanceof Error ? error.message : String(error), later }
  }
}

interface Case {
  readonly evidence: Evidence
  readonly messages: readonly SignedMessage[]
  readonly first: SignedMessage
  readonly run: EvidenceRun
  readonly chain: EvidenceChain
  readonly crypto: CryptoSuite
}

/** Each returns what the sender of the first message did. @throws Error if it does not follow */
const checks: Record<EvidenceKind, (of: Case) => string> = {
  equivocation({ evidence, messages, crypto }) {
    onlyFields(evidence, [])
    const [a, b] = messages
    if (a === undefined || b === undefined) throw failed('an equivocation takes two messages')
    if (toOrder(a.hash, b.hash) >= 0) throw failed('its messages are not in order')
    const [one, other] = [utteranceOf(a, crypto), utteranceOf(b, crypto)]
    const what = one === null || other === null ? null : contradictionOf(one, other)
    if (what === null) throw failed('its messages do not contradict each other')
    return what
  },

  'wrong-share'({ evidence, messages, first, crypto }) {
    if (first.type !== 'unmask-bundle') throw failed('it does not begin with an unmasking bundle')
    const bundle = decodeCanonical(UnmaskBundle, first.payload, 'unmasking bundle')
    const [, dealt] = messages
    if (dealt === undefined) {
      onlyFields(evidence, [])
      const fault = bundleFault(bundle)
      if (fault === null) throw failed('its bundle does not contradict itself')
      return `an unmasking bundle ${fault}`
    }
    onlyFields(evidence, ['roster', 'shares'])
    const roster = rosterOf(evidence.roster, first.context, crypto)
    if (!equalBytes(crypto.sha256(evidence.shares), bundle.sharesHash))
      throw failed('its bundle is for another U2')
    const { shares: u2 } = decodeCanonical(Decision, evidence.shares, 'decision')
    const dealer = roster.peers.indexOf(dealt.sender)
    const decided = u2?.dealers.find(({ index }) => index === dealer)
    if (decided === undefined || !equalBytes(decided.hash, dealt.hash))
      throw failed('its ShareKeys message is not the one in U2')
    return wrongShareIn(bundle, roster.peers.indexOf(first.sender), dealer, dealt, crypto)
  },

  'bad-secret'({ evidence, messages, first, chain, crypto }) {
    onlyFields(evidence, ['roster', 'secret', 'revealed'])
    const { secret, revealed } = evidence
    if (messages.length !== 1) throw failed('it takes one message')
    if (secret !== 'seed' && secret !== 'key') throw failed('it names no secret')
    const cohort = chain.cohortAfter(first.context.previousLink, first.sender)
    if (cohort === null) throw notOnChain('its round is not on the chain, or too long ago')
    const threshold = quorumOf(cohort.length)
    if (revealed.length !== threshold) throw failed(`it takes ${threshold} shares, not ${revealed.length}`)
    const roster = rosterOf(evidence.roster, first.context, crypto)
    const commitments = commitmentsOf(first, secret)
    if (commitments.length !== roster.peers.length) throw failed('not one share for each of the roster')
    let last = -1
    for (const { index, share } of revealed) {
      const expected = commitments[index]
      if (index <= last || expected === undefined) throw failed('its shares are not in order')
      last = index
      if (share.length !== 32 || !equalBytes(shareHash(secret, first.sender, index, share, crypto), expected))
        throw failed(`share ${index} does not match its hash`)
    }
    const recovered = recoverSecret(
      revealed.map(({ index, share }) => ({ x: index + 1, y: share })),
      threshold
    )
    if (isSecretOf(recovered, secret, roster.keysOf(first), crypto))
      throw failed('its shares give the secret that was committed to')
    const name = secret === 'seed' ? 'self-mask seed' : 'mask key'
    return `shares of its ${name} that match their hashes and give another one`
  },

  'wrong-result'({ evidence, messages, first, run, chain, crypto }) {
    const isVote = first.type === 'prepare' || first.type === 'commit'
    onlyFields(evidence, isVote ? ['decision', 'link'] : ['link'])
    if (messages.length !== 1) throw failed('it takes one message')
    const certified = linkIn(evidence.link)
    if (!equalBytes(Context.encode(first.context), Context.encode(contextOfLink(certified, run))))
      throw failed('the link that it compares with is of another attempt')
    if (!chain.has(linkHashOf(evidence.link, crypto)))
      throw notOnChain('the link that it compares with is not on the chain, or too long ago')
    if (
      certified.node !== undefined &&
      !areOfOneSum(certified, linkIn(isVote ? evidence.decision : proposed(first)))
    )
      throw failed('the root of a larger network may choose which sums count')
    // With a committee the others take its word: if most of it lies, whoever tells the truth would be blamed.
    const cohort = chain.cohortAfter(first.context.previousLink, first.sender)
    const { verifiers } = run.manifest.secureSum
    if (cohort === null || (verifiers !== 'everyone' && verifiers < cohort.length))
      throw failed('not everyone has verified that result')
    const decision = isVote ? votedFor(first, evidence.decision, crypto) : proposed(first)
    const other = linkIn(decision)
    // A loss may be proposed by an honest member whom shares or bodies did not reach in time.
    if (certified.kind !== 'result' || other.kind !== 'result') throw failed('only results can be compared')
    if (equalBytes(decision, evidence.link)) throw failed('it is the result that the chain has')
    return `a ${first.type} ${isVote ? 'vote for' : 'of'} another result than the one that was certified`
  }
}

/** True of two results that add the same cohort sums, and do not come to the same. */
function areOfOneSum(one: LinkBody, other: LinkBody): boolean {
  const isSameSet =
    one.children.length === other.children.length &&
    one.children.every((hash, i) => equalBytes(hash, other.children[i]!))
  return isSameSet && !equalBytes(one.stateHash, other.stateHash)
}

/** What is wrong with an unmasking bundle by itself, whatever was decided; null if nothing is. */
export function bundleFault({ seedShares, keyShares, seedDealers, keyDealers }: UnmaskBundle): string | null {
  const ascending = (list: readonly number[]): boolean => list.every((x, i) => i === 0 || list[i - 1]! < x)
  if (seedDealers.some(index => keyDealers.includes(index))) return 'with both shares of one dealer'
  if (!ascending(seedDealers) || !ascending(keyDealers)) return 'whose dealers are not in order'
  if (seedShares.length !== seedDealers.length || keyShares.length !== keyDealers.length)
    return 'without one place for each of its dealers'
  if ([...seedShares, ...keyShares].some(({ length }) => length !== 0 && length !== 32))
    return 'with a share of another length'
  return null
}

/** A share for which there is nothing is left empty: that is no lie. */
function wrongShareIn(
  { seedShares, keyShares, seedDealers, keyDealers }: UnmaskBundle,
  holder: number,
  dealer: number,
  dealt: SignedMessage,
  crypto: CryptoSuite
): string {
  for (const [kind, dealers, shares] of [
    ['seed', seedDealers, seedShares],
    ['key', keyDealers, keyShares]
  ] as const) {
    const share = shares[dealers.indexOf(dealer)]
    const expected = commitmentsOf(dealt, kind)[holder]
    if (share === undefined || share.length === 0 || expected === undefined) continue
    if (!equalBytes(shareHash(kind, dealt.sender, holder, share, crypto), expected))
      return `an unmasking bundle with a wrong share: it does not match what ${dealt.sender} dealt`
  }
  throw failed('its share matches what was dealt')
}

/** The hashes that a ShareKeys message commits its sender to, by roster index. */
function commitmentsOf(message: SignedMessage, kind: SecretKind): Uint8Array[] {
  if (message.type !== 'share-keys') throw failed(`a ${message.type} message deals no shares`)
  const { shares } = decodeCanonical(ShareKeys, message.payload, 'shares')
  return shares.map(({ seedShareHash, keyShareHash }) => (kind === 'seed' ? seedShareHash : keyShareHash))
}

/** @throws ProtocolError unless the roster is the one that `context` is bound to */
function rosterOf(bytes: Uint8Array, context: Context, crypto: CryptoSuite) {
  if (!equalBytes(crypto.sha256(bytes), context.rosterHash)) throw failed('it has another roster')
  const { roster } = decodeCanonical(Decision, bytes, 'decision')
  const advertised = roster?.advertised ?? []
  const peers = advertised.map(({ sender }) => peerIdOf(sender))
  return {
    peers,
    keysOf({ sender }: SignedMessage): AdvertiseKeys {
      const envelope = advertised[peers.indexOf(sender)]
      if (envelope === undefined) throw failed('its sender is not in the roster')
      const message = openMessage(Envelope.encode(envelope), crypto)
      const unbound = Context.encode({ ...context, rosterHash: ZERO_HASH })
      if (message.type !== 'advertise-keys' || !equalBytes(Context.encode(message.context), unbound))
        throw failed('the keys in its roster are of another attempt')
      return decodeCanonical(AdvertiseKeys, message.payload, 'keys')
    }
  }
}

/** True if a recovered secret is the one that its owner advertised. */
export function isSecretOf(
  secret: Uint8Array,
  kind: SecretKind,
  { selfSeedHash, maskKey }: Pick<AdvertiseKeys, 'selfSeedHash' | 'maskKey'>,
  crypto: CryptoSuite
): boolean {
  return kind === 'seed'
    ? equalBytes(crypto.sha256(secret), selfSeedHash)
    : equalBytes(crypto.x25519PublicKey(secret), maskKey)
}

function proposed(message: SignedMessage): Uint8Array {
  if (message.type !== 'proposal') throw failed(`a ${message.type} message is no word on a result`)
  const { subject, decision } = decodeCanonical(Proposal, message.payload, 'proposal')
  if (subject !== 'result') throw failed('it is not about the result')
  return decision
}

function votedFor(message: SignedMessage, decision: Uint8Array, crypto: CryptoSuite): Uint8Array {
  const { subject, valueHash } = decodeCanonical(Vote, message.payload, 'vote')
  if (subject !== 'result') throw failed('it is not about the result')
  if (!equalBytes(crypto.sha256(decision), valueHash)) throw failed('the vote is for another value')
  return decision
}

function linkIn(decision: Uint8Array): LinkBody {
  const { link } = decodeCanonical(Decision, decision, 'decision')
  if (link === undefined) throw failed('a decision without a link')
  return link
}

function openOfRun(envelope: Envelope, run: EvidenceRun, crypto: CryptoSuite): SignedMessage {
  const message = openMessage(Envelope.encode(envelope), crypto)
  const { context } = message
  if (!equalBytes(context.run, run.id) || !equalBytes(context.baseModel, run.baseModel))
    throw failed('a message of another run')
  return message
}

type Field = 'roster' | 'shares' | 'secret' | 'revealed' | 'decision' | 'link'

/** Anything more would make many pieces of evidence out of one. */
function onlyFields(evidence: Evidence, used: readonly Field[]): void {
  for (const field of ['roster', 'shares', 'secret', 'revealed', 'decision', 'link'] as const) {
    if (!used.includes(field) && evidence[field].length > 0) throw failed(`${field} has no place in it`)
  }
}

/** Negative if `a` comes first. */
function toOrder(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

function failed(reason: string): ProtocolError {
  return new ProtocolError('BAD_EVIDENCE', { reason }, reason)
}

function notOnChain(reason: string): ProtocolError {
  return new ProtocolError('BAD_EVIDENCE', { reason, later: true }, reason)
}

// Making it

const NOTHING = {
  messages: [],
  roster: new Uint8Array(),
  shares: new Uint8Array(),
  secret: '',
  revealed: [],
  decision: new Uint8Array(),
  link: new Uint8Array()
}

/** The canonical bytes of a piece of evidence. @param parts - messages in any order if they are a pair */
export function encodeEvidence(
  kind: EvidenceKind,
  messages: readonly SignedMessage[],
  parts: Partial<Pick<Evidence, Field>> = {}
): Uint8Array {
  const ordered = kind === 'equivocation' ? messages.toSorted((a, b) => toOrder(a.hash, b.hash)) : messages
  const envelopes = ordered.map(({ bytes }) => Envelope.decode(bytes))
  return Evidence.encode({ ...NOTHING, kind, messages: envelopes, ...parts })
}
