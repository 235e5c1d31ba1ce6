/** WaitingForMembers: registrations, the author's founding list, and hearing of longer chains. */
import { type AdmissionFault, emptyRecord } from '../../protocols/admission.ts'
import { foundChain } from '../../protocols/chain.ts'
import { checkLength, decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import { byId } from '../../protocols/election.ts'
import { type SignedMessage, ZERO_HASH } from '../../protocols/envelope.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { MEMBERS_MAX } from '../../protocols/limits.ts'
import { Envelope, Founding, Registration, Tip } from '../../protocols/messages.js'
import { openRegistration } from '../../protocols/registration.ts'
import { repeatOrders, revokedNow } from './author-orders.ts'
import { admissionOf, letIn, standingFault } from './newcomers.ts'
import type { Draft } from './round-state.ts'
import { runContextOf } from './run-context.ts'
import { gossip, notice, refuse, seal } from './speak.ts'
import { turnAway } from './turning-away.ts'

/** How often a peer repeats where it stands, and that it wants to be a member, in a small run. */
const HEARTBEAT_MS = 2_000

/** In a larger one each peer still hears no more than so many of the others' heartbeats in that time. */
const HEARTBEATS_HEARD = 8

/** A longer chain is often one's own next link, a moment early: pull it only if it stays out of reach. */
const BEHIND_PATIENCE_MS = 1_500

const SYNC_RETRY_MS = 5_000

/** Repeats registration or tip, founds the chain if this is the author, asks for a longer chain. */
export function keepInTouch(draft: Draft): void {
  const { state, nowMs } = draft
  if (nowMs >= state.heartbeatAtMs) {
    state.heartbeatAtMs = nowMs + heartbeatMs(draft)
    if (mayRegister(draft)) register(draft)
    if (state.tip !== null) announceTip(draft)
    repeatOrders(draft)
    if (state.phase !== 'Finished') reportMissing(draft)
  }
  found(draft)
  const { behind, tip } = state
  if (behind !== null && tip !== null && tip.height >= behind.height) state.behind = null
  else if (behind !== null && nowMs - behind.sinceMs >= BEHIND_PATIENCE_MS && nowMs >= state.syncAtMs) {
    state.syncAtMs = nowMs + SYNC_RETRY_MS
    draft.effects.push({ type: 'sync', from: behind.peer, height: behind.height })
  }
}

/** Everyone repeats it to everyone: at one pace for all sizes a large run would do little else. */
function heartbeatMs({ state, deps }: Draft): number {
  const peers = Math.max(deps.run.manifest.cohort.founders, state.tip?.members.length ?? 0)
  return HEARTBEAT_MS * Math.max(1, peers / HEARTBEATS_HEARD)
}

export function membershipWakeAtMs(draft: Draft): number {
  const { behind, heartbeatAtMs, syncAtMs } = draft.state
  return behind === null
    ? heartbeatAtMs
    : Math.min(heartbeatAtMs, Math.max(behind.sinceMs + BEHIND_PATIENCE_MS, syncAtMs))
}

/** Not a member, and not expelled: then nobody would take it. */
function mayRegister({ state: { tip, phase }, deps: { self } }: Draft): boolean {
  if (phase === 'Finished') return false
  return tip === null || !(tip.members.includes(self) || tip.expelled.includes(self))
}

function register(draft: Draft): void {
  const { nonce, tip } = draft.state
  const { redemption } = draft.deps
  const payload = Registration.encode({
    nonce,
    afterLink: tip?.linkHash ?? ZERO_HASH,
    ...(redemption === undefined ? {} : { redemption })
  })
  gossip(draft, seal(draft, 'registration', runContextOf(draft), payload))
}

function announceTip(draft: Draft): void {
  const { tip, phase, tree } = draft.state
  // In a larger network one cohort's word is enough: what everyone hears must not grow with their number.
  if (tree !== null && !tree.root.cohort.includes(draft.deps.self)) return
  const payload = Tip.encode({ height: tip!.height, linkHash: tip!.linkHash, phase })
  draft.effects.push({ type: 'gossip', message: seal(draft, 'tip', runContextOf(draft), payload) })
}

/** Tells the person whom the run waits for. */
function reportMissing(draft: Draft): void {
  const { state, deps } = draft
  const { founders } = deps.run.manifest.cohort
  if (state.tip === null) {
    notice(draft, { notice: 'waiting', have: state.registrations.size, need: founders, missing: [] })
    return
  }
  const { attempt } = state
  if (attempt === null) return
  const missing = attempt.cohort.filter(
    peer => peer !== deps.self && state.reach.get(peer)?.connected !== true
  )
  const have = attempt.cohort.length - missing.length
  if (have < attempt.quorum) notice(draft, { notice: 'waiting', have, need: attempt.quorum, missing })
}

export function onRegistration(draft: Draft, message: SignedMessage): void {
  const { state } = draft
  const fault = admissionFaultOf(draft, message)
  if (fault !== null) {
    state.registrations.delete(message.sender)
    // It may not have heard yet that it is one.
    if (!state.tip?.members.includes(message.sender)) turnAway(draft, message, fault)
    return
  }
  state.turnedAway.delete(message.sender)
  const known = state.registrations.get(message.sender)
  if (state.registrations.size >= MEMBERS_MAX && known === undefined) return
  // A replay of what a peer said earlier must not take the place of what it says now.
  if (known !== undefined && ageOf(draft, known) < ageOf(draft, message)) return
  state.registrations.set(message.sender, message)
}

/** @throws ProtocolError if it is no registration for this run at all */
function admissionFaultOf(draft: Draft, message: SignedMessage): AdmissionFault | null {
  const { state, deps } = draft
  const { tip } = state
  try {
    openRegistration(message.bytes, deps.run, deps.crypto)
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'NOT_ADMITTED')
      return error.data['fault'] as AdmissionFault
    throw error
  }
  if (tip?.expelled.includes(message.sender)) return 'expelled'
  const admission = admissionOf(deps.run, message)
  if (admission === null || tip?.members.includes(message.sender)) return null
  const record = { ...(tip?.admission ?? emptyRecord), revoked: revokedNow(draft, tip) }
  return standingFault(draft, record, admission, 0)
}

