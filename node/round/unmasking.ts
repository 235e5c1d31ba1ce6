/**
 * Unmasking: one bundle of shares per member, released once, for the committed survivor set only; then anyone who
 * holds t bundles opens the sum. secure sum, message 5.
 */
import { pairMasks, selfMaskKey } from '../../aggregation/mask.ts'
import { recoverSecret, type ShamirShare } from '../../aggregation/shamir.ts'
import { decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { isSecretOf } from '../../protocols/evidence.ts'
import { UnmaskBundle } from '../../protocols/messages.js'
import { blameDealer, examineBundle } from './blame.ts'
import { dealerEntries, maskContextOf, maskPeerOf } from './inputs.ts'
import { privacySpentWith } from './privacy-spent.ts'
import { releaseRules } from './release-rules.ts'
import { rosterIndexOf } from './roster.ts'
import { type AttemptState, allGiven, type Draft, hasCommittee, type RosterEntry } from './round-state.ts'
import { shareHashes } from './shares.ts'
import { gossip, refuse, remember, seal } from './speak.ts'
import { placeInJournal } from './voting-journal.ts'

const NO_SHARE = new Uint8Array()

/** What is shared are 32-byte secrets; whoever lacks a share leaves its place empty. */
const SHARE_BYTES = 32

/**
 * Releases this peer's shares: of the self-mask seed for every survivor, of the mask secret key for everyone else in
 * U2. Never both for one peer, never twice, and never without a commit certificate for the set.
 */
export function releaseShares(draft: Draft, attempt: AttemptState): void {
  const { survivors, rosterContext, secrets, goodShares, released, participation } = attempt
  if (survivors === null || rosterContext === null || secrets === null) return
  const isDealer = attempt.dealers!.includes(draft.deps.self)
  const value = releaseRules.releasable(attempt.agreements.survivors, { participation, isDealer, released })
  if (value === null) return
  const { alive, dropped } = split(attempt)
  // Whoever signed for it: a sum of fewer than t inputs, or with one in it twice, would say too much of one member.
  if (alive.length < attempt.quorum || alive.length !== survivors.length) return
  attempt.released = true
  const survivorsHash = value.certificate.valueHash
  const { round, attempt: number } = attempt
  draft.effects.push({
    type: 'journal',
    entry: { round, attempt: number, kind: 'release', survivorsHash, ...placeInJournal(attempt.context) }
  })
  const seedShares = alive.map(({ peer }) => goodShares.get(peer)?.seedShare ?? NO_SHARE)
  const keyShares = dropped.map(({ peer }) => goodShares.get(peer)?.keyShare ?? NO_SHARE)
  const payload = UnmaskBundle.encode({ survivorsHash, seedShares, keyShares, ...placesOf(attempt) })
  gossip(draft, seal(draft, 'unmask-bundle', rosterContext, payload))
}

/** What says whose share is where, for whoever checks a bundle later. */
function placesOf(attempt: AttemptState): Pick<UnmaskBundle, 'sharesHash' | 'seedDealers' | 'keyDealers'> {
  const { alive, dropped } = split(attempt)
  return {
    sharesHash: attempt.agreements.shares.decided!.certificate.valueHash,
    seedDealers: alive.map(({ peer }) => rosterIndexOf(attempt, peer)),
    keyDealers: dropped.map(({ peer }) => rosterIndexOf(attempt, peer))
  }
}

/** U2 in roster order, cut into survivors and the rest. */
function split(attempt: AttemptState): { alive: RosterEntry[]; dropped: RosterEntry[] } {
  const survived = new Set(attempt.survivors!.map(({ peer }) => peer))
  const entries = dealerEntries(attempt)
  return {
    alive: entries.filter(({ peer }) => survived.has(peer)),
    dropped: entries.filter(({ peer }) => !survived.has(peer))
  }
}

export function onUnmaskBundle(draft: Draft, attempt: AttemptState, message: SignedMessage): void {
  if (!attempt.dealers!.includes(message.sender)) return refuse(draft, message, 'not in U2')
  if (attempt.bundles.has(message.sender)) return
  const bundle = decodeCanonical(UnmaskBundle, message.payload, 'unmasking bundle')
  examineBundle(draft, attempt, message, bundle)
  const { alive, dropped } = split(attempt)
  const decided = attempt.agreements.survivors.decided!.certificate.valueHash
  if (!equalBytes(bundle.survivorsHash, decided))
    return refuse(draft, message, 'it is for another survivor set')
  if (bundle.seedShares.length !== alive.length || bundle.keyShares.length !== dropped.length) {
    return refuse(draft, message, 'not one share for each of U2')
  }
  const shares = [...bundle.seedShares, ...bundle.keyShares]
  if (!shares.every(({ length }) => length === SHARE_BYTES || length === 0))
    return refuse(draft, message, 'a share of another length')
  const { sharesHash, seedDealers, keyDealers } = placesOf(attempt)
  const places =
    equalBytes(bundle.sharesHash, sharesHash) &&
    bundle.seedDealers.join() === seedDealers.join() &&
    bundle.keyDealers.join() === keyDealers.join()
  if (!places) return refuse(draft, message, 'its shares are in other places')
  attempt.bundles.set(message.sender, bundle)
  remember(attempt, message)
}

/** Opens the sum as soon as the bundles and the bodies allow it. */
export function openSum(draft: Draft, attempt: AttemptState): void {
  const { survivors, held } = attempt
  if (survivors === null || attempt.unmasking !== 'none') return
  if (!survivors.every(({ peer }) => held.has(peer))) return
  const secrets = recoverSecrets(draft, attempt)
  if (secrets === null) return
  const { seeds, keys } = secrets
  const { alive, dropped } = split(attempt)
  const { crypto } = draft.deps
  const context = maskContextOf(draft, attempt)
  attempt.unmasking = 'running'
  attempt.seeds = seeds
  draft.effects.push({
    type: 'unmask',
    round: attempt.round,
    attempt: attempt.attempt,
    completedRounds: attempt.tip.completedRounds,
    cohortSize: attempt.encodedFor,
    survivors: survivors.map(({ peer, address }) => ({ peer, address })),
    selfKeys: alive.map((entry, i) => selfMaskKey(crypto, seeds[i]!, entry.peer, context)),
    droppedPairMasks: dropped.flatMap((entry, i) =>
      pairMasks(crypto, entry.peer, keys[i]!, alive.map(maskPeerOf), context)
    ),
    privacySpent: privacySpentWith(draft, attempt),
    into: attempt.place === null ? 'state' : 'sum',
    servesSum: attempt.place === null && hasCommittee(attempt)
  })
}

/**
 * What the bundles that are here give away: b of every survivor, the mask secret key of everyone else in U2, each
 * checked against what its owner advertised. Null while shares are missing, or if a dealer's do not fit.
 */
export function recoverSecrets(
  draft: Draft,
  attempt: AttemptState
): { readonly seeds: readonly Uint8Array[]; readonly keys: readonly Uint8Array[] } | null {
  if (attempt.bundles.size < attempt.quorum) return null
  const { alive, dropped } = split(attempt)
  const seeds: Uint8Array[] = []
  for (const [i, entry] of alive.entries()) {
    const seed = recover(draft, attempt, entry, 'seed', bundle => bundle.seedShares[i]!)
    if (seed === null) return null
    seeds.push(seed)
  }
  const keys: Uint8Array[] = []
  for (const [i, entry] of dropped.entries()) {
    const key = recover(draft, attempt, entry, 'key', bundle => bundle.keyShares[i]!)
    if (key === null) return null
    keys.push(key)
  }
  return { seeds, keys }
}

/**
 * The secret of one dealer from those shares that match its commitments; null while there are too few, or if they give
 * another one than it has advertised: then the dealer is to blame.
 */
function recover(
  draft: Draft,
  attempt: AttemptState,
  entry: RosterEntry,
  kind: 'seed' | 'key',
  shareIn: (bundle: UnmaskBundle) => Uint8Array
): Uint8Array | null {
  const { crypto } = draft.deps
  const dealer = entry.peer
  const commitments = attempt.shareMessages.get(dealer)?.shares
  if (commitments === undefined) return null
  const shares: ShamirShare[] = []
  for (const [peer, bundle] of attempt.bundles) {
    const index = rosterIndexOf(attempt, peer)
    const share = shareIn(bundle)
    // Its dealer may have committed to an empty one, which nobody but the dealer can see before.
    if (share.length !== SHARE_BYTES) continue
    const hashes = shareHashes(draft, dealer, index, { seedShare: share, keyShare: share })
    const expected = kind === 'seed' ? commitments[index]!.seedShareHash : commitments[index]!.keyShareHash
    if (equalBytes(kind === 'seed' ? hashes.seedShareHash : hashes.keyShareHash, expected))
      shares.push({ x: index + 1, y: share })
    if (shares.length < attempt.quorum) continue
    const secret = recoverSecret(shares, attempt.quorum)
    if (isSecretOf(secret, kind, entry, crypto)) return secret
    blameDealer(draft, attempt, dealer, kind, shares)
    return null
  }
  return null
}

/** Everyone who still has shares has released them, and they are too few. */
export function bundlesExhausted(attempt: AttemptState): boolean {
  return attempt.bundles.size < attempt.quorum && allGiven(attempt, attempt.dealers!, attempt.bundles)
}
