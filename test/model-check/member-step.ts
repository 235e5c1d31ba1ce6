/**
 * What an event makes of a member: agreement.ts, voting-journal.ts, voting.ts (restoreAgreements) and the rules decide,
 * with their own code. A crash may fall between writing down and sending.
 */
import {
  type AgreementOutput,
  type AgreementSetting,
  type AgreementState,
  copyAgreement,
  type Grounds,
  type Judgement,
  justified,
  newAgreement,
  onCertificate,
  onNewView,
  onProposal,
  onTick,
  proposable
} from '../../node/round/agreement.ts'
import type { JournalEntry } from '../../node/round/journal.ts'
import type { ReleaseRules } from '../../node/round/release-rules.ts'
import type { AttemptState } from '../../node/round/round-state.ts'
import { restoreAgreements } from '../../node/round/voting.ts'
import { entryOf } from '../../node/round/voting-journal.ts'
import type { VotingRules } from '../../node/round/voting-rules.ts'
import type { VoteKind } from '../../protocols/certificate.ts'
import { toHex } from '../../protocols/hex.ts'
import type { NewView, Proposal } from '../../protocols/messages.js'
import { bare, lockOf, type Member, type Word, withWords, wordText } from './member.ts'
import {
  type AgreementSubject,
  COHORT,
  certificateOf,
  decisionOf,
  hashOf,
  type Lock,
  messageFrom,
  settingOf,
  type Value,
  valueNamed
} from './words.ts'

/** What the machine under test goes by; a planted error replaces a part. */
export interface RulesUnderTest {
  readonly voting: VotingRules
  readonly release: ReleaseRules
  /** What is read back of a journal. */
  restored(journal: readonly JournalEntry[]): readonly JournalEntry[]
  /** True if a word is on the disk before it is on its way. */
  readonly writesFirst: boolean
}

/** Where in an event's consequences the member dies and comes back: nowhere, before sending, before writing. */
export type Crash = 'none' | 'unsent' | 'unwritten'

export type Event =
  | { readonly type: 'timeout' }
  /** Some have given up on the view that this member is in. */
  | { readonly type: 'join'; readonly view: number; readonly newViews: number }
  | {
      readonly type: 'propose'
      readonly view: number
      readonly reports: ReadonlyArray<Lock | null>
      readonly value: Value
    }
  | { readonly type: 'proposal'; readonly view: number; readonly value: Value; readonly grounds: Grounds }
  | { readonly type: 'certificate'; readonly kind: VoteKind; readonly view: number; readonly value: Value }
  | { readonly type: 'compute' }
  /** Time passes: whatever can be done now is done, once more. */
  | { readonly type: 'step' }
  /** It hears what the agreement before this one decided: a survivor set, or an abort. */
  | { readonly type: 'catch-up'; readonly value: Value }
  /** @property keep - entries of the journal that are still there; @property unknown - others hold words beyond them */
  | { readonly type: 'restart'; readonly keep: number; readonly unknown: boolean }

/** One agreement, as its members see it. */
export interface Stage {
  readonly subject: AgreementSubject
  readonly rules: RulesUnderTest
  /** What somebody may propose, honest or not. */
  readonly values: readonly Value[]
  /** Places in the cohort: who leads view 0, 1, and so on. */
  readonly leaders: readonly number[]
  /** From this view on, everyone counts as having led. */
  readonly everyoneHasLedAt: number
}

interface Consequences {
  readonly state: AgreementState
  readonly outputs: readonly AgreementOutput[]
  /** A proposal of its own: written down, and said unless everyone would refuse it. */
  readonly proposal?: { readonly entry: JournalEntry; readonly words: readonly Word[] }
}

/** @returns the member after the event, or null if nothing comes of it */
export function stepMember(member: Member, event: Event, stage: Stage, crash: Crash): Member | null {
  if (event.type === 'restart') return crash === 'none' ? restart(member, event, stage) : null
  if (event.type === 'compute')
    return crash === 'none' && !member.hasResult ? { ...member, hasResult: true } : null
  const moved = movedBy(member, event, stage)
  if (moved === null) return null
  const after = withRelease(moved, stage)
  if (crash === 'none') return after
  const nothingWritten = after.journal.length === member.journal.length
  if (nothingWritten) return null
  const back = { type: 'restart', keep: after.journal.length, unknown: false } as const
  if (crash === 'unsent') {
    return restart({ ...after, said: member.said, releases: member.releases }, back, stage)
  }
  return restart({ ...after, journal: member.journal }, { ...back, keep: member.journal.length }, stage)
}

function movedBy(member: Member, event: Event, stage: Stage): Member | null {
  if (event.type === 'step') return member
  return event.type === 'catch-up' ? caughtUp(member, event.value, stage) : voted(member, event, stage)
}

