/** What of an agreement is written down before it is said, and how it comes back after a restart. */
import type { Subject } from '../../protocols/certificate.ts'
import { toHex } from '../../protocols/hex.ts'
import { Certificate, type Context } from '../../protocols/messages.js'
import type { AgreementOutput, AgreementState } from './agreement.ts'
import type { JournalEntry, OfAttempt } from './journal.ts'

/** Votes and new-views; with a commit vote, the lock that goes with it. Null for what binds nobody. */
export function entryOf(
  place: OfAttempt,
  subject: Subject,
  { lock }: AgreementState,
  output: AgreementOutput
): JournalEntry | null {
  if (output.type === 'new-view') return { ...place, kind: 'new-view', subject, view: output.view }
  if (output.type !== 'vote') return null
  const { kind, view, valueHash } = output
  const locked = kind === 'commit' && lock !== null
  return {
    ...place,
    kind: 'vote',
    subject,
    vote: kind,
    view,
    valueHash,
    ...(locked
      ? { lock: { certificate: Certificate.encode(lock.certificate), decision: lock.decision } }
      : {})
  }
}

/** Which cohort's entry it is: of a larger network only. */
export function placeInJournal({ cohort }: Pick<Context, 'cohort'>): { readonly cohort?: string } {
  return cohort === undefined ? {} : { cohort }
}

/** Puts an agreement back to where its entries, in any order, say it was. */
export function recall(state: AgreementState, entry: JournalEntry): void {
  if (entry.kind === 'proposal') state.proposed.add(entry.view)
  if (entry.kind !== 'vote' && entry.kind !== 'new-view') return
  state.view = Math.max(state.view, entry.view)
  if (entry.kind === 'new-view') return
  const votes = entry.vote === 'prepare' ? state.prepared : state.committed
  votes.set(entry.view, toHex(entry.valueHash))
  if (entry.lock === undefined) return
  const certificate = Certificate.decode(entry.lock.certificate)
  state.values.set(toHex(certificate.valueHash), entry.lock.decision)
  if (state.lock === null || certificate.view > state.lock.certificate.view)
    state.lock = { certificate, decision: entry.lock.decision }
}
