/**
 * Coming back into an attempt: what this peer may still do depends on what its journal says, and on what the others
 * hold that bears its signature.
 */

import { equalBytes } from '../../protocols/codec.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { NewView, Proposal, Vote } from '../../protocols/messages.js'
import type { Assembly } from './assembly.ts'
import type { JournalEntry } from './journal.ts'
import { releaseRules } from './release-rules.ts'
import type { AttemptState, Draft } from './round-state.ts'
import type { RoundEvent } from './round-types.ts'
import { askFor, gossip, notice, remember, seal } from './speak.ts'
import { standDownFromJournal } from './standing-down.ts'
import type { ParentState } from './tree/parent-state.ts'
import { restoreAgreements } from './voting.ts'

/** How long to wait before asking the cohort again what it knows of this peer. */
const PROBE_RETRY_MS = 1_000

/** Asks the others, every now and then, what they have heard of this peer and of each other. */
export function probe(draft: Draft, assembly: AttemptState | ParentState): void {
  if (draft.nowMs < assembly.probeAtMs) return
  assembly.probeAtMs = draft.nowMs + PROBE_RETRY_MS
  askFor(draft, assembly, assembly.cohort)
}

/** Takes in the answer to a probe. While probing, it decides how far this peer takes part. */
export function resume(
  draft: Draft,
  attempt: AttemptState | ParentState,
  event: RoundEvent & { type: 'probed' }
): void {
  if (attempt.participation === 'probing') {
    const journal = event.journal.filter(({ cohort }) => cohort === attempt.context.cohort)
    if (attempt.kind === 'cohort' && event.answers + 1 < attempt.quorum)
      standDownFromJournal(draft, attempt, journal)
    // Fewer can decide nothing without this peer, so it loses nothing by waiting; more may hold what it said earlier.
    if (event.answers < attempt.quorum - 1) return
    decideParticipation(draft, attempt, journal, event.transcript)
    draft.inbox.push(...draft.state.backlog.values())
    draft.state.backlog.clear()
  }
  const own = draft.deps.self
  // One's own words of before the restart count again: others may not have them all.
  draft.inbox.push(
    ...event.transcript.filter(message => message.sender !== own || attempt.participation === 'voter')
  )
}

function decideParticipation(
  draft: Draft,
  attempt: AttemptState | ParentState,
  journal: readonly JournalEntry[],
  transcript: readonly SignedMessage[]
): void {
  const { round, attempt: number } = attempt
  const unknown = transcript.find(
    message =>
      message.sender === draft.deps.self && isOfAttempt(attempt, message) && !journalled(journal, message)
  )
  attempt.participation = releaseRules.participationAfter(journal.length > 0, unknown !== undefined)
  if (unknown !== undefined) {
    const reason = `others hold a ${unknown.type} message of this peer that its journal does not know: a second process acts with its identity, or its folder is an old copy`
    notice(draft, { notice: 'without-secrets', round, attempt: number, reason })
    return
  }
  if (attempt.participation === 'full') return
  restoreAgreements(attempt, journal)
  if (journal.some(({ kind }) => kind === 'stand-down')) {
    attempt.participation = 'silent'
    const reason = 'it has stood down in this attempt, so that the author may name the members anew'
    notice(draft, { notice: 'without-secrets', round, attempt: number, reason })
    return
  }
  // It had no secrets to lose.
  if (attempt.kind === 'parent') return
  const reason = 'it restarted in the middle of the attempt: its keys and shares are gone, it goes on voting'
  notice(draft, { notice: 'without-secrets', round, attempt: number, reason })
  gossip(draft, seal(draft, 'without-secrets', attempt.context, new Uint8Array()))
}

/** A member that restarted tells the others not to wait for what it cannot give any more. */
export function onWithoutSecrets(attempt: AttemptState, message: SignedMessage): void {
  if (message.payload.length > 0 || !attempt.cohort.includes(message.sender)) return
  attempt.withoutSecrets.add(message.sender)
  remember(attempt, message)
}

/** Old words of this peer, handed to it by a liar, say nothing about this attempt. */
function isOfAttempt({ context: own }: Assembly, { context }: SignedMessage): boolean {
  return (
    equalBytes(context.run, own.run) &&
    equalBytes(context.previousLink, own.previousLink) &&
    context.cohort === own.cohort &&
    context.round === own.round &&
    context.attempt === own.attempt
  )
}

/** True if the journal explains that this peer said it. */
function journalled(journal: readonly JournalEntry[], message: SignedMessage): boolean {
  switch (message.type) {
    case 'prepare':
    case 'commit': {
      const { subject, view, valueHash } = Vote.decode(message.payload)
      return journal.some(
        entry =>
          entry.kind === 'vote' &&
          entry.vote === message.type &&
          entry.subject === subject &&
          entry.view === view &&
          equalBytes(entry.valueHash, valueHash)
      )
    }
    case 'new-view': {
      const { subject, view } = NewView.decode(message.payload)
      return journal.some(
        entry => entry.kind === 'new-view' && entry.subject === subject && entry.view === view
      )
    }
    case 'proposal': {
      const { subject, view } = Proposal.decode(message.payload)
      return journal.some(
        entry => entry.kind === 'proposal' && entry.subject === subject && entry.view === view
      )
    }
    case 'inventory':
    case 'attestation':
      // Said without being written down, also by those who came too late to advertise keys.
      return journal.length > 0
    case 'stand-down':
      return journal.some(entry => entry.kind === 'stand-down')
    case 'unmask-bundle':
      return journal.some(entry => entry.kind === 'release')
    case 'registration':
    case 'founding':
    case 'tip':
    case 'certificate':
    case 'without-secrets':
    case 'evidence':
    case 'order':
    case 'refusal':
      return true
    default:
      // Keys, shares, acknowledgements and inputs all come after the keys were advertised.
      return journal.some(entry => entry.kind === 'advertise')
  }
}