function voted(member: Member, event: Event, stage: Stage): Member | null {
  const silent = member.participation === 'silent'
  if (silent && !(event.type === 'certificate' && stage.rules.voting.decides(event.kind))) return null
  const consequences = consequencesOf(member, event, stage)
  if (consequences === null) return null
  const { state, outputs, proposal } = consequences
  const entries: JournalEntry[] = proposal === undefined ? [] : [proposal.entry]
  const words: Word[] = [...(proposal?.words ?? [])]
  for (const output of outputs) {
    const entry = entryOf({ round: 0, attempt: 0 }, stage.subject, state, output)
    if (entry !== null) entries.push(entry)
    if (output.type === 'vote') {
      words.push({ type: 'vote', kind: output.kind, view: output.view, value: valueNamed(output.valueHash) })
    } else if (output.type === 'new-view') {
      const lock = lockOf(stage.rules.voting.reported(state.lock))
      words.push({ type: 'new-view', view: output.view, lock })
    }
  }
  const decided = outputs.some(({ type }) => type === 'decided')
  if (outputs.length === 0 && proposal === undefined) return null
  return {
    ...member,
    agreement: bare(decided ? { ...state, decided: state.decided } : state),
    journal: written(member, entries),
    said: withWords(member.said, words)
  }
}

/** Members die once only: after that, what a journal says is not read again. */
function written(
  { journal, participation }: Member,
  entries: readonly JournalEntry[]
): readonly JournalEntry[] {
  return participation === 'full' && entries.length > 0 ? [...journal, ...entries] : journal
}

function consequencesOf(member: Member, event: Event, stage: Stage): Consequences | null {
  const state = copyAgreement(member.agreement)
  // Whether a certificate holds was asked, with its signers, before it was shown.
  const rules: VotingRules = { ...stage.rules.voting, holds: () => true }
  const setting = settingOf(stage.subject, stage.leaders[0]!, stage.leaders, rules)
  switch (event.type) {
    case 'timeout':
      return { state, outputs: onTick(state, setting, 0) }
    case 'join': {
      const from = COHORT.slice(0, event.newViews).keys()
      return { state, outputs: [...from].flatMap(place => hear(state, setting, place, event.view, null)) }
    }
    case 'certificate': {
      const certificate = certificateOf(stage.subject, event.kind, event, [])
      return { state, outputs: onCertificate(state, setting, certificate, decisionOf(event.value), 0) ?? [] }
    }
    case 'proposal': {
      const decision = decisionOf(event.value)
      const proposal: Proposal = { subject: stage.subject, view: event.view, decision, newViews: [] }
      const judgement = judge(member, event, stage)
      const outputs = onProposal(state, setting, messageFrom(0), proposal, event.grounds, judgement, 0)
      return { state, outputs }
    }
    case 'propose':
      return proposed(member, state, event, stage, rules)
    default:
      return null
  }
}

function hear(
  state: AgreementState,
  setting: AgreementSetting,
  place: number,
  view: number,
  lock: Lock | null
): AgreementOutput[] {
  const newView = newViewOf(setting.subject as AgreementSubject, view, lock)
  return onNewView(state, setting, messageFrom(place), newView, 0)
}

/** The leader gathers new-views, then proposes. */
function proposed(
  member: Member,
  state: AgreementState,
  { view, reports, value }: Event & { type: 'propose' },
  stage: Stage,
  rules: VotingRules
): Consequences | null {
  if (state.view !== view) return null
  const setting = settingOf(stage.subject, stage.leaders[view % stage.leaders.length]!, stage.leaders, rules)
  for (const [place, lock] of reports.entries()) hear(state, setting, place, view, lock)
  const may = proposable(state, setting)
  if (may === 'wait') return null
  const fits =
    'repeat' in may
      ? valueNamed(hashOfBytes(may.repeat)) === value
      : offers(member, value, may.abortable, view, stage)
  if (!fits) return null
  state.proposed.add(view)
  const grounds = groundsOf(stage, view, value, reports)
  const words: Word[] = grounds === null ? [] : [{ type: 'proposal', view, value, grounds }]
  const entry: JournalEntry = { round: 0, attempt: 0, kind: 'proposal', subject: stage.subject, view }
  return { state, outputs: [], proposal: { entry, words } }
}

/** What the voters make of a proposal of a view's leader that rests on these new-views. */
export function groundsOf(
  stage: Stage,
  view: number,
  value: Value,
  reports: ReadonlyArray<Lock | null>
): Grounds | null {
  const { subject, leaders } = stage
  const leader = leaders[view % leaders.length]!
  const setting = settingOf(subject, leader, leaders, { ...stage.rules.voting, holds: () => true })
  const proposal: Proposal = { subject, view, decision: decisionOf(value), newViews: [] }
  const newViews = reports.map((lock, place) => ({
    sender: COHORT[place]!,
    newView: newViewOf(subject, view, lock)
  }))
  return justified(setting, proposal, COHORT[leader]!, newViews)
}

