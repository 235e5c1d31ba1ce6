/**
 * Who re-adds the sum. Everyone in a small cohort; in a larger one a committee that the beacon draws, so that the others
 * need not pull every masked input. A verifier that has come to a result attests it; the others vote, in the same
 * agreement of the whole cohort, for what a quorum of the committee attests. So a committee can delay a result, and one
 * of which more than two thirds lie can make a wrong one, but none can make two, nor learn more than the cohort does.
 *
 * If the committee comes to nothing in time, the whole cohort takes its place: everyone pulls and re-adds.
 */
import { checkLength, decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import { HASH_BYTES, type SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { Attestation } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { bodyBytesOf, inputsComplete, pull } from './inputs.ts'
import { type AttemptState, type Draft, hasCommittee, isAbsent, isVerifier, maySpeak } from './round-state.ts'
import type { OfferedSum } from './round-types.ts'
import { gossip, refuse, remember, seal } from './speak.ts'

/** Says what this peer has come to, if others rely on it. @param sumAddress - of the sum that it serves to them */
export function attest(
  draft: Draft,
  attempt: AttemptState,
  decision: Uint8Array,
  sumAddress: Uint8Array | null = null
): void {
  const { rosterContext, verifiers, attestations } = attempt
  const { self, crypto } = draft.deps
  if (!hasCommittee(attempt) || !verifiers.voters.includes(self) || rosterContext === null) return
  if (!maySpeak(attempt) || attestations.has(self)) return
  const payload = Attestation.encode({
    valueHash: crypto.sha256(decision),
    sumAddress: sumAddress ?? new Uint8Array()
  })
  gossip(draft, seal(draft, 'attestation', rosterContext, payload))
}

/** One of each verifier counts, the first: an honest one says the same twice. */
export function onAttestation(draft: Draft, attempt: AttemptState, message: SignedMessage): void {
  const { verifiers, attestations } = attempt
  if (!hasCommittee(attempt) || !verifiers.voters.includes(message.sender))
    return refuse(draft, message, 'its sender is not in the committee of verifiers')
  const { valueHash, sumAddress } = decodeCanonical(Attestation, message.payload, 'attestation')
  checkLength(valueHash, HASH_BYTES, 'valueHash')
  if (sumAddress.length > 0) checkLength(sumAddress, HASH_BYTES, 'sumAddress')
  const first = attestations.get(message.sender)
  if (first !== undefined) {
    if (!equalBytes(first.hash, message.hash)) refuse(draft, message, 'it has attested another result before')
    return
  }
  attestations.set(message.sender, message)
  remember(attempt, message)
}

/** Verifiers that attest this decision. */
export function attestersOf({ attestations }: AttemptState, valueHash: Uint8Array): PeerId[] {
  return [...attestations]
    .filter(([, { payload }]) => equalBytes(Attestation.decode(payload).valueHash, valueHash))
    .map(([peer]) => peer)
}

/**
 * Where the sum behind a certified decision is to be had. Nobody has agreed on where that is, so what most of those say
 * counts who attest the decision; whoever makes a state from it compares that with the link.
 */
export function attestedSum(draft: Draft, attempt: AttemptState, valueHash: Uint8Array): OfferedSum | null {
  if (attempt.place !== null) return null
  const holdersOf = new Map<string, { readonly address: Uint8Array; readonly holders: PeerId[] }>()
  for (const [peer, { payload }] of attempt.attestations) {
    const { valueHash: attested, sumAddress: address } = Attestation.decode(payload)
    if (peer === draft.deps.self || address.length === 0 || !equalBytes(attested, valueHash)) continue
    const known = holdersOf.get(toHex(address))
    if (known === undefined) holdersOf.set(toHex(address), { address, holders: [peer] })
    else known.holders.push(peer)
  }
  const [most] = [...holdersOf.values()].sort((a, b) => b.holders.length - a.holders.length)
  return most === undefined ? null : { ...most, lengthBytes: bodyBytesOf(draft, attempt) }
}

/** True if a quorum of the committee attests it: all of them would have to lie if it were wrong. */
export function isAttested(attempt: AttemptState, valueHash: Uint8Array): boolean {
  return hasCommittee(attempt) && attestersOf(attempt, valueHash).length >= attempt.verifiers.quorum
}

/** The decision that a quorum of the committee attests, once it has come here; null while there is none. */
export function attestedDecision(attempt: AttemptState): Uint8Array | null {
  const { values } = attempt.agreements.result
  const hash = attestedHash(attempt)
  return hash === null ? null : (values.get(toHex(hash)) ?? null)
}

/** The hash of what a quorum of the committee attests, also of a loss. */
export function attestedHash(attempt: AttemptState): Uint8Array | null {
  const { attestations } = attempt
  for (const { payload } of attestations.values()) {
    const { valueHash } = Attestation.decode(payload)
    if (isAttested(attempt, valueHash)) return valueHash
  }
  return null
}

/** True if what a result can be judged by comes without asking: from the committee, or from the sum that is being opened. */
export function awaitsResult(attempt: AttemptState): boolean {
  return hasCommittee(attempt) || attempt.unmasking === 'running'
}

/** All that this peer waits for before a leader should propose the survivors. */
export function collectionComplete(draft: Draft, attempt: AttemptState): boolean {
  if (isVerifier(attempt, draft.deps.self)) return inputsComplete(draft, attempt)
  return attempt.verifiers.voters.every(peer => attempt.inventories.has(peer) || isAbsent(draft, peer))
}

/** Takes the committee's place when it has had its time: pulls the masked inputs of the survivors, to re-add them. */
export function standIn(draft: Draft, attempt: AttemptState): void {
  const { survivors, standsIn, agreements, held, resultDueMs } = attempt
  if (survivors === null || standsIn || isVerifier(attempt, draft.deps.self)) return
  if (agreements.result.decided !== null || draft.nowMs < resultDueMs) return
  attempt.standsIn = true
  for (const { peer, address, lengthBytes, holders } of survivors)
    if (!held.has(peer)) pull(draft, attempt, peer, { address, length: lengthBytes }, holders)
}
