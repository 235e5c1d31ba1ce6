/**
 * What no honest member says twice. A pair of signed messages that contradict each other is evidence against their
 * sender, whoever shows it. docs/blame.md has the table.
 *
 * Each row holds because a member writes down what it is about to say, and syncs it, before it says it; after a restart
 * without its journal it is silent. What may grow (share-ack, inventory) or moves on (registration, tip) is no row, nor
 * is what is only passed on (certificate), nor without-secrets, which says nothing.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { decodeCanonical } from './codec.ts'
import type { SignedMessage } from './envelope.ts'
import { toHex } from './hex.ts'
import { Context, NewView, Proposal, Vote } from './messages.js'

/** What a message binds its sender to. */
export interface Utterance {
  readonly message: SignedMessage
  /** Of two messages in one slot, both must say the same. */
  readonly slot: string
  readonly said: string
  /** Of a commit vote and a new-view: what it says about the lock of its sender. */
  readonly lock: Lock | null
}

interface Lock {
  /** Context and subject. */
  readonly agreement: string
  readonly kind: 'commit' | 'new-view'
  readonly view: number
  /** View of the highest prepare certificate that the sender has committed to by then; -1 if it says there is none. */
  readonly lockedIn: number
}

/**
 * @returns null for a message that can be said again in other words, or that does not decode
 */
export function utteranceOf(message: SignedMessage, crypto: Pick<CryptoSuite, 'sha256'>): Utterance | null {
  try {
    return bindingOf(message, crypto)
  } catch {
    // Unreadable words bind nobody; they are refused elsewhere.
    return null
  }
}

function bindingOf(message: SignedMessage, { sha256 }: Pick<CryptoSuite, 'sha256'>): Utterance | null {
  const { type, payload, context } = message
  const place = toHex(sha256(Context.encode(context)))
  switch (type) {
    case 'advertise-keys':
    case 'share-keys':
    case 'masked-input':
    case 'unmask-bundle':
    case 'attestation':
      return { message, slot: `${type} ${place}`, said: toHex(sha256(payload)), lock: null }
    case 'prepare':
    case 'commit': {
      const { subject, view, valueHash } = decodeCanonical(Vote, payload, 'vote')
      const agreement = `${place} ${subject}`
      const lock: Lock | null = type === 'commit' ? { agreement, kind: 'commit', view, lockedIn: view } : null
      return { message, slot: `${type} ${agreement} ${view}`, said: toHex(valueHash), lock }
    }
    case 'proposal': {
      const { subject, view, decision } = decodeCanonical(Proposal, payload, 'proposal')
      const slot = `proposal ${place} ${subject} ${view}`
      return { message, slot, said: toHex(sha256(decision)), lock: null }
    }
    case 'new-view': {
      const { subject, view, prepared } = decodeCanonical(NewView, payload, 'new-view')
      const agreement = `${place} ${subject}`
      // Two sets of votes for one value say the same.
      const said = prepared === undefined ? 'none' : `${prepared.view} ${toHex(prepared.valueHash)}`
      const lock: Lock = { agreement, kind: 'new-view', view, lockedIn: prepared?.view ?? -1 }
      return { message, slot: `new-view ${agreement} ${view}`, said, lock }
    }
    case 'reconfiguration':
      // One per parent: roster and encoding belong to the link that is signed, not to its place.
      return {
        message,
        slot: `reconfiguration ${toHex(context.run)} ${toHex(context.previousLink)}`,
        said: toHex(payload),
        lock: null
      }
    default:
      return null
  }
}

/** In what two messages contradict each other, in words; null if they do not. The order does not matter. */
export function contradictionOf(a: Utterance, b: Utterance): string | null {
  if (a.message.sender !== b.message.sender) return null
  if (a.slot === b.slot) return a.said === b.said ? null : `two different ${a.message.type} messages`
  return forgottenLock(a, b) ?? forgottenLock(b, a)
}

/**
 * A later new-view that denies what its sender was locked on. Its lock only rises: it writes down a commit vote with the
 * lock before it says it, and never votes in a view that it has left.
 */
function forgottenLock({ lock: earlier }: Utterance, { lock: later }: Utterance): string | null {
  if (earlier === null || later === null || later.kind !== 'new-view') return null
  if (earlier.agreement !== later.agreement || earlier.view >= later.view) return null
  if (later.lockedIn >= earlier.lockedIn) return null
  const before = earlier.kind === 'commit' ? 'a commit vote' : 'a new-view'
  return `a new-view of view ${later.view} that denies the lock of ${before} of view ${earlier.view}`
}