function newViewOf(subject: AgreementSubject, view: number, lock: Lock | null): NewView {
  const prepared = lock === null ? {} : { prepared: certificateOf(subject, 'prepare', lock, []) }
  return { subject, view, ...prepared }
}

const hashOfBytes = (decision: Uint8Array): Uint8Array => new Uint8Array(32).fill(decision[0]!)

/** What an honest leader may make up: voting.ts, newDecision and giveUp, at any time that suits the worst. */
function offers(member: Member, value: Value, abortable: boolean, view: number, stage: Stage): boolean {
  if (stage.subject === 'survivors') return value === 'A' || value === 'B' || (value === 'ABORT' && abortable)
  if (member.hasResult) return value === 'RESULT'
  return value === 'LOST' && stage.rules.release.mayLose(hopesOf(member, abortable, view, stage))
}

function hopesOf(member: Member, abortable: boolean, view: number, stage: Stage) {
  return {
    // Without a result, whether it may still come is up to time and bodies: the worst is that nobody hopes.
    mayStillFinish: () => member.hasResult,
    everyoneHasLed: view >= stage.everyoneHasLedAt,
    isAttested: false,
    abortable
  }
}

function judge(
  member: Member,
  { view, value, grounds }: Event & { type: 'proposal' },
  stage: Stage
): Judgement {
  const { voting, release } = stage.rules
  if (!voting.judgesItself(stage.subject, grounds.fresh)) return 'valid'
  if (stage.subject === 'survivors') return value !== 'ABORT' || grounds.abortable ? 'valid' : 'invalid'
  const voted = [...member.agreement.prepared.values()].includes(toHex(hashOf(value)))
  return release.judgeResult({
    isOwn: voted || (value === 'RESULT' && member.hasResult),
    isLoss: value === 'LOST',
    hasResult: member.hasResult,
    isRepeated: !grounds.fresh,
    ...hopesOf(member, grounds.abortable, view, stage)
  })
}

/** The decision before this agreement reaches a member that lagged behind: a survivor set, or an abort. */
function caughtUp(member: Member, value: Value, stage: Stage): Member | null {
  if (!member.behind || (value === 'ABORT') !== (stage.subject === 'survivors')) return null
  return { ...member, behind: false, survivors: stage.subject === 'result' ? value : null }
}

/** unmasking.ts, releaseShares: asked after every step. */
function withRelease(member: Member, stage: Stage): Member {
  const { agreement, participation, released, survivors, behind } = member
  if (behind) return member
  const decided = stage.subject === 'result' ? survivors : (lockOf(agreement.decided)?.value ?? null)
  const lock = stage.subject === 'result' ? null : (lockOf(agreement.lock)?.value ?? null)
  const releaser = { participation, isDealer: true, released }
  const value = stage.rules.release.releasable({ decided, lock }, releaser)
  if (value === null || value === 'ABORT') return member
  return {
    ...member,
    released: true,
    journal: written(member, [{ round: 0, attempt: 0, kind: 'release', survivorsHash: hashOf(value) }]),
    releases: member.hasShares ? [...member.releases, value] : member.releases
  }
}

/** resume.ts: memory is gone, the journal (or the first `keep` entries of it) is not. */
function restart(member: Member, { keep, unknown }: Event & { type: 'restart' }, stage: Stage): Member {
  const journal = member.journal.slice(0, keep)
  // That keys were advertised is in every journal: without it, others hold words that it does not explain.
  const participation = stage.rules.release.participationAfter(true, unknown)
  const attempt = {
    released: false,
    agreements: { [stage.subject]: newAgreement() }
  } as unknown as AttemptState
  if (participation === 'voter') restoreAgreements(attempt, stage.rules.restored(journal))
  return {
    ...member,
    agreement: bare(attempt.agreements[stage.subject]),
    journal: [],
    participation,
    released: attempt.released,
    hasShares: false,
    hasResult: false
  }
}

/** True if a member has said what the first `keep` entries of its journal do not explain. */
export function saidBeyond(member: Member, keep: number): boolean {
  const journal = member.journal.slice(0, keep)
  const explained = new Set(
    journal.flatMap(entry => {
      if (entry.kind === 'vote') {
        const value = valueNamed(entry.valueHash)
        return [wordText({ type: 'vote', kind: entry.vote, view: entry.view, value })]
      }
      return 'view' in entry ? [`${entry.kind} ${entry.view}`] : []
    })
  )
  const released = journal.some(({ kind }) => kind === 'release')
  if (member.releases.length > 0 && !released) return true
  return [...member.said.values()].some(word => {
    return !explained.has(word.type === 'vote' ? wordText(word) : `${word.type} ${word.view}`)
  })
}
