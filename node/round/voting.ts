/** Carries an agreement's rules into signed messages: proposals, votes, certificates, new-views. */
import { isSubject, SUBJECTS, type Subject, type VoteKind, votePayload } from '../../protocols/certificate.ts'
import { checkLength, decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import { openMessage, type SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import {
  type Certificate,
  CertifiedDecision,
  Context,
  Decision,
  Envelope,
  NewView,
  Proposal,
  Vote
} from '../../protocols/messages.js'
import {
  type AgreementOutput,
  type AgreementSetting,
  type Grounds,
  isUndecided,
  type Judgement,
  justified,
  leaderOf,
  onCertificate,
  onNewView,
  onProposal,
  onVote,
  proposable,
  settledAtMs,
  usableNewViews,
  voteRecipients
} from './agreement.ts'
import type { Assembly } from './assembly.ts'
import { envelopesOf, ordersNow } from './author-orders.ts'
import { watch } from './blame.ts'
import { expulsionsNow } from './expulsion.ts'
import type { JournalEntry } from './journal.ts'
import {
  abortLink,
  judgeAbort,
  judgeResult,
  lossIsAttested,
  lostLink,
  mayLose,
  proposeResult
} from './result.ts'
import { judgeRoster, proposeRoster } from './roster.ts'
import { type AttemptState, allGiven, type Draft, isVoter, maySpeak, settingOf } from './round-state.ts'
import { judgeShares, proposeShares } from './shares.ts'
import { askFor, gossip, knownSetting, notice, refuse, remember, seal, send } from './speak.ts'
import { judgeSurvivors, proposeSurvivors } from './survivors.ts'
import type { ParentState } from './tree/parent-state.ts'
import { giveUpSums, judgeSums, proposeSums } from './tree/parent-sums.ts'
import { bundlesExhausted } from './unmasking.ts'
import { awaitsResult } from './verifiers.ts'
import { entryOf, placeInJournal, recall } from './voting-journal.ts'

/** Whoever agrees on something: on what, and how it is judged, is another matter for each. */
type Agreeing = AttemptState | ParentState

/** Proposes, if this peer leads the current view of the subject and has what it takes. */
export function propose(draft: Draft, attempt: Agreeing, subject: Subject): void {
  const setting = settingOf(attempt, subject, draft.deps)
  if (setting === null || !maySpeak(attempt)) return
  const state = attempt.agreements[subject]
  const may = proposable(state, setting)
  if (may === 'wait') return
  const decision =
    'repeat' in may
      ? may.repeat
      : (newDecision(draft, attempt, subject) ?? giveUp(draft, attempt, setting, may.abortable))
  if (decision === null) return
  const { view } = state
  state.proposed.add(view)
  const { round, attempt: number } = attempt
  draft.effects.push({
    type: 'journal',
    entry: { round, attempt: number, kind: 'proposal', subject, view, ...placeInJournal(setting.context) }
  })
  const newViews = usableNewViews(state).map(({ message }) => Envelope.decode(message.bytes))
  const payload = Proposal.encode({ subject, view, decision, newViews })
  gossip(draft, seal(draft, 'proposal', setting.context, payload))
}

function newDecision(draft: Draft, attempt: Agreeing, subject: Subject): Uint8Array | null {
  if (attempt.kind === 'parent') return proposeSums(draft, attempt)
  const proposer = attempt.ranked.indexOf(draft.deps.self)
  switch (subject) {
    case 'roster':
      return proposeRoster(draft, attempt, proposer)
    case 'shares':
      return proposeShares(draft, attempt, proposer)
    case 'survivors':
      return proposeSurvivors(draft, attempt, proposer)
    case 'result':
      return proposeResult(draft, attempt)
  }
}

/** An abort or a loss: only when a new view allows it and the time for anything better is over. */
function giveUp(
  draft: Draft,
  attempt: Agreeing,
  setting: AgreementSetting,
  abortable: boolean
): Uint8Array | null {
  const { subject } = setting
  if (attempt.kind === 'parent') {
    const isTime = abortable && draft.nowMs >= settledAtMs(attempt.agreements.result, setting)
    return isTime ? giveUpSums(draft, attempt) : null
  }
  // What was said when time was up is still on its way: a leader that may propose it then must not abort before.
  const graceMs = setting.viewMs / 4
  const dueMs = {
    roster: attempt.rosterDueMs,
    shares: attempt.sharesDueMs + graceMs,
    survivors: attempt.inputsDueMs + graceMs,
    result: attempt.resultDueMs
  }
  if (!abortable || draft.nowMs < settledAtMs(attempt.agreements[subject], setting)) return null
  if (draft.nowMs < dueMs[subject] && !exhausted(draft, attempt, subject)) return null
  if (subject !== 'result') {
    const orders = envelopesOf(ordersNow(draft, attempt.tip))
    return abortLink(draft, attempt, subject, expulsionsNow(draft, attempt), orders)
  }
  if (attempt.survivors === null || !mayLose(draft, attempt, abortable)) return null
  return lostLink(draft, attempt, expulsionsNow(draft, attempt, attempt.expulsions))
}

/**
 * Everyone has given what is asked for or has lost the secrets for it, and it is not enough: waiting on brings nothing.
 * A member that is merely out of reach may come back in time. Or the verifiers have seen that the sum is spoilt.
 */
function exhausted(draft: Draft, attempt: AttemptState, subject: Subject): boolean {
  const { roster, dealers, survivors, acks, inventories, cohort, verifiers } = attempt
  if (subject === 'roster') return allGiven(attempt, cohort, attempt.advertised)
  if (subject === 'shares')
    return (
      roster !== null &&
      allGiven(
        attempt,
        roster.map(({ peer }) => peer),
        acks
      )
    )
  if (subject === 'survivors') return dealers !== null && allGiven(attempt, verifiers.voters, inventories)
  return survivors !== null && (bundlesExhausted(attempt) || lossIsAttested(draft, attempt))
}

function judge(
  draft: Draft,
  attempt: AttemptState,
  subject: Subject,
  bytes: Uint8Array,
  grounds: Grounds
): Judgement {
  const decision = decodeCanonical(Decision, bytes, 'decision')
  if (subject === 'result') return judgeResult(draft, attempt, bytes, grounds)
  if (endsAttempt(decision)) {
    return grounds.abortable ? judgeAbort(draft, attempt, subject, bytes, decision) : 'invalid'
  }
  if (subject === 'roster')
    return decision.roster === undefined ? 'invalid' : judgeRoster(draft, attempt, decision.roster)
  if (subject === 'shares')
    return decision.shares === undefined ? 'invalid' : judgeShares(draft, attempt, decision.shares)
  return decision.survivors === undefined ? 'invalid' : judgeSurvivors(draft, attempt, decision.survivors)
}

/** True unless a new value names somebody else as the one to lead from here on than the leader who made it. */
function namesProposer(attempt: Assembly, bytes: Uint8Array, sender: string): boolean {
  const { roster, shares, survivors } = Decision.decode(bytes)
  const named = roster ?? shares ?? survivors
  return named === undefined || attempt.ranked[named.proposer] === sender
}

/**
 * True if the message is about a question that comes after one whose answer this peer has not heard yet: it cannot even
 * know its leaders. A link ends the attempt whatever came before.
 */
export function isAhead(attempt: AttemptState, message: SignedMessage): boolean {
  const { subject, isEnd } = questionOf(message)
  const before = isSubject(subject) ? SUBJECTS[SUBJECTS.indexOf(subject) - 1] : undefined
  return before !== undefined && attempt.agreements[before].decided === null && !isEnd
}

function questionOf({ type, payload }: SignedMessage): { subject: string; isEnd: boolean } {
  if (type === 'proposal') return { subject: Proposal.decode(payload).subject, isEnd: false }
  if (type === 'new-view') return { subject: NewView.decode(payload).subject, isEnd: false }
  if (type !== 'certificate') return { subject: Vote.decode(payload).subject, isEnd: false }
  const { certificate, decision } = CertifiedDecision.decode(payload)
  const isEnd = certificate?.kind === 'commit' && endsAttempt(Decision.decode(decision))
  return { subject: certificate?.subject ?? '', isEnd }
}

function judgeProposal(
  draft: Draft,
  attempt: Agreeing,
  { subject, rules }: AgreementSetting,
  { decision }: Proposal,
  grounds: Grounds
): Judgement {
  if (attempt.kind === 'parent') return judgeSums(draft, attempt, decision, grounds)
  return rules.judgesItself(subject, grounds.fresh)
    ? judge(draft, attempt, subject, decision, grounds)
    : 'valid'
}

/** True of a value after which there is nothing more to agree on. */
function endsAttempt({ link, cohortSum }: Decision): boolean {
  return link !== undefined || cohortSum !== undefined
}

/** What came of a message, and in which agreement. */
export interface Consequence {
  readonly subject: Subject
  readonly outputs: readonly AgreementOutput[]
}

export function onProposalMessage(
  draft: Draft,
  attempt: Agreeing,
  message: SignedMessage
): Consequence | null {
  const proposal = decodeCanonical(Proposal, message.payload, 'proposal')
  const setting = settingFor(draft, attempt, message, proposal.subject)
  if (setting === null) return null
  const state = attempt.agreements[setting.subject]
  if (state.decided !== null || proposal.view < state.view) return null
  const newViews = openNewViews(draft, attempt, setting, proposal.newViews)
  const grounds = newViews === null ? null : justified(setting, proposal, message.sender, newViews)
  if (grounds === null) {
    refuse(draft, message, 'not justified')
    return null
  }
  const owned = !grounds.fresh || namesProposer(attempt, proposal.decision, message.sender)
  const judgement = owned ? judgeProposal(draft, attempt, setting, proposal, grounds) : 'invalid'
  if (judgement === 'invalid')
    refuse(draft, message, `its ${setting.subject} decision does not follow from what this peer knows`)
  // Something that it rests on was missed: the proposer has it. Asked for once: the answer holds this proposal again.
  const known = attempt.transcript.has(toHex(message.hash)) || isUndecided(state, message)
  const isAwaited = setting.subject === 'result' && attempt.kind === 'cohort' && awaitsResult(attempt)
  if (judgement === 'later' && !known && !isAwaited) askFor(draft, attempt, [message.sender])
  remember(attempt, message)
  if (!maySpeak(attempt) || !isVoter(setting)) return null
  return {
    subject: setting.subject,
    outputs: onProposal(state, setting, message, proposal, grounds, judgement, draft.nowMs)
  }
}

/** Judges again what could not be judged when it came. */
export function reconsider(draft: Draft, attempt: Agreeing, subject: Subject): AgreementOutput[] {
  const state = attempt.agreements[subject]
  const setting = settingOf(attempt, subject, draft.deps)
  const pending = state.undecidedProposal
  if (pending === null || setting === null || !maySpeak(attempt) || !isVoter(setting)) return []
  const { message, proposal, grounds } = pending
  const judgement =
    attempt.kind === 'parent'
      ? judgeSums(draft, attempt, proposal.decision, grounds)
      : judge(draft, attempt, subject, proposal.decision, grounds)
  if (judgement === 'later') return []
  state.undecidedProposal = null
  if (judgement === 'invalid')
    refuse(draft, message, `its ${subject} decision does not follow from what this peer knows`)
  return onProposal(state, setting, message, proposal, grounds, judgement, draft.nowMs)
}

export function onVoteMessage(draft: Draft, attempt: Agreeing, message: SignedMessage): Consequence | null {
  const vote = decodeCanonical(Vote, message.payload, 'vote')
  const setting = settingFor(draft, attempt, message, vote.subject)
  if (setting === null) return null
  checkLength(vote.valueHash, 32, 'valueHash')
  const state = attempt.agreements[setting.subject]
  remember(attempt, message)
  const kind = message.type as VoteKind
  return {
    subject: setting.subject,
    outputs: onVote(state, setting, message, kind, vote.view, vote.valueHash, draft.nowMs)
  }
}

export function onCertificateMessage(
  draft: Draft,
  attempt: Agreeing,
  message: SignedMessage
): Consequence | null {
  const { certificate, decision } = decodeCanonical(CertifiedDecision, message.payload, 'certified decision')
  if (certificate === undefined) return null
  const setting = settingFor(draft, attempt, message, certificate.subject)
  if (setting === null) return null
  const outputs = onCertificate(
    attempt.agreements[setting.subject],
    setting,
    certificate,
    decision,
    draft.nowMs
  )
  if (outputs === null) {
    refuse(draft, message, 'its certificate does not hold')
    return null
  }
  if (outputs.length > 0) remember(attempt, message)
  return { subject: setting.subject, outputs }
}

export function onNewViewMessage(
  draft: Draft,
  attempt: Agreeing,
  message: SignedMessage
): Consequence | null {
  const newView = decodeCanonical(NewView, message.payload, 'new-view')
  const setting = settingFor(draft, attempt, message, newView.subject)
  if (setting === null) return null
  const state = attempt.agreements[setting.subject]
  if (state.decided !== null) {
    // Its sender missed the decision.
    if (message.sender !== draft.deps.self)
      send(draft, [message.sender], certificateMessage(draft, setting, state.decided))
    return null
  }
  return { subject: setting.subject, outputs: onNewView(state, setting, message, newView, draft.nowMs) }
}

/** Does what an agreement asks for; the caller acts on `decided`. */
export function carryOut(
  draft: Draft,
  attempt: Agreeing,
  subject: Subject,
  outputs: readonly AgreementOutput[]
): void {
  for (const output of outputs) {
    const setting = knownSetting(draft, attempt, subject)
    if (output.type === 'certificate') {
      if (maySpeak(attempt)) gossip(draft, certificateMessage(draft, setting, output))
    } else if (output.type === 'vote') {
      if (maySpeak(attempt) && isVoter(setting)) sayVote(draft, attempt, setting, output)
    } else if (output.type === 'new-view') {
      sayNewView(draft, attempt, setting, output.view)
    } else {
      notice(draft, {
        notice: 'decided',
        subject,
        view: attempt.agreements[subject].decided!.certificate.view
      })
    }
  }
}

function sayVote(
  draft: Draft,
  attempt: Agreeing,
  setting: AgreementSetting,
  vote: AgreementOutput & { type: 'vote' }
): void {
  const { subject } = setting
  const { kind, view, valueHash } = vote
  writeDown(draft, attempt, subject, vote)
  send(
    draft,
    voteRecipients(setting, view),
    seal(draft, kind, setting.context, votePayload(subject, view, valueHash))
  )
}

function writeDown(draft: Draft, attempt: Agreeing, subject: Subject, output: AgreementOutput): void {
  const entry = entryOf(
    { round: attempt.round, attempt: attempt.attempt, ...placeInJournal(attempt.context) },
    subject,
    attempt.agreements[subject],
    output
  )
  if (entry !== null) draft.effects.push({ type: 'journal', entry })
}

function sayNewView(draft: Draft, attempt: Agreeing, setting: AgreementSetting, view: number): void {
  const { subject } = setting
  if (!isVoter(setting)) return
  const lock = setting.rules.reported(attempt.agreements[subject].lock)
  notice(draft, { notice: 'new-view', subject, view, aggregator: leaderOf(setting, view) })
  // The new leader has not heard what the old one was told; and this peer may have missed something.
  if (attempt.kind === 'cohort' && subject === 'shares') attempt.ackedDealers = 0
  if (attempt.kind === 'cohort' && subject === 'survivors') attempt.listedBodies = 0
  askFor(draft, attempt, attempt.ranked.slice(0, attempt.faults + 2))
  if (!maySpeak(attempt)) return
  writeDown(draft, attempt, subject, { type: 'new-view', view })
  const to = voteRecipients(setting, view)
  if (lock !== null) send(draft, to, certificateMessage(draft, setting, lock))
  const payload = NewView.encode({ subject, view, ...(lock === null ? {} : { prepared: lock.certificate }) })
  send(draft, to, seal(draft, 'new-view', setting.context, payload))
}

export function certificateMessage(
  draft: Draft,
  setting: AgreementSetting,
  { certificate, decision }: { certificate: Certificate; decision: Uint8Array }
): SignedMessage {
  return seal(draft, 'certificate', setting.context, CertifiedDecision.encode({ certificate, decision }))
}

/** The setting of the subject that a message is about, if it was said in that agreement's context by a member. */
function settingFor(
  draft: Draft,
  attempt: Agreeing,
  message: SignedMessage,
  subject: string
): AgreementSetting | null {
  if (!isSubject(subject) || !attempt.cohort.includes(message.sender)) return null
  if (attempt.kind === 'parent' && subject !== 'result') return null
  const setting = settingOf(attempt, subject, draft.deps)
  if (setting === null) return null
  return equalBytes(Context.encode(setting.context), Context.encode(message.context)) ? setting : null
}

function openNewViews(
  draft: Draft,
  attempt: Agreeing,
  setting: AgreementSetting,
  envelopes: readonly Envelope[]
): Array<{ sender: string; newView: NewView }> | null {
  const context = Context.encode(setting.context)
  try {
    return envelopes.map(envelope => {
      const message = openMessage(Envelope.encode(envelope), draft.deps.crypto)
      if (message.type !== 'new-view' || !equalBytes(Context.encode(message.context), context))
        throw new Error('another context')
      // Its sender may have told this peer something else.
      watch(draft, attempt, message)
      return { sender: message.sender, newView: decodeCanonical(NewView, message.payload, 'new-view') }
    })
  } catch {
    return null
  }
}

/** Puts an agreement back to where the journal says it was. */
export function restoreAgreements(attempt: Agreeing, journal: readonly JournalEntry[]): void {
  for (const entry of journal) {
    if (entry.kind === 'release' && attempt.kind === 'cohort') attempt.released = true
    if ('subject' in entry) recall(attempt.agreements[entry.subject], entry)
  }
}
