/**
 * Peers that ask to be members in vain are told why, with what shows it: whoever lies to a newcomer could otherwise keep
 * it out. And what a newcomer makes of it.
 */
import { type AdmissionFault, isAdmissionFault } from '../../protocols/admission.ts'
import { decodeCanonical } from '../../protocols/codec.ts'
import { rankMembers } from '../../protocols/election.ts'
import { openMessage, type SignedMessage, ZERO_HASH } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { redemptionFault } from '../../protocols/invitation.ts'
import { TURNED_AWAY_MAX } from '../../protocols/limits.ts'
import { Envelope, Refusal, Registration } from '../../protocols/messages.js'
import { openOrder } from '../../protocols/orders.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { revokedNow } from './author-orders.ts'
import type { Draft } from './round-state.ts'
import { runContextOf } from './run-context.ts'
import { notice, refuse, seal, send } from './speak.ts'

/** Not all members need to say so: of so many, one is honest and there. */
const TELLERS = 4

/** A peer that goes on asking, after a restart perhaps, is told again after this long. */
const TELL_AGAIN_MS = 30_000

/** Redemptions by others that fit one message; an invitation with more uses is refused without showing them. */
const SHOWN_MAX = 256

/** Tells the log once, and the peer now and then. */
export function turnAway(draft: Draft, message: SignedMessage, fault: AdmissionFault): void {
  const { state, nowMs } = draft
  const { sender } = message
  const known = state.turnedAway.get(sender)
  if (known?.fault !== fault) refuse(draft, message, fault)
  else if (nowMs - known.toldAtMs < TELL_AGAIN_MS) return
  state.turnedAway.delete(sender)
  if (state.turnedAway.size >= TURNED_AWAY_MAX) state.turnedAway.delete(state.turnedAway.keys().next().value!)
  state.turnedAway.set(sender, { fault, toldAtMs: nowMs })
  if (!tells(draft, sender)) return
  const payload = Refusal.encode(refusalOf(draft, message, fault))
  send(draft, [sender], seal(draft, 'refusal', runContextOf(draft), payload))
}

/** Before the founding its author is who lets members in. */
function tells({ state: { tip }, deps: { self, run, crypto } }: Draft, peer: PeerId): boolean {
  if (peer === self) return false
  if (self === run.manifest.author) return true
  if (tip === null) return false
  const place = rankMembers(tip.members, tip.beacon, 0, crypto.sha256).indexOf(self)
  return place >= 0 && place < TELLERS
}

function refusalOf(draft: Draft, { payload }: SignedMessage, reason: AdmissionFault): Refusal {
  const { tip } = draft.state
  const none: Refusal = { reason, admissions: [] }
  const invitation = Registration.decode(payload).redemption?.invitation
  if (invitation === undefined) return none
  const key = toHex(invitation.id)
  if (reason === 'used-up') {
    const peers = [...(tip?.admission.redeemed.get(key)?.values() ?? [])]
    return { reason, admissions: peers.length > SHOWN_MAX ? [] : peers }
  }
  const order = reason === 'revoked' ? revokedNow(draft, tip).get(key) : undefined
  return order === undefined || order.length === 0 ? none : { ...none, order: Envelope.decode(order) }
}

/** Somebody says that this peer is not let in. Only what it can check for itself ends its waiting. */
export function onRefusal(draft: Draft, message: SignedMessage): void {
  const { state, deps } = draft
  if (state.tip?.members.includes(deps.self)) return
  const refusal = decodeCanonical(Refusal, message.payload, 'refusal')
  const { reason: fault } = refusal
  if (!isAdmissionFault(fault)) return
  const isProven = shows(draft, refusal, fault)
  const key = `${fault} ${isProven}`
  if (state.refusedAs === key) return
  state.refusedAs = key
  notice(draft, { notice: 'turned-away', by: message.sender, fault, isProven })
}

/** True if what comes with a refusal, or this peer's own clock, shows that it is right. */
function shows(draft: Draft, { admissions, order }: Refusal, fault: AdmissionFault): boolean {
  const { self, run, crypto, redemption } = draft.deps
  const invitation = redemption?.invitation
  if (invitation === undefined) return false
  if (fault === 'expired') return draft.nowMs >= 1000 * invitation.expiresAtS
  const own = toHex(invitation.id)
  if (fault === 'used-up') {
    const by = { id: run.id, author: run.manifest.author }
    const others = admissions.filter(
      ({ peer, redemption: other }) =>
        peer !== self &&
        toHex(other?.invitation?.id ?? ZERO_HASH) === own &&
        redemptionFault(other!, peer, by, crypto) === null
    )
    return new Set(others.map(({ peer }) => peer)).size >= invitation.uses
  }
  if (fault !== 'revoked' || order === undefined) return false
  const ordered = openOrder(openMessage(Envelope.encode(order), crypto), run)
  return ordered.kind === 'revoke' && ordered.invitation === own
}
