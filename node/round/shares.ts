/**
 * ShareKeys: every member of the roster shares its self-mask seed and its mask secret key among all of it, and the
 * cohort agrees on U2, the members whose shares arrived. secure sum, message 2.
 */

import { shareKey } from '../../aggregation/mask.ts'
import { splitSecret } from '../../aggregation/shamir.ts'
import { decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import {
  Context,
  Decision,
  type MessageRef,
  ShareAck,
  ShareKeys,
  type SharesDecision
} from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { shareHash } from '../../protocols/share-hash.ts'
import type { Judgement } from './agreement.ts'
import { examineBundles } from './blame.ts'
import { rosterIndexOf } from './roster.ts'
import {
  type AttemptState,
  type Draft,
  isAbsent,
  maySpeak,
  type SharePair,
  shareAssociatedData
} from './round-state.ts'
import { askFor, gossip, leadersNow, refuse, remember, seal, send } from './speak.ts'

const SHARE_BYTES = 32

/** A key is used for one message only, so its nonce may be fixed. */
const NONCE = new Uint8Array(12)

/**
 * Splits this peer's secrets for the roster, until U2 is decided. Only those who advertised, and still have their
 * secrets, do.
 */
export function shareKeys(draft: Draft, attempt: AttemptState): void {
  const { secrets, roster, rosterContext } = attempt
  const { crypto, self } = draft.deps
  const own = rosterIndexOf(attempt, self)
  if (
    secrets === null ||
    roster === null ||
    rosterContext === null ||
    own < 0 ||
    attempt.dealers !== null ||
    attempt.shareMessages.has(self)
  )
    return
  const seedShares = splitSecret(secrets.selfSeed, roster.length, attempt.quorum, length =>
    crypto.randomBytes(length)
  )
  const keyShares = splitSecret(secrets.maskSecret, roster.length, attempt.quorum, length =>
    crypto.randomBytes(length)
  )
  const context = Context.encode(rosterContext)
  const shares = roster.map((entry, index) => {
    const pair: SharePair = { seedShare: seedShares[index]!, keyShare: keyShares[index]! }
    const hashes = shareHashes(draft, self, index, pair)
    if (index === own) {
      attempt.goodShares.set(self, pair)
      return { sealed: new Uint8Array(), ...hashes }
    }
    const direction = { fromId: self, toId: entry.peer }
    const key = shareKey(
      crypto,
      secrets.encryptionSecret,
      entry.encryptionKey,
      direction,
      rosterContext.rosterHash
    )
    const plain = new Uint8Array(2 * SHARE_BYTES)
    plain.set(pair.seedShare)
    plain.set(pair.keyShare, SHARE_BYTES)
    const sealed = crypto.gcmSeal(key, NONCE, plain, shareAssociatedData(context, own, index))
    // t of these would be the secret, and nobody but the other side needs them from here on.
    for (const bytes of [plain, pair.seedShare, pair.keyShare, key]) bytes.fill(0)
    return { sealed, ...hashes }
  })
  gossip(draft, seal(draft, 'share-keys', rosterContext, ShareKeys.encode({ shares })))
}

export function onShareKeys(draft: Draft, attempt: AttemptState, message: SignedMessage): void {
  const dealer = rosterIndexOf(attempt, message.sender)
  if (dealer < 0) return refuse(draft, message, 'not in the roster')
  if (attempt.dealers !== null) {
    const ref = decidedDealers(attempt).find(({ index }) => index === dealer)
    if (ref === undefined) return
    if (!equalBytes(ref.hash, message.hash))
      return refuse(draft, message, 'not the shares that were decided on')
  }
  const first = attempt.shareMessages.get(message.sender)
  if (first !== undefined) {
    if (!equalBytes(first.message.hash, message.hash))
      refuse(draft, message, 'it has sent other shares before')
    return
  }
  const { shares } = decodeCanonical(ShareKeys, message.payload, 'shares')
  if (shares.length !== attempt.roster!.length)
    return refuse(draft, message, 'not one share for each of the roster')
  attempt.shareMessages.set(message.sender, { message, shares })
  remember(attempt, message)
  examineBundles(draft, attempt)
  openOwnShare(draft, attempt, message, dealer, shares)
}

function openOwnShare(
  draft: Draft,
  attempt: AttemptState,
  message: SignedMessage,
  dealer: number,
  shares: ShareKeys['shares']
): void {
  const { crypto, self } = draft.deps
  const own = rosterIndexOf(attempt, self)
  if (message.sender === self || own < 0 || attempt.secrets === null) return
  const { sealed, seedShareHash, keyShareHash } = shares[own]!
  try {
    const context = attempt.rosterContext!
    const direction = { fromId: message.sender, toId: self }
    const dealerKey = attempt.roster![dealer]!.encryptionKey
    const key = shareKey(crypto, attempt.secrets.encryptionSecret, dealerKey, direction, context.rosterHash)
    const plain = crypto.gcmOpen(
      key,
      NONCE,
      sealed,
      shareAssociatedData(Context.encode(context), dealer, own)
    )
    key.fill(0)
    const pair = { seedShare: plain.slice(0, SHARE_BYTES), keyShare: plain.slice(SHARE_BYTES) }
    plain.fill(0)
    const hashes = shareHashes(draft, message.sender, own, pair)
    const matches =
      equalBytes(hashes.seedShareHash, seedShareHash) && equalBytes(hashes.keyShareHash, keyShareHash)
    if (plain.length !== 2 * SHARE_BYTES || !matches) throw new Error('it does not match its hash')
    attempt.goodShares.set(message.sender, pair)
  } catch (error) {
    attempt.badShares.add(message.sender)
    refuse(draft, message, `its share for this peer is bad: ${(error as Error).message}`)
  }
}

/** Public commitments to the two shares that a dealer gives to one roster index. */
export function shareHashes(
  draft: Draft,
  dealer: PeerId,
  index: number,
  pair: SharePair
): { seedShareHash: Uint8Array; keyShareHash: Uint8Array } {
  const { crypto } = draft.deps
  return {
    seedShareHash: shareHash('seed', dealer, index, pair.seedShare, crypto),
    keyShareHash: shareHash('key', dealer, index, pair.keyShare, crypto)
  }
}

/** Every share that can still be waited for is here. */
export function sharesComplete(draft: Draft, attempt: AttemptState): boolean {
  return attempt.roster!.every(({ peer }) => attempt.shareMessages.has(peer) || isAbsent(draft, peer))
}

/** Tells the leader whose shares were good: when all are here, when time is up, and again if more come. */
export function acknowledgeShares(draft: Draft, attempt: AttemptState): void {
  const { roster, rosterContext, goodShares } = attempt
  if (roster === null || rosterContext === null || attempt.dealers !== null || attempt.secrets === null)
    return
  if (!maySpeak(attempt) || goodShares.size <= attempt.ackedDealers) return
  if (!sharesComplete(draft, attempt) && draft.nowMs < attempt.sharesDueMs) return
  attempt.ackedDealers = goodShares.size
  const dealers: MessageRef[] = []
  roster.forEach(({ peer }, index) => {
    const held = attempt.shareMessages.get(peer)
    if (goodShares.has(peer) && held !== undefined) dealers.push({ index, hash: held.message.hash })
  })
  send(
    draft,
    leadersNow(draft, attempt, 'shares'),
    seal(draft, 'share-ack', rosterContext, ShareAck.encode({ dealers }))
  )
}

export function onShareAck(draft: Draft, attempt: AttemptState, message: SignedMessage): void {
  if (rosterIndexOf(attempt, message.sender) < 0) return refuse(draft, message, 'not in the roster')
  const dealers = decodeCanonical(ShareAck, message.payload, 'acknowledgement').dealers
  const before = attempt.acks.get(message.sender)
  if (before !== undefined && ShareAck.decode(before.payload).dealers.length >= dealers.length) return
  attempt.acks.set(message.sender, message)
  remember(attempt, message)
}

/** U2: the dealers whom every acknowledging member acknowledged, so that all of these members can vote for it. */
export function proposeShares(draft: Draft, attempt: AttemptState, proposer: number): Uint8Array | null {
  const { roster, acks, quorum } = attempt
  if (roster === null || acks.size < quorum) return null
  const complete = roster.every(({ peer }) => acks.has(peer) || isAbsent(draft, peer))
  if (!complete && draft.nowMs < attempt.sharesDueMs + draft.deps.run.manifest.deadlines.viewMs / 4)
    return null
  const offered = goodRefs(attempt)
  // Of every list only what is on offer: one that names what is not there must not shut out what is.
  const lists = [...acks.values()].map(message => {
    const { dealers } = ShareAck.decode(message.payload)
    return offered.filter(ref => dealers.some(other => sameRef(ref, other)))
  })
  // The fullest lists first: a member that lacks much must not shrink the set, as long as a quorum remains.
  lists.sort((a, b) => b.length - a.length)
  for (let take = lists.length; take >= quorum; take--) {
    const dealers = offered.filter(ref => lists.slice(0, take).every(list => list.includes(ref)))
    if (dealers.length >= quorum) return Decision.encode({ shares: { proposer, dealers } })
  }
  return null
}

/** The ShareKeys messages here whose share for this peer, if it can tell, is good; in roster order. */
function goodRefs({ roster, shareMessages, badShares, secrets }: AttemptState): MessageRef[] {
  return roster!.flatMap(({ peer }, index) => {
    const held = shareMessages.get(peer)
    const bad = secrets !== null && badShares.has(peer)
    return held === undefined || bad ? [] : [{ index, hash: held.message.hash }]
  })
}

function sameRef(a: MessageRef, b: MessageRef): boolean {
  return a.index === b.index && equalBytes(a.hash, b.hash)
}

export function judgeShares(draft: Draft, attempt: AttemptState, shares: SharesDecision): Judgement {
  const { dealers, proposer } = shares
  if (proposer >= attempt.cohort.length || dealers.length < attempt.quorum) return 'invalid'
  const checksOwn = attempt.secrets !== null && rosterIndexOf(attempt, draft.deps.self) >= 0
  let last = -1
  let missing = false
  for (const { index, hash } of dealers) {
    const peer = attempt.roster![index]?.peer
    if (index <= last || peer === undefined) return 'invalid'
    last = index
    const held = attempt.shareMessages.get(peer)
    if (held === undefined) missing = true
    else if (!equalBytes(held.message.hash, hash)) return 'invalid'
    else if (checksOwn && !attempt.goodShares.has(peer)) return 'invalid'
  }
  return missing ? 'later' : 'valid'
}

/** Takes the decided U2: it is time to train. */
export function adoptShares(draft: Draft, attempt: AttemptState, shares: SharesDecision): void {
  const { deadlines } = draft.deps.run.manifest
  attempt.dealers = shares.dealers.map(({ index }) => attempt.roster![index]!.peer)
  attempt.inputsDueMs = draft.nowMs + deadlines.trainingMs + deadlines.inputsMs
  const missing = shares.dealers.filter(({ index, hash }) => {
    const held = attempt.shareMessages.get(attempt.roster![index]!.peer)
    return held === undefined || !equalBytes(held.message.hash, hash)
  })
  for (const { index } of missing) {
    // Its dealer said something else to this peer: what the quorum saw is what counts.
    const { peer } = attempt.roster![index]!
    attempt.shareMessages.delete(peer)
    attempt.goodShares.delete(peer)
    attempt.badShares.delete(peer)
  }
  if (missing.length > 0) askFor(draft, attempt, attempt.cohort)
}

/** The ShareKeys messages of U2, once it is decided. */
function decidedDealers(attempt: AttemptState): readonly MessageRef[] {
  return Decision.decode(attempt.agreements.shares.decided!.decision).shares?.dealers ?? []
}
