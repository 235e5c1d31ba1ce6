/** How a step says something: seals it, hands it to the host, and takes it in itself. */
import type { Subject } from '../../protocols/certificate.ts'
import { type MessageType, type SignedMessage, sealMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { TRANSCRIPT_BYTES_PER_MEMBER } from '../../protocols/limits.ts'
import type { Context } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { type AgreementSetting, voteRecipients } from './agreement.ts'
import type { Assembly } from './assembly.ts'
import { type AttemptState, type Draft, settingOf } from './round-state.ts'
import type { Notice } from './round-types.ts'

export function seal(draft: Draft, type: MessageType, context: Context, payload: Uint8Array): SignedMessage {
  return sealMessage(type, context, payload, draft.deps.signer, draft.deps.crypto)
}

/** To everyone in the run, or in the cohort of a larger network that it is said in; oneself included. */
export function gossip(draft: Draft, message: SignedMessage): void {
  draft.effects.push({ type: 'gossip', message })
  draft.inbox.push(message)
}

/** To these members; oneself, if named, is told within this step. */
export function send(draft: Draft, to: readonly PeerId[], message: SignedMessage): void {
  const others = to.filter(peer => peer !== draft.deps.self)
  if (others.length > 0) draft.effects.push({ type: 'send', to: others, message })
  if (others.length < to.length) draft.inbox.push(message)
}

export function notice(draft: Draft, body: DistributiveOmit<Notice, 'type'>): void {
  draft.effects.push({ type: 'notice', ...body } as Notice)
}

export function refuse(draft: Draft, message: SignedMessage, reason: string): void {
  notice(draft, { notice: 'refused', peer: message.sender, what: message.type, reason })
}

/** The leader of the current view of a subject and its stand-in. */
export function leadersNow(draft: Draft, attempt: AttemptState, subject: Subject): PeerId[] {
  const setting = settingOf(attempt, subject, draft.deps)
  return setting === null ? [] : voteRecipients(setting, attempt.agreements[subject].view)
}

/** A setting that must exist by now. */
export function knownSetting(draft: Draft, attempt: Assembly, subject: Subject): AgreementSetting {
  const setting = settingOf(attempt, subject, draft.deps)
  if (setting === null) throw new Error(`agreement on ${subject} before the roster is decided`)
  return setting
}

/** Asks these members, oneself excepted, for what they hold of the attempt. */
export function askFor(draft: Draft, assembly: Assembly, peers: readonly PeerId[]): void {
  const from = peers.filter(peer => peer !== draft.deps.self)
  const { round, attempt, context } = assembly
  draft.effects.push({ type: 'probe', round, attempt, cohort: context.cohort, from })
}

/** Keeps a message for those who missed it; beyond what a member may have said in an attempt, no more of that member. */
export function remember({ transcript, transcriptBytes }: Assembly, message: SignedMessage): void {
  const key = toHex(message.hash)
  const bytes = (transcriptBytes.get(message.sender) ?? 0) + message.bytes.length
  if (transcript.has(key) || bytes > TRANSCRIPT_BYTES_PER_MEMBER) return
  transcript.set(key, message)
  transcriptBytes.set(message.sender, bytes)
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
