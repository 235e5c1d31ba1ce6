/** One honest member in one agreement: a real AgreementState, its journal, and what it has said. */
import { type AgreementState, type Grounds, newAgreement } from '../../node/round/agreement.ts'
import type { JournalEntry } from '../../node/round/journal.ts'
import type { Participation } from '../../node/round/release-rules.ts'
import type { VoteKind } from '../../protocols/certificate.ts'
import { toHex } from '../../protocols/hex.ts'
import { Certificate } from '../../protocols/messages.js'
import { decisionOf, hashOf, type Lock, VALUES, type Value, valueNamed } from './words.ts'

export type Word =
  | { readonly type: 'vote'; readonly kind: VoteKind; readonly view: number; readonly value: Value }
  | { readonly type: 'new-view'; readonly view: number; readonly lock: Lock | null }
  | {
      readonly type: 'proposal'
      readonly view: number
      readonly value: Value
      /** What its voters see in the new-views that it carries. */
      readonly grounds: Grounds
    }

export interface Member {
  /** It has not heard the decision that this agreement follows on. */
  readonly behind: boolean
  /** Without the containers of messages: the model holds those for all. */
  readonly agreement: AgreementState
  /** The set that was decided on before this agreement. */
  readonly survivors: Value | null
  readonly journal: readonly JournalEntry[]
  /** Word texts, sorted. */
  readonly said: ReadonlyMap<string, Word>
  readonly participation: Participation
  readonly released: boolean
  /** Sets for which it has sent shares, each time it did. */
  readonly releases: readonly Value[]
  /** Its shares of this attempt are in its memory. */
  readonly hasShares: boolean
  readonly hasResult: boolean
}

export function newMember(behind: boolean): Member {
  return {
    behind,
    agreement: bare(newAgreement()),
    survivors: null,
    journal: [],
    said: new Map(),
    participation: 'full',
    released: false,
    releases: [],
    hasShares: true,
    hasResult: false
  }
}

/** What a member brings along from the agreement on survivors into that on the result. */
export function goneOn(member: Member): Member {
  const { participation, released, releases, hasShares } = member
  const journal = member.journal.filter(({ kind }) => kind === 'release')
  return { ...newMember(true), journal, participation, released, releases, hasShares }
}

/** Every value is known to everyone: a certificate and a proposal bring theirs along. */
const everyValue = new Map(VALUES.map(value => [toHex(hashOf(value)), decisionOf(value)]))

/** A state without messages, clocks, and signatures: those are the model's. */
export function bare(state: AgreementState): AgreementState {
  return {
    ...newAgreement(),
    view: state.view,
    deadlineMs: 0,
    values: new Map(everyValue),
    prepared: new Map([...state.prepared].sort(([a], [b]) => a - b)),
    committed: new Map([...state.committed].sort(([a], [b]) => a - b)),
    lock: unsigned(state.lock),
    proposed: new Set([...state.proposed].sort()),
    decided: unsigned(state.decided)
  }
}

function unsigned(certified: AgreementState['lock']): AgreementState['lock'] {
  if (certified === null) return null
  return { ...certified, certificate: { ...certified.certificate, signatures: [] } }
}

export function lockOf(state: AgreementState['lock']): Lock | null {
  return state === null
    ? null
    : { view: state.certificate.view, value: valueNamed(state.certificate.valueHash) }
}

export function wordText(word: Word): string {
  const of = (lock: Lock | null) => (lock === null ? '-' : `${lock.view}${lock.value}`)
  if (word.type === 'vote') return `${word.kind} ${word.view} ${word.value}`
  if (word.type === 'new-view') return `new-view ${word.view} ${of(word.lock)}`
  return `proposal ${word.view} ${word.value} ${word.grounds.fresh} ${word.grounds.abortable}`
}

export function withWords(
  said: ReadonlyMap<string, Word>,
  words: readonly Word[]
): ReadonlyMap<string, Word> {
  if (words.length === 0) return said
  const all = new Map(said)
  for (const word of words) all.set(wordText(word), word)
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

function entryText(entry: JournalEntry): string {
  if (entry.kind === 'new-view' || entry.kind === 'proposal') return `${entry.kind} ${entry.view}`
  if (entry.kind === 'release') return `release ${valueNamed(entry.survivorsHash)}`
  if (entry.kind === 'advertise' || entry.kind === 'stand-down') return entry.kind
  const lock =
    entry.lock === undefined ? '' : valueNamed(Certificate.decode(entry.lock.certificate).valueHash)
  return `${entry.vote} ${entry.view} ${valueNamed(entry.valueHash)} ${lock}`
}

/**
 * The same text for the same member, and for no other.
 * @param inOrder - true if the order of a journal matters: only when the end of it can be lost
 */
export function memberText(member: Member, inOrder: boolean): string {
  const { agreement, journal, said } = member
  const votes = (by: ReadonlyMap<number, string>) =>
    [...by].map(([view, hash]) => `${view}${valueNamed(hash)}`).join()
  const lock = lockOf(agreement.lock)
  return [
    member.behind ? 'behind' : '',
    agreement.view,
    votes(agreement.prepared),
    votes(agreement.committed),
    lock === null ? '' : `${lock.view}${lock.value}`,
    [...agreement.proposed].join(),
    agreement.decided === null ? '' : valueNamed(agreement.decided.certificate.valueHash),
    (inOrder ? journal.map(entryText) : journal.map(entryText).sort()).join(),
    [...said.keys()].join(),
    member.survivors ?? '',
    member.participation,
    member.released,
    member.releases.join(),
    member.hasShares,
    member.hasResult
  ].join('|')
}
