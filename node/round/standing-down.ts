/**
 * When too few members are left for a quorum, the author asks those that are there to stand down: to say no more in the
 * attempt under way, so that it may name the members anew (protocols/stand-down.ts). One that sees a quorum does not.
 */
import { equalBytes } from '../../protocols/codec.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { Context, Decision, StandDown } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import { lockIn, standDownsNeeded } from '../../protocols/stand-down.ts'
import type { JournalEntry } from './journal.ts'
import { type AttemptState, type Draft, maySpeak } from './round-state.ts'
import { notice, refuse, remember, seal } from './speak.ts'
import { restoreAgreements } from './voting.ts'

/** The author's peer begins. */
export function askToStandDown(draft: Draft): void {
  const { attempt } = draft.state
  if (attempt !== null && attempt.place === null) want(draft, attempt)
}

export function onStandDown(draft: Draft, message: SignedMessage): void {
  const { state, deps } = draft
  const { attempt } = state
  if (attempt === null || attempt.place !== null) return
  if (!equalBytes(Context.encode(message.context), Context.encode(attempt.context))) return
  const { sender } = message
  const { author } = deps.run.manifest
  if (sender !== author && !attempt.cohort.includes(sender)) return
  const locked = lockIn(message)
  if (attempt.cohort.includes(sender) && !attempt.standDowns.said.has(sender)) {
    attempt.standDowns.said.set(sender, message)
    remember(attempt, message)
    tell(draft, attempt)
    if (locked !== null) refuse(draft, message, 'it may know of a link that others have certified')
  }
  if (sender === author) want(draft, attempt)
}

/** What a peer sees of its cohort. */
export function cohortInReach(
  { cohort }: Pick<AttemptState, 'cohort'>,
  reach: ReadonlyMap<PeerId, { readonly connected: boolean }>,
  self: PeerId
): PeerId[] {
  return cohort.filter(peer => peer === self || reach.get(peer)?.connected === true)
}

/** Of a member that has restarted: its journal is here, and there are too few others to hear what they know of it. */
export function standDownFromJournal(
  draft: Draft,
  attempt: AttemptState,
  journal: readonly JournalEntry[]
): void {
  if (!attempt.standDowns.wanted || !isShort(draft, attempt)) return
  restoreAgreements(attempt, journal)
  standDown(draft, attempt)
}

function want(draft: Draft, attempt: AttemptState): void {
  attempt.standDowns.wanted = true
  if (maySpeak(attempt) && isShort(draft, attempt)) standDown(draft, attempt)
}

function isShort({ state, deps }: Draft, attempt: AttemptState): boolean {
  return cohortInReach(attempt, state.reach, deps.self).length < attempt.quorum
}

function standDown(draft: Draft, attempt: AttemptState): void {
  const { round, attempt: number, agreements, context, standDowns } = attempt
  const states = Object.values(agreements)
  // It has a link to give the others, which is better.
  if (states.some(({ decided }) => decided !== null && isLink(decided.decision))) return
  if (standDowns.said.has(draft.deps.self)) return
  const lock = states.map(({ lock }) => lock).find(lock => lock !== null && isLink(lock.decision))
  const locked = lock?.certificate.valueHash ?? new Uint8Array()
  draft.effects.push({ type: 'journal', entry: { round, attempt: number, kind: 'stand-down' } })
  attempt.participation = 'silent'
  const message = seal(draft, 'stand-down', context, StandDown.encode({ locked }))
  standDowns.said.set(draft.deps.self, message)
  remember(attempt, message)
  draft.effects.push({ type: 'gossip', message })
  tell(draft, attempt)
}

function tell(draft: Draft, attempt: AttemptState): void {
  const { round, attempt: number, standDowns, cohort } = attempt
  const said = [...standDowns.said.values()]
  const locked = said.filter(message => lockIn(message) !== null).map(({ sender }) => sender)
  const need = standDownsNeeded(cohort)
  notice(draft, { notice: 'stood-down', round, attempt: number, have: said.length, need, locked })
}

function isLink(decision: Uint8Array): boolean {
  return Decision.decode(decision).link !== undefined
}
