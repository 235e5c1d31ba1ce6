/**
 * The verdict on bytes that arrived for a run, before anything in them is acted on. `reject` is for what no honest peer
 * would send or pass on; `reject-publisher` for what no honest member would send, while a relay that is no member (a
 * coordinator knows no base model and no chain) passes it on in good faith; `ignore` for what may be honest and is of no
 * use here.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { evidenceChainOf, isForgiven } from './chain-history.ts'
import type { ChainTip, RunContext } from './chain-tip.ts'
import { decodeCanonical, equalBytes } from './codec.ts'
import {
  HASH_BYTES,
  type MessageType,
  openMessage,
  PROTOCOL_VERSION,
  type SignedMessage
} from './envelope.ts'
import { ProtocolError } from './errors.ts'
import { checkEvidence } from './evidence.ts'
import { toHex } from './hex.ts'
import { EVIDENCE_BYTES, GOSSIP_MESSAGE_BYTES } from './limits.ts'
import { Tip } from './messages.js'
import { openOrder } from './orders.ts'
import type { PeerId } from './ports.ts'

export type Refusal =
  | {
      readonly verdict: 'reject' | 'reject-publisher'
      readonly reason: 'TOO_LARGE'
      readonly data: { readonly bytes: number }
    }
  | {
      readonly verdict: 'reject' | 'reject-publisher'
      readonly reason: 'BAD_MESSAGE'
      readonly data: { readonly why: string }
    }
  | {
      readonly verdict: 'reject'
      readonly reason: 'BAD_SIGNATURE'
      readonly data: { readonly signer: PeerId }
    }
  /** The manifest names the base by digest, so whoever is in the run and has another one lies about something. */
  | {
      readonly verdict: 'reject-publisher'
      readonly reason: 'OTHER_BASE_MODEL'
      readonly data: { readonly sender: PeerId; readonly theirs: string; readonly ours: string }
    }
  | {
      readonly verdict: 'ignore'
      readonly reason: 'OTHER_VERSION'
      readonly data: { readonly got: string; readonly spoken: string }
    }
  | { readonly verdict: 'ignore'; readonly reason: 'OTHER_RUN'; readonly data: { readonly run: string } }
  /** Checked in full before it goes on: whoever publishes false evidence makes everyone check it. */
  | {
      readonly verdict: 'reject-publisher'
      readonly reason: 'FALSE_EVIDENCE'
      readonly data: { readonly why: string }
    }
  /** Against somebody who is no member, about links that this peer does not have, or more than one may send. */
  | { readonly verdict: 'ignore'; readonly reason: 'IDLE_EVIDENCE'; readonly data: { readonly why: string } }
  /** Only the author of a run can give it orders: no honest peer passes on another's. */
  | { readonly verdict: 'reject'; readonly reason: 'FORGED_ORDER'; readonly data: { readonly why: string } }
  | {
      readonly verdict: 'ignore'
      readonly reason: 'NOT_A_MEMBER'
      readonly data: { readonly sender: PeerId; readonly type: MessageType }
    }

export type MessageVerdict = { readonly verdict: 'accept'; readonly message: SignedMessage } | Refusal

/** What somebody who is not in the member list that this peer knows may say, and may be needed to catch up. */
const FROM_ANYONE: ReadonlySet<MessageType> = new Set([
  'registration',
  'founding',
  'reconfiguration',
  'tip',
  'certificate',
  // The author's, who need not be a member.
  'order',
  'stand-down'
] satisfies MessageType[])

/**
 * Judges bytes that came by gossip or directly. Size, form, version and signature; run and base model; membership.
 * @param members - as this peer's chain has them, or null before the founding
 */
export function judgeMessage(
  bytes: Uint8Array,
  run: Pick<RunContext, 'id' | 'baseModel'>,
  members: readonly PeerId[] | null,
  crypto: CryptoSuite
): MessageVerdict {
  if (bytes.length > GOSSIP_MESSAGE_BYTES) {
    return { verdict: 'reject', reason: 'TOO_LARGE', data: { bytes: bytes.length } }
  }
  let message: SignedMessage
  try {
    message = openMessage(bytes, crypto)
  } catch (error) {
    return refusalOf(error)
  }
  const { context, sender, type } = message
  if (!equalBytes(context.run, run.id)) {
    return { verdict: 'ignore', reason: 'OTHER_RUN', data: { run: toHex(context.run) } }
  }
  if (!equalBytes(context.baseModel, run.baseModel)) {
    const data = { sender, theirs: toHex(context.baseModel), ours: toHex(run.baseModel) }
    return { verdict: 'reject-publisher', reason: 'OTHER_BASE_MODEL', data }
  }
  if (members !== null && !members.includes(sender) && !FROM_ANYONE.has(type)) {
    return { verdict: 'ignore', reason: 'NOT_A_MEMBER', data: { sender, type } }
  }
  // Strangers make it as easily as bytes of any kind, and everyone would pass it on. Another minor version may say more in it.
  if (type === 'tip' && context.version === PROTOCOL_VERSION && !isTip(message.payload)) {
    return { verdict: 'reject-publisher', reason: 'BAD_MESSAGE', data: { why: 'a tip that is none' } }
  }
  return { verdict: 'accept', message }
}

function isTip(payload: Uint8Array): boolean {
  try {
    return decodeCanonical(Tip, payload, 'tip').linkHash.length === HASH_BYTES
  } catch {
    return false
  }
}

/**
 * Judges a message of type `evidence` that `judgeMessage` has accepted.
 * @param admits - false if its sender has sent enough
 */
export function judgeEvidence(
  message: SignedMessage,
  run: RunContext,
  tip: ChainTip | null,
  admits: (sender: PeerId) => boolean,
  crypto: CryptoSuite
): MessageVerdict {
  const idle = (why: string): Refusal => ({ verdict: 'ignore', reason: 'IDLE_EVIDENCE', data: { why } })
  if (tip === null) return idle('there is no chain yet')
  if (message.payload.length > EVIDENCE_BYTES)
    return { verdict: 'reject-publisher', reason: 'TOO_LARGE', data: { bytes: message.payload.length } }
  if (!admits(message.sender)) return idle('its sender has sent enough')
  const verdict = checkEvidence(message.payload, run, evidenceChainOf(tip, run, crypto), crypto)
  if (!verdict.holds) {
    const { reason: why } = verdict
    return verdict.later
      ? idle(why)
      : { verdict: 'reject-publisher', reason: 'FALSE_EVIDENCE', data: { why } }
  }
  if (!tip.members.includes(verdict.evidence.culprit)) return idle('it is against nobody in the run')
  if (isForgiven(tip, verdict.evidence, run)) return idle('the author has set the members anew since')
  return { verdict: 'accept', message }
}

/** Judges a message of type `order` that `judgeMessage` has accepted. */
export function judgeOrder(message: SignedMessage, run: RunContext): MessageVerdict {
  try {
    openOrder(message, run)
    return { verdict: 'accept', message }
  } catch (error) {
    return { verdict: 'reject', reason: 'FORGED_ORDER', data: { why: (error as Error).message } }
  }
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof ProtocolError)) throw error
  const { code, data, message } = error
  if (code === 'VERSION') {
    const { got, spoken } = data as { got: string; spoken: string }
    return { verdict: 'ignore', reason: 'OTHER_VERSION', data: { got, spoken } }
  }
  if (code === 'BAD_SIGNATURE') {
    return { verdict: 'reject', reason: 'BAD_SIGNATURE', data: { signer: data['signer'] as PeerId } }
  }
  return { verdict: 'reject', reason: 'BAD_MESSAGE', data: { why: message } }
}
