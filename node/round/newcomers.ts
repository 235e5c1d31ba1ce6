/**
 * Who comes into the run with the next link: those who register, are let in by the manifest, and whose invitation has
 * uses left by the chain. Whoever proposes chooses; whoever votes checks the choice.
 */
import {
  type AdmissionFault,
  type AdmissionRecord,
  hasRedeemed,
  needsInvitation,
  recordFault,
  recordWith
} from '../../protocols/admission.ts'
import type { ChainTip, RunContext } from '../../protocols/chain-tip.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { byId } from '../../protocols/election.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { ADMISSIONS_PER_LINK, EXPIRY_TOLERANCE_MS } from '../../protocols/limits.ts'
import { type Admission, Envelope, Registration } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { openRegistration } from '../../protocols/registration.ts'
import { revokedNow } from './author-orders.ts'
import type { Draft } from './round-state.ts'

/** What a peer shows to be let in, where it needs to show something. */
export function admissionOf(
  { manifest }: Pick<RunContext, 'manifest'>,
  { sender, payload }: Pick<SignedMessage, 'sender' | 'payload'>
): Admission | null {
  if (!needsInvitation(manifest, sender)) return null
  const { redemption } = Registration.decode(payload)
  return redemption?.invitation === undefined ? null : { peer: sender, redemption }
}

/** Registrations of those who are not members yet, fresh enough; by id. */
export function registeredFor(draft: Draft, tip: ChainTip): SignedMessage[] {
  return [...draft.state.registrations.values()]
    .filter(message => registers(tip, message) !== null)
    .sort((a, b) => byId(a.sender, b.sender))
}

/** The peer that a registration brings in now, invitations aside, or null. */
export function registers(tip: ChainTip, message: SignedMessage): PeerId | null {
  if (message.type !== 'registration' || tip.members.includes(message.sender)) return null
  if (tip.expelled.includes(message.sender)) return null
  const { afterLink } = Registration.decode(message.payload)
  return tip.recentLinks.some(hash => equalBytes(hash, afterLink)) ? message.sender : null
}

/** Of these, in their order, those whom a proposal of this peer would let in now. */
export function letIn(
  draft: Draft,
  messages: readonly SignedMessage[],
  tip: Pick<ChainTip, 'admission'>
): SignedMessage[] {
  let record: AdmissionRecord = { ...tip.admission, revoked: revokedNow(draft, draft.state.tip) }
  let admitted = 0
  return messages.filter(message => {
    const admission = admissionOf(draft.deps.run, message)
    if (admission === null) return true
    if (admitted >= ADMISSIONS_PER_LINK || standingFault(draft, record, admission, 0) !== null) return false
    record = recordWith(record, admission)
    admitted++
    return true
  })
}

/** Whom this peer would propose. */
export function newcomersOf(draft: Draft, tip: ChainTip): SignedMessage[] {
  return letIn(draft, registeredFor(draft, tip), tip)
}

/**
 * Why an invitation does not let a peer in now, or null. Its signatures have been checked.
 * @param toleranceMs - how long after its expiry it still does, by this peer's clock
 */
export function standingFault(
  draft: Draft,
  record: AdmissionRecord,
  { peer, redemption }: Admission,
  toleranceMs: number
): AdmissionFault | null {
  const invitation = redemption!.invitation!
  const fault = recordFault(record, invitation, peer)
  if (fault !== null || hasRedeemed(record, invitation, peer)) return fault
  return draft.nowMs >= 1000 * invitation.expiresAtS + toleranceMs ? 'expired' : null
}

/**
 * Opens the registrations that a proposal carries; null if one of them brings nobody in.
 * @param record - with the orders of the same proposal carried out
 */
export function openNewcomers(
  draft: Draft,
  tip: ChainTip,
  envelopes: readonly Envelope[],
  record: AdmissionRecord
): SignedMessage[] | null {
  const { run, crypto } = draft.deps
  const newcomers: SignedMessage[] = []
  for (const envelope of envelopes) {
    const bytes = Envelope.encode(envelope)
    const { type, context, payload } = envelope
    let peer: PeerId
    try {
      peer = openRegistration(bytes, run, crypto).peer
    } catch {
      return null
    }
    const message = { type, context, payload, sender: peer, bytes } as SignedMessage
    if (registers(tip, message) === null) return null
    newcomers.push(message)
  }
  return fits(draft, record, admissionsAmong(run, newcomers)) ? newcomers : null
}

/**
 * False if a proposal lets in whom no honest leader would: more than an invitation has uses for, or long after its expiry
 * by this peer's clock. A leader goes by its own clock, so this one leaves it time (limits.ts).
 */
export function fits(draft: Draft, record: AdmissionRecord, admissions: readonly Admission[]): boolean {
  let counted = record
  return (
    admissions.length <= ADMISSIONS_PER_LINK &&
    admissions.every(admission => {
      const fault = standingFault(draft, counted, admission, EXPIRY_TOLERANCE_MS)
      counted = recordWith(counted, admission)
      return fault === null
    })
  )
}

/** By what these come in, where they need something; by peer. @param members - after the link, if not all of them fit */
export function admissionsAmong(
  run: Pick<RunContext, 'manifest'>,
  newcomers: ReadonlyArray<Pick<SignedMessage, 'sender' | 'payload'>>,
  members?: readonly PeerId[]
): Admission[] {
  return newcomers
    .flatMap(message => admissionOf(run, message) ?? [])
    .filter(({ peer }) => members === undefined || members.includes(peer))
    .sort((a, b) => byId(a.peer, b.peer))
}
