/**
 * Finding out who broke the protocol, from what its members signed, and keeping what shows it. What counts as evidence,
 * and how anyone checks it, is protocols/evidence.ts; what comes of it is expulsion.ts.
 */
import type { ShamirShare } from '../../aggregation/shamir.ts'
import { evidenceChainOf, isForgiven } from '../../protocols/chain-history.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { contradictionOf, type Utterance, utteranceOf } from '../../protocols/contradictions.ts'
import type { MessageType, SignedMessage } from '../../protocols/envelope.ts'
import { bundleFault, type CheckedEvidence, checkEvidence, encodeEvidence } from '../../protocols/evidence.ts'
import { toHex } from '../../protocols/hex.ts'
import { Decision, Proposal, type UnmaskBundle, Vote } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { type SecretKind, shareHash } from '../../protocols/share-hash.ts'
import type { Assembly } from './assembly.ts'
import type { AttemptState, Draft } from './round-state.ts'
import { runContextOf } from './run-context.ts'
import { refuse, remember, seal } from './speak.ts'

/** Pieces kept against one member: one is enough, but a leader may name another than the one that came here first. */
const PIECES_PER_CULPRIT = 8

/** Votes, proposals and new-views of one member that are compared with what it says next: some twenty views. */
const SAID_MAX = 96

/** The first piece of evidence here against a peer. */
export function evidenceAgainst({ state }: Draft, peer: PeerId): CheckedEvidence | undefined {
  return [...state.blame.evidence.values()].find(({ culprit }) => culprit === peer)
}

export function isBlamed(draft: Draft, peer: PeerId): boolean {
  return evidenceAgainst(draft, peer) !== undefined
}

/** Compares a message of the attempt with what its sender has said before. */
export function watch(draft: Draft, attempt: Pick<Assembly, 'said'>, message: SignedMessage): void {
  // Others may show what this peer said; it does not accuse itself.
  if (message.sender === draft.deps.self) return
  const utterance = utteranceOf(message, draft.deps.crypto)
  if (utterance === null) return
  const before = attempt.said.get(message.sender) ?? []
  const other = before.find(earlier => contradictionOf(earlier, utterance) !== null)
  if (other !== undefined) blame(draft, encodeEvidence('equivocation', [other.message, message]))
  if (before.some(({ slot }) => slot === utterance.slot)) return
  attempt.said.set(message.sender, bounded([...before, utterance]))
}

/** Views have no end, so the oldest of those gives way; what is said once in an attempt stays. */
function bounded(said: readonly Utterance[]): readonly Utterance[] {
  if (said.length <= SAID_MAX) return said
  const oldest = said.findIndex(({ message }) => isPartOfAgreement(message.type))
  return said.toSpliced(Math.max(0, oldest), 1)
}

function isPartOfAgreement(type: MessageType): boolean {
  return type === 'prepare' || type === 'commit' || type === 'proposal' || type === 'new-view'
}

function saidBy(attempt: AttemptState, peer: PeerId, type: MessageType): SignedMessage | undefined {
  return attempt.said.get(peer)?.find(({ message }) => message.type === type)?.message
}

/** Looks at a bundle as it comes: does it contradict itself, does a share not match what its dealer published? */
export function examineBundle(
  draft: Draft,
  attempt: AttemptState,
  message: SignedMessage,
  bundle: UnmaskBundle
): void {
  if (message.sender === draft.deps.self) return
  if (bundleFault(bundle) !== null) return blame(draft, encodeEvidence('wrong-share', [message]))
  const { crypto } = draft.deps
  const holder = attempt.roster!.findIndex(({ peer }) => peer === message.sender)
  const dealt = (kind: SecretKind, index: number, share: Uint8Array | undefined): void => {
    const dealer = attempt.roster![index]?.peer
    const held = dealer === undefined ? undefined : attempt.shareMessages.get(dealer)
    const commitment = held?.shares[holder]
    if (held === undefined || commitment === undefined || share === undefined || share.length === 0) return
    const expected = kind === 'seed' ? commitment.seedShareHash : commitment.keyShareHash
    if (equalBytes(shareHash(kind, dealer!, holder, share, crypto), expected)) return
    blame(
      draft,
      encodeEvidence('wrong-share', [message, held.message], {
        roster: attempt.agreements.roster.decided!.decision,
        shares: attempt.agreements.shares.decided!.decision
      })
    )
  }
  for (const [i, index] of bundle.seedDealers.entries()) dealt('seed', index, bundle.seedShares[i])
  for (const [i, index] of bundle.keyDealers.entries()) dealt('key', index, bundle.keyShares[i])
}

