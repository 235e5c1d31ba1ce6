/**
 * The rules by which a member votes in one agreement, on plain data: no messages, no signatures, no clock.
 * agreement.ts goes by them with real certificates; docs/model-checking.md says how every order of events was tried.
 * Source: Castro and Liskov 1999 (PBFT), sections 4.2 and 4.4.
 */
import { certificateHolds, type Subject, type VoteKind } from '../../protocols/certificate.ts'

/** What a member has bound itself to in one agreement. All but `decided` comes back from its journal. */
export interface Bonds {
  /** Votes below this view are over for this member. */
  readonly view: number
  /** View -> value voted for. */
  readonly prepared: ReadonlyMap<number, unknown>
  readonly committed: ReadonlyMap<number, unknown>
  /** Null while there is no decision. */
  readonly decided: unknown
}

/** What a prepare certificate says: at this view, a quorum voted for this value. */
export interface Prepared {
  readonly view: number
  readonly valueHash: Uint8Array
}

/** What may be proposed: one value again, or anything, `abortable` if an abort too. */
export type Freedom = { readonly repeat: Prepared } | { readonly repeat: null; readonly abortable: boolean }

export interface VotingRules {
  /** True if a vote or a proposal of this view still counts. */
  isOpen(bonds: Bonds, view: number): boolean
  /** True if this member may vote in this view: once for each kind. */
  mayVote(bonds: Bonds, kind: VoteKind, view: number): boolean
  /** True if that many new-views of a later view show that somebody honest has given up on the one this member is in. */
  joins(bonds: Bonds, view: number, newViews: number, faults: number): boolean
  /** The lock that a member reports when it gives up on a view. */
  reported<Lock>(lock: Lock | null): Lock | null
  /**
   * What a leader may propose in a view, and what voters accept from it.
   * @param reports - of each new-view that it rests on, the prepare certificate or undefined
   * @returns null if these do not allow any proposal
   */
  freedomOf(view: number, reports: ReadonlyArray<Prepared | undefined>, quorum: number): Freedom | null
  /**
   * True if a voter judges a proposed value itself. One that had to be repeated carries the votes of a quorum that
   * judged it when it was new: who cannot judge it any more, after a restart, takes their word.
   */
  judgesItself(subject: Subject, fresh: boolean): boolean
  /** True if a certificate of these votes decides. */
  decides(kind: VoteKind): boolean
  /** Whether a certificate has a quorum behind it. */
  holds: typeof certificateHolds
}

function isOpen({ view: current, decided }: Bonds, view: number): boolean {
  return decided === null && view >= current
}

export const votingRules: VotingRules = {
  isOpen,
  mayVote(bonds, kind, view) {
    const votes = kind === 'prepare' ? bonds.prepared : bonds.committed
    return isOpen(bonds, view) && !votes.has(view)
  },
  joins: ({ view: current }, view, newViews, faults) => view > current && newViews > faults,
  reported: lock => lock,
  freedomOf(view, reports, quorum) {
    // Nobody can have been locked before view 0, so it rests on nothing; and nobody has failed yet.
    if (view === 0) return reports.length === 0 ? { repeat: null, abortable: false } : null
    if (reports.length < quorum) return null
    const highest = reports
      .filter(prepared => prepared !== undefined)
      .reduce<Prepared | null>((best, next) => (best === null || next.view > best.view ? next : best), null)
    // A quorum without a lock: no value can have been committed before, and none will be.
    return highest === null ? { repeat: null, abortable: true } : { repeat: highest }
  },
  // A result is everyone's own computation: release-rules.ts says when a quorum's word is taken for it.
  judgesItself: (subject, fresh) => fresh || subject === 'result',
  decides: kind => kind === 'commit',
  holds: certificateHolds
}
