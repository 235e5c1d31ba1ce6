/**
 * How a run that has lost its quorum for good goes on without making a fork. Members that are left promise to say no more
 * in the attempt under way; with the promises of f + 1 of its cohort nobody can come to a quorum there any more, so its
 * author may name the members anew. A member that has committed itself to a link says so: others may have certified it.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { cohortAt, treeAt } from './chain-cohorts.ts'
import type { ChainTip, RunContext } from './chain-tip.ts'
import { decodeCanonical, equalBytes } from './codec.ts'
import { byId } from './election.ts'
import { openMessage, type SignedMessage, ZERO_HASH } from './envelope.ts'
import { type Context, Envelope, StandDown } from './messages.js'
import type { PeerId } from './ports.ts'
import { faultsOf } from './quorum.ts'

/** Promises that are needed: a quorum has n - f members, so it would need one of those who gave them. */
export function standDownsNeeded(cohort: readonly PeerId[]): number {
  return faultsOf(cohort.length) + 1
}

/**
 * The decision that a member says it is locked on, as a hash; null for none.
 * @throws ProtocolError BAD_MESSAGE
 */
export function lockIn({ payload }: Pick<SignedMessage, 'payload'>): Uint8Array | null {
  const { locked } = decodeCanonical(StandDown, payload, 'stand-down')
  return locked.length === 0 ? null : locked
}

/** Why these promises do not allow the author to go on from `tip`, in words; null if they do. */
export function standDownFault(
  tip: ChainTip,
  envelopes: readonly Envelope[],
  run: RunContext,
  crypto: CryptoSuite
): string | null {
  if (treeAt(tip, run, crypto) !== null)
    return 'in a larger network nobody stands down: each of its cohorts has votes of its own'
  const cohort = cohortAt(tip, run, crypto)
  const need = standDownsNeeded(cohort)
  if (envelopes.length < need) return `${envelopes.length} members stand down, ${need} must`
  if (envelopes.length > cohort.length) return 'more stand down than there are'
  const senders: PeerId[] = []
  for (const envelope of envelopes) {
    let message: SignedMessage
    try {
      message = openMessage(Envelope.encode(envelope), crypto)
      if (message.type !== 'stand-down') return `a ${message.type} message is no stand-down`
      if (lockIn(message) !== null) return `${message.sender} may know of a link that others have certified`
    } catch (error) {
      return (error as Error).message
    }
    if (!isOfAttempt(message.context, tip, run)) return 'a stand-down is of another attempt'
    if (!cohort.includes(message.sender)) return `${message.sender} has no vote in this attempt`
    senders.push(message.sender)
  }
  const sorted = [...new Set(senders)].sort(byId)
  return sorted.join() === senders.join() ? null : 'stand-downs are not sorted or appear twice'
}

/** True if it was said in the attempt that `tip` leads to. */
export function isOfAttempt(context: Context, tip: ChainTip, run: Pick<RunContext, 'id'>): boolean {
  return (
    equalBytes(context.run, run.id) &&
    equalBytes(context.previousLink, tip.linkHash) &&
    context.round === tip.round &&
    context.attempt === tip.attempt &&
    equalBytes(context.rosterHash, ZERO_HASH) &&
    context.cohort === undefined
  )
}