/** Looks again at the bundles that are here, now that a dealer's message has come. */
export function examineBundles(draft: Draft, attempt: AttemptState): void {
  for (const [peer, bundle] of attempt.bundles) {
    const message = saidBy(attempt, peer, 'unmask-bundle')
    if (message !== undefined) examineBundle(draft, attempt, message, bundle)
  }
}

/** @param shares - as many as the threshold, each matching its hash, that gave another secret than was committed to */
export function blameDealer(
  draft: Draft,
  attempt: AttemptState,
  dealer: PeerId,
  secret: SecretKind,
  shares: readonly ShamirShare[]
): void {
  const held = attempt.shareMessages.get(dealer)
  if (held === undefined || dealer === draft.deps.self) return
  const revealed = shares
    .map(({ x, y }) => ({ index: x - 1, share: y.slice() }))
    .sort((a, b) => a.index - b.index)
  const roster = attempt.agreements.roster.decided!.decision
  blame(draft, encodeEvidence('bad-secret', [held.message], { roster, secret, revealed }))
}

/** Once a result is certified and on the chain: whoever proposed or voted for another one. */
export function blameOtherResults(draft: Draft, attempt: AttemptState, certified: Uint8Array): void {
  if (Decision.decode(certified).link?.kind !== 'result') return
  for (const utterances of attempt.said.values()) {
    for (const { message } of utterances) {
      const other = resultIn(attempt, message)
      if (other === null || equalBytes(other, certified)) continue
      if (Decision.decode(other).link?.kind !== 'result') continue
      const ofVote = message.type === 'proposal' ? {} : { decision: other }
      blame(draft, encodeEvidence('wrong-result', [message], { ...ofVote, link: certified }))
    }
  }
}

/** The value that a message proposes, or votes for, in the agreement on the result; null if it is not here. */
function resultIn(attempt: AttemptState, { type, payload }: SignedMessage): Uint8Array | null {
  if (type === 'proposal') {
    const { subject, decision } = Proposal.decode(payload)
    return subject === 'result' ? decision : null
  }
  if (type !== 'prepare' && type !== 'commit') return null
  const { subject, valueHash } = Vote.decode(payload)
  return subject === 'result' ? (attempt.agreements.result.values.get(toHex(valueHash)) ?? null) : null
}

/** This peer has found it out: keeps it and tells everyone. */
function blame(draft: Draft, bytes: Uint8Array): void {
  const evidence = takeEvidence(draft, bytes)
  if (evidence === null) return
  const message = seal(draft, 'evidence', runContextOf(draft), bytes)
  draft.effects.push({ type: 'gossip', message })
}

/** Evidence that somebody else shows. */
export function onEvidence(draft: Draft, message: SignedMessage): void {
  const { state, deps } = draft
  if (state.tip === null) return
  const verdict = checkEvidence(
    message.payload,
    deps.run,
    evidenceChainOf(state.tip, deps.run, deps.crypto),
    deps.crypto
  )
  if (!verdict.holds) return verdict.later ? undefined : refuse(draft, message, verdict.reason)
  takeEvidence(draft, message.payload)
}

/**
 * Checks evidence and keeps it, if it is against a member and new here.
 * @returns it, if it is the first against its culprit
 */
export function takeEvidence(draft: Draft, bytes: Uint8Array): CheckedEvidence | null {
  const { state, deps } = draft
  const { tip, blame, attempt } = state
  const key = toHex(deps.crypto.sha256(bytes))
  if (tip === null || blame.evidence.has(key)) return null
  const verdict = checkEvidence(bytes, deps.run, evidenceChainOf(tip, deps.run, deps.crypto), deps.crypto)
  if (!verdict.holds || !tip.members.includes(verdict.evidence.culprit)) return null
  const { evidence } = verdict
  if (isForgiven(tip, evidence, deps.run)) return null
  const known = [...blame.evidence.values()].filter(({ culprit }) => culprit === evidence.culprit)
  if (known.length >= PIECES_PER_CULPRIT && !blame.wanted.has(key)) return null
  blame.wanted.delete(key)
  blame.evidence.set(key, evidence)
  // For those who are asked to vote on it and have not heard of it.
  if (attempt !== null) remember(attempt, seal(draft, 'evidence', runContextOf(draft), bytes))
  // One is enough for a person, and for everyone who has none.
  if (known.length > 0) return null
  draft.effects.push({ type: 'blame', evidence })
  return evidence
}

/** Into a new attempt goes what is known against those who are members still. */
export function carryEvidence(draft: Draft, attempt: AttemptState): void {
  const { blame, tip } = draft.state
  blame.wanted.clear()
  for (const [key, evidence] of blame.evidence) {
    const isOver = !tip!.members.includes(evidence.culprit) || isForgiven(tip!, evidence, draft.deps.run)
    if (isOver) blame.evidence.delete(key)
    else remember(attempt, seal(draft, 'evidence', runContextOf(draft), evidence.bytes))
  }
}
