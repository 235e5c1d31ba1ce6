/**
 * LocalTraining and MaskedInputCollection: train, mask, announce; hear of the others' masked inputs and pull them.
 * secure sum, message 3.
 */
import { type MaskContext, pairMasks, selfMaskKey } from '../../aggregation/mask.ts'
import { lanesByteLength } from '../../aggregation/ring.ts'
import { checkLength, decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import { openMessage, type SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { Context, Inventory, MaskedInput, type MessageRef } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { isBlamed, watch } from './blame.ts'
import { rosterIndexOf } from './roster.ts'
import {
  type AttemptState,
  type Draft,
  hasCommittee,
  isAbsent,
  isVerifier,
  maySpeak,
  type RosterEntry
} from './round-state.ts'
import type { RoundEvent } from './round-types.ts'
import { gossip, leadersNow, notice, refuse, remember, seal, send } from './speak.ts'

/** Starts local training, once U2 is decided and this peer is in it with its secrets. */
export function trainLocally(draft: Draft, attempt: AttemptState): void {
  const { dealers, secrets, training } = attempt
  if (training !== 'none' || dealers === null || secrets === null || attempt.participation !== 'full') return
  if (!dealers.includes(draft.deps.self)) return
  attempt.training = 'running'
  const { round, attempt: number, tip, encodedFor } = attempt
  const { completedRounds, height } = tip
  const factors = draft.deps.factorsOf(completedRounds)
  draft.effects.push({
    type: 'train',
    round,
    attempt: number,
    height,
    completedRounds,
    cohortSize: encodedFor,
    factors
  })
}

export function onTrained(draft: Draft, attempt: AttemptState): void {
  if (attempt.training !== 'running' || attempt.secrets === null) return
  attempt.training = 'done'
  const { crypto, self } = draft.deps
  const { secrets, round, attempt: number } = attempt
  const context = maskContextOf(draft, attempt)
  const others = dealerEntries(attempt).filter(({ peer }) => peer !== self)
  draft.effects.push({
    type: 'mask',
    round,
    attempt: number,
    selfKey: selfMaskKey(crypto, secrets.selfSeed, self, context),
    pairMasks: pairMasks(crypto, self, secrets.maskSecret, others.map(maskPeerOf), context)
  })
}

export function onInputMasked(
  draft: Draft,
  attempt: AttemptState,
  event: RoundEvent & { type: 'input-masked' }
): void {
  const { self } = draft.deps
  if (attempt.rosterContext === null || attempt.headers.has(self) || attempt.survivors !== null) return
  const sharesHash = attempt.agreements.shares.decided!.certificate.valueHash
  const payload = MaskedInput.encode({ sharesHash, address: event.address, length: event.lengthBytes })
  attempt.held.add(self)
  gossip(draft, seal(draft, 'masked-input', attempt.rosterContext, payload))
  notice(draft, { notice: 'input-announced', round: attempt.round, attempt: attempt.attempt, peer: self })
}

export function onMaskedInput(draft: Draft, attempt: AttemptState, message: SignedMessage): void {
  const { sender } = message
  const header = openHeader(draft, attempt, message)
  if (header === null) return refuse(draft, message, 'not a header of this attempt')
  const first = attempt.headers.get(sender)
  if (first !== undefined) {
    if (equalBytes(first.hash, message.hash)) return
    attempt.equivocators.add(sender)
    remember(attempt, message)
    return refuse(draft, message, 'it has announced another masked input before')
  }
  attempt.headers.set(sender, message)
  remember(attempt, message)
  if (sender !== draft.deps.self) {
    notice(draft, { notice: 'input-announced', round: attempt.round, attempt: attempt.attempt, peer: sender })
    if (isVerifier(attempt, draft.deps.self)) pull(draft, attempt, sender, header, [])
  }
}

/** Asks the host for a body. */
export function pull(
  draft: Draft,
  attempt: AttemptState,
  owner: PeerId,
  header: Pick<MaskedInput, 'address' | 'length'>,
  holders: readonly PeerId[]
): void {
  const { self } = draft.deps
  const ranked = [...new Set([...leadersNow(draft, attempt, 'survivors'), ...attempt.ranked])].filter(peer =>
    isVerifier(attempt, peer)
  )
  const others = [...new Set([owner, ...holders, ...ranked.slice(0, attempt.verifiers.faults + 1)])].filter(
    peer => peer !== self
  )
  // Who takes the committee's place comes after it.
  const precedence = isVerifier(attempt, self) ? ranked.indexOf(self) : ranked.length
  draft.effects.push({
    type: 'pull',
    owner,
    address: header.address,
    lengthBytes: header.length,
    holders: others,
    precedence
  })
}

export function onBodyHeld(draft: Draft, attempt: AttemptState, owner: PeerId, address: Uint8Array): void {
  const message = attempt.headers.get(owner)
  const fromHeader = message !== undefined && equalBytes(MaskedInput.decode(message.payload).address, address)
  const survivor = attempt.survivors?.find(({ peer }) => peer === owner)
  const fromSurvivors = survivor !== undefined && equalBytes(survivor.address, address)
  if ((!fromHeader && !fromSurvivors) || attempt.held.has(owner)) return
  attempt.held.add(owner)
  notice(draft, { notice: 'input-held', round: attempt.round, attempt: attempt.attempt, peer: owner })
}

/** A header that belongs to this attempt, or null. */
export function openHeader(draft: Draft, attempt: AttemptState, message: SignedMessage): MaskedInput | null {
  const { dealers, rosterContext } = attempt
  if (
    message.type !== 'masked-input' ||
    dealers === null ||
    rosterContext === null ||
    !dealers.includes(message.sender)
  ) {
    return null
  }
  const header = decodeCanonical(MaskedInput, message.payload, 'masked input header')
  checkLength(header.address, 32, 'address')
  const decided = attempt.agreements.shares.decided
  const ofSet = decided !== null && equalBytes(header.sharesHash, decided.certificate.valueHash)
  return ofSet && header.length === bodyBytesOf(draft, attempt) ? header : null
}

/** Length of one masked input of this round. */
export function bodyBytesOf(draft: Draft, attempt: AttemptState): number {
  const { run, laneCountOf } = draft.deps
  const lanes = laneCountOf(attempt.encodedFor, attempt.tip.completedRounds)
  return lanesByteLength(run.manifest.secureSum.ringBits, lanes)
}

/** Every masked input that can still be waited for is here; those of equivocators are of no use. */
export function inputsComplete(draft: Draft, attempt: AttemptState): boolean {
  const { dealers, held } = attempt
  return dealers!.every(peer => held.has(peer) || isUseless(draft, attempt, peer) || isAbsent(draft, peer))
}

/** True if a peer's masked input will not count, wherever it is. */
export function isUseless(draft: Draft, attempt: AttemptState, peer: PeerId): boolean {
  return attempt.equivocators.has(peer) || isBlamed(draft, peer)
}

/** Signs the list of bodies that this verifier holds: when all are here, when time is up, and again if more come. */
export function takeInventory(draft: Draft, attempt: AttemptState): void {
  const { dealers, rosterContext, held } = attempt
  if (dealers === null || rosterContext === null || attempt.survivors !== null || !maySpeak(attempt)) return
  if (!isVerifier(attempt, draft.deps.self)) return
  const listed = dealers.filter(
    peer => held.has(peer) && !attempt.equivocators.has(peer) && attempt.headers.has(peer)
  )
  if (listed.length <= attempt.listedBodies) return
  if (!inputsComplete(draft, attempt) && draft.nowMs < attempt.inputsDueMs) return
  attempt.listedBodies = listed.length
  const headers: MessageRef[] = listed
    .map(peer => ({ index: rosterIndexOf(attempt, peer), hash: attempt.headers.get(peer)!.hash }))
    .sort((a, b) => a.index - b.index)
  const message = seal(draft, 'inventory', rosterContext, Inventory.encode({ headers }))
  // Those who hold no bodies learn from the inventories when a leader should propose.
  if (hasCommittee(attempt) && attempt.agreements.survivors.view === 0) gossip(draft, message)
  else send(draft, leadersNow(draft, attempt, 'survivors'), message)
}

export function onInventory(draft: Draft, attempt: AttemptState, message: SignedMessage): void {
  if (openInventory(attempt, message) === null)
    return refuse(draft, message, 'not an inventory of this attempt')
  const before = attempt.inventories.get(message.sender)
  if (before !== undefined && before.payload.length >= message.payload.length) return
  attempt.inventories.set(message.sender, message)
  remember(attempt, message)
}

/** The refs of an inventory by a verifier, each roster index once and ascending; or null. */
export function openInventory(attempt: AttemptState, message: SignedMessage): readonly MessageRef[] | null {
  if (message.type !== 'inventory' || !isVerifier(attempt, message.sender)) return null
  const { headers } = decodeCanonical(Inventory, message.payload, 'inventory')
  const ascending = headers.every(
    ({ index }, i) => index < attempt.roster!.length && (i === 0 || headers[i - 1]!.index < index)
  )
  return ascending ? headers : null
}

/** What every mask of this attempt is bound to. */
export function maskContextOf(draft: Draft, attempt: AttemptState): MaskContext {
  const { run, laneCountOf } = draft.deps
  return {
    rosterHash: attempt.rosterContext!.rosterHash,
    run: toHex(run.id),
    round: attempt.round,
    attempt: attempt.attempt,
    laneCount: laneCountOf(attempt.encodedFor, attempt.tip.completedRounds),
    ringBits: run.manifest.secureSum.ringBits
  }
}

/** The roster entries of U2, in roster order. */
export function dealerEntries(attempt: AttemptState): RosterEntry[] {
  return attempt.roster!.filter(({ peer }) => attempt.dealers!.includes(peer))
}

export function maskPeerOf(entry: RosterEntry): { id: PeerId; maskPublicKey: Uint8Array } {
  return { id: entry.peer, maskPublicKey: entry.maskKey }
}

/** Opens an envelope that came inside a proposal; null unless it is well formed, signed, and of this roster. */
export function openInner(draft: Draft, attempt: AttemptState, bytes: Uint8Array): SignedMessage | null {
  const known = attempt.transcript.get(toHex(draft.deps.crypto.sha256(bytes)))
  if (known !== undefined) return known
  try {
    const message = openMessage(bytes, draft.deps.crypto)
    const ofRoster = equalBytes(Context.encode(message.context), Context.encode(attempt.rosterContext!))
    // Its sender may have told this peer something else.
    if (ofRoster) watch(draft, attempt, message)
    return ofRoster ? message : null
  } catch {
    return null
  }
}