/** Links since the one that a registration names; Infinity if it is not among the recent ones. */
function ageOf(draft: Draft, message: SignedMessage): number {
  const { afterLink } = Registration.decode(message.payload)
  const age = draft.state.tip?.recentLinks.findIndex(hash => equalBytes(hash, afterLink)) ?? -1
  return age < 0 ? Number.POSITIVE_INFINITY : age
}

/** The author signs the founding list, once, as soon as there are enough. */
function found(draft: Draft): void {
  const { state, deps } = draft
  const { manifest } = deps.run
  if (state.tip !== null || deps.self !== manifest.author) return
  const fresh = [...state.registrations.values()].filter(({ payload }) =>
    equalBytes(Registration.decode(payload).afterLink, ZERO_HASH)
  )
  fresh.sort((a, b) => byId(a.sender, b.sender))
  const founders = letIn(draft, fresh, { admission: emptyRecord }).slice(0, MEMBERS_MAX)
  if (founders.length < manifest.cohort.founders) return
  const registrations = founders.map(({ bytes }) => Envelope.decode(bytes))
  draft.inbox.push(seal(draft, 'founding', runContextOf(draft), Founding.encode({ registrations })))
}

/** @returns true if the chain begins with it */
export function onFounding(draft: Draft, message: SignedMessage): boolean {
  const { state, deps } = draft
  if (state.tip !== null) {
    const another = state.tip.height === 0 && !equalBytes(state.tip.linkHash, message.hash)
    if (another) refuse(draft, message, 'this run has been founded with another list')
    return false
  }
  try {
    const tip = foundChain(message.bytes, deps.run, deps.crypto)
    state.tip = tip
    draft.effects.push({ type: 'found', founding: message.bytes, tip })
    // Written down before anyone hears of it: after a crash in between, the author must not sign another list.
    if (message.sender === deps.self) draft.effects.push({ type: 'gossip', message })
    return true
  } catch (error) {
    refuse(draft, message, (error as Error).message)
    return false
  }
}

export function onTip(draft: Draft, message: SignedMessage): void {
  const { height, linkHash } = decodeCanonical(Tip, message.payload, 'tip')
  checkLength(linkHash, 32, 'linkHash')
  const { state, nowMs } = draft
  const own = state.tip?.height ?? -1
  if (height <= own || height <= (state.behind?.height ?? -1)) return
  state.behind = { peer: message.sender, height, sinceMs: state.behind?.sinceMs ?? nowMs }
}
