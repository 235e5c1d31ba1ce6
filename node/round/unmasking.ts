/**
 * Unmasking: one bundle of shares per member, released once, for the committed survivor set only; then anyone who
 * holds t bundles opens the sum. secure sum, message 5.
 */
import { pairMasks, selfMaskKey } from '../../aggregation/mask.ts'
import { recoverSecret, type ShamirShare } from '../../aggregation/shamir.ts'
import { decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { UnmaskBundle } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { dealerEntries, maskContextOf, maskPeerOf } from './inputs.ts'
import { rosterIndexOf } from './roster.ts'
import type { AttemptState, Draft, RosterEntry } from './round-state.ts'
import { shareHashes } from './shares.ts'
import { gossip, refuse, remember, seal } from './speak.ts'

const NO_SHARE = new Uint8Array()

/**
 * Releases this peer's shares: of the self-mask seed for every survivor, of the mask secret key for everyone else in
 * U2. Never both for one peer, never twice, and never without a commit certificate for the set.
 */
export function releaseShares(draft: Draft, attempt: AttemptState): void {
  const { survivors, rosterContext, secrets, goodShares } = attempt
  if (attempt.released || survivors === null || rosterContext === null || secrets === null) return
  if (attempt.participation !== 'full' || !attempt.dealers!.includes(draft.deps.self)) return
  attempt.released = true
  const survivorsHash = attempt.agreements.survivors.decided!.certificate.valueHash
  const { round, attempt: number } = attempt
  draft.effects.push({ type: 'journal', entry: { round, attempt: number, kind: 'release', survivorsHash } })
  const { alive, dropped } = split(attempt)
  const seedShares = alive.map(({ peer }) => goodShares.get(peer)?.seedShare ?? NO_SHARE)
  const keyShares = dropped.map(({ peer }) => goodShares.get(peer)?.keyShare ?? NO_SHARE)
  gossip(
    draft,
    seal(draft, 'unmask-bundle', rosterContext, UnmaskBundle.encode({ survivorsHash, seedShares, keyShares }))
  )
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
  const { alive, dropped } = split(attempt)
  const decided = attempt.agreements.survivors.decided!.certificate.valueHash
  if (!equalBytes(bundle.survivorsHash, decided))
    return refuse(draft, message, 'it is for another survivor set')
  if (bundle.seedShares.length !== alive.length || bundle.keyShares.length !== dropped.length) {
    return refuse(draft, message, 'not one share for each of U2')
  }
  attempt.bundles.set(message.sender, bundle)
  remember(attempt, message)
}

/** Opens the sum as soon as the bundles and the bodies allow it. */
export function openSum(draft: Draft, attempt: AttemptState): void {
  const { survivors, bundles, quorum, held } = attempt
  if (survivors === null || attempt.unmasking !== 'none' || bundles.size < quorum) return
  if (!survivors.every(({ peer }) => held.has(peer))) return
  const { alive, dropped } = split(attempt)
  const seeds = alive.map((entry, i) =>
    recover(draft, attempt, entry.peer, 'seed', bundle => bundle.seedShares[i]!)
  )
  const keys = dropped.map((entry, i) =>
    recover(draft, attempt, entry.peer, 'key', bundle => bundle.keyShares[i]!)
  )
  if (seeds.includes(null) || keys.includes(null)) return
  const { crypto } = draft.deps
  const trueSeeds = seeds.every((seed, i) => equalBytes(crypto.sha256(seed!), alive[i]!.selfSeedHash))
  const trueKeys = keys.every((key, i) => equalBytes(crypto.x25519PublicKey(key!), dropped[i]!.maskKey))
  if (!trueSeeds || !trueKeys) return
  const context = maskContextOf(draft, attempt)
  attempt.unmasking = 'running'
  attempt.seeds = seeds as Uint8Array[]
  draft.effects.push({
    type: 'unmask',
    round: attempt.round,
    attempt: attempt.attempt,
    completedRounds: attempt.tip.completedRounds,
    cohortSize: attempt.cohort.length,
    survivors: survivors.map(({ peer, address }) => ({ peer, address })),
    selfKeys: alive.map((entry, i) => selfMaskKey(crypto, seeds[i]!, entry.peer, context)),
    droppedPairMasks: dropped.flatMap((entry, i) =>
      pairMasks(crypto, entry.peer, keys[i]!, alive.map(maskPeerOf), context)
    )
  })
}

/** The secret of one dealer from those shares that match its commitments, or null while there are too few. */
function recover(
  draft: Draft,
  attempt: AttemptState,
  dealer: PeerId,
  kind: 'seed' | 'key',
  shareIn: (bundle: UnmaskBundle) => Uint8Array
): Uint8Array | null {
  const commitments = attempt.shareMessages.get(dealer)?.shares
  if (commitments === undefined) return null
  const shares: ShamirShare[] = []
  for (const [peer, bundle] of attempt.bundles) {
    const index = rosterIndexOf(attempt, peer)
    const share = shareIn(bundle)
    const hashes = shareHashes(draft, dealer, index, { seedShare: share, keyShare: share })
    const expected = kind === 'seed' ? commitments[index]!.seedShareHash : commitments[index]!.keyShareHash
    if (equalBytes(kind === 'seed' ? hashes.seedShareHash : hashes.keyShareHash, expected))
      shares.push({ x: index + 1, y: share })
    if (shares.length === attempt.quorum) return recoverSecret(shares, attempt.quorum)
  }
  return null
}
