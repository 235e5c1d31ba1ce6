/** What follows from what is agreed on: the next step of the attempt, or its end and the next attempt. */
import type { Subject } from '../../protocols/certificate.ts'
import type { ChainTip } from '../../protocols/chain-tip.ts'
import { decodeCanonical, equalBytes } from '../../protocols/codec.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { CertifiedDecision, Decision } from '../../protocols/messages.js'
import type { AgreementOutput } from './agreement.ts'
import { blameOtherResults, carryEvidence } from './blame.ts'
import { tellGivenUp } from './giving-up.ts'
import type { Participation } from './release-rules.ts'
import { commitLink, sourceOfState } from './result.ts'
import { adoptRoster } from './roster.ts'
import { type AttemptState, type Draft, settingOf } from './round-state.ts'
import { adoptShares } from './shares.ts'
import { adoptSurvivors } from './survivors.ts'
import { announceLink, endCohort } from './tree/leaf.ts'
import type { ParentState } from './tree/parent-state.ts'
import { holdersOfState, stateIsHere, takePlaces } from './tree/places.ts'
import {
  type Consequence,
  carryOut,
  certificateMessage,
  onCertificateMessage,
  onNewViewMessage,
  onProposalMessage,
  onVoteMessage
} from './voting.ts'

/** Messages kept for a round, attempt or roster that this peer has not reached: a few rounds of a full cohort. */
const BACKLOG_MESSAGES = 2048

/** A part of an agreement: what it leads to is done at once. */
export function takeQuestion(
  draft: Draft,
  assembly: AttemptState | ParentState,
  message: SignedMessage
): void {
  const consequence = answerTo(draft, assembly, message)
  if (consequence !== null) decideOn(draft, assembly, consequence.subject, consequence.outputs)
}

function answerTo(
  draft: Draft,
  assembly: AttemptState | ParentState,
  message: SignedMessage
): Consequence | null {
  switch (message.type) {
    case 'proposal':
      return onProposalMessage(draft, assembly, message)
    case 'prepare':
    case 'commit':
      return onVoteMessage(draft, assembly, message)
    case 'certificate':
      return onCertificateMessage(draft, assembly, message)
    case 'new-view':
      return onNewViewMessage(draft, assembly, message)
    default:
      return null
  }
}

/** Carries out what an agreement asks for, and takes its decision if it has come to one. */
export function decideOn(
  draft: Draft,
  attempt: AttemptState | ParentState,
  subject: Subject,
  outputs: readonly AgreementOutput[]
): void {
  carryOut(draft, attempt, subject, outputs)
  if (outputs.some(({ type }) => type === 'decided')) adoptDecision(draft, attempt, subject)
}

function adoptDecision(draft: Draft, attempt: AttemptState | ParentState, subject: Subject): void {
  const decided = attempt.agreements[subject].decided!
  const decision = Decision.decode(decided.decision)
  if (decision.link !== undefined) {
    const { tip } = attempt
    if (attempt.kind === 'cohort') {
      const from = sourceOfState(draft, attempt, decided.certificate)
      const commit = commitLink(draft, tip, decided, attempt.ownResult?.decision ?? null, from)
      blameOtherResults(draft, attempt, decided.decision)
      tellGivenUp(draft, attempt, decision.link)
      return leaveAttempt(draft, commit.ready)
    }
    announceLink(draft, attempt, certificateMessage(draft, settingOf(attempt, subject, draft.deps)!, decided))
    const own = stateIsHere(attempt, decision.link) ? decided.decision : null
    const { ready } = commitLink(draft, tip, decided, own, holdersOfState(draft))
    return leaveAttempt(draft, ready)
  }
  if (decision.cohortSum !== undefined) {
    const message = certificateMessage(draft, settingOf(attempt, subject, draft.deps)!, decided)
    if (attempt.kind === 'cohort') eraseSecrets(attempt)
    return endCohort(draft, attempt, message, decision.cohortSum)
  }
  if (attempt.kind === 'parent') throw new Error('a parent cohort has decided on something else than sums')
  if (decision.roster !== undefined) adoptRoster(draft, attempt, decided.decision, decision.roster)
  else if (decision.shares !== undefined) adoptShares(draft, attempt, decision.shares)
  else if (decision.survivors !== undefined) adoptSurvivors(draft, attempt, decision.survivors)
  const proposer = (decision.roster ?? decision.shares ?? decision.survivors)?.proposer ?? 0
  attempt.firstRank = { ...attempt.firstRank, [subject]: proposer % attempt.cohort.length }
  replayBacklog(draft)
}

/** A link is certified, and the host has been told: the next attempt begins. */
function leaveAttempt(draft: Draft, ready: boolean): void {
  const { state } = draft
  const { attempt, parents } = state
  // Who came back into this attempt from an old copy of its disk may have spoken in the next one too.
  const knowsItsWords = [attempt, ...parents].every(
    assembly => assembly === null || assembly.participation === 'full'
  )
  if (attempt !== null) eraseSecrets(attempt)
  state.attempt = null
  state.parents = []
  // Without its state there is nothing to train from: the host pulls it and says `adopt`.
  if (ready) beginAttempt(draft, knowsItsWords ? 'full' : 'probing')
  else if (knowsItsWords) state.awaited = state.tip!.linkHash
}

/** In a larger network everyone hears of the link, and few are among those who agreed on it. */
export function takeLink(draft: Draft, message: SignedMessage): void {
  const { tip } = draft.state
  const { certificate, decision } = decodeCanonical(CertifiedDecision, message.payload, 'certified decision')
  if (tip === null || certificate?.kind !== 'commit') return
  const { ready } = commitLink(draft, tip, { certificate, decision }, null, holdersOfState(draft))
  leaveAttempt(draft, ready)
}

/** Starts on the round that the tip leads to, if there is one and this peer is in its cohort. */
export function beginAttempt(draft: Draft, participation: Participation): void {
  const { state } = draft
  const { tip } = state
  if (tip === null) return
  takePlaces(draft, tip, participation)
  if (state.attempt !== null) carryEvidence(draft, state.attempt)
  // Said before the chain came this far, or by those who are still behind.
  replayBacklog(draft)
}

/** The chain stands at this tip, whatever this peer was doing. */
export function adopt(draft: Draft, tip: ChainTip): void {
  const { state } = draft
  if (state.tip !== null && tip.height < state.tip.height) return
  const { attempt } = state
  if (attempt !== null) {
    eraseSecrets(attempt)
    draft.effects.push({ type: 'forget', round: attempt.round, attempt: attempt.attempt })
  }
  // Since it committed this link it has said nothing that it would have to be told.
  const isAwaited = state.awaited !== null && equalBytes(state.awaited, tip.linkHash)
  state.awaited = null
  state.parents = []
  state.tip = tip
  // A newcomer's registration names a recent link: now is when it knows one.
  state.heartbeatAtMs = draft.nowMs
  beginAttempt(draft, isAwaited ? 'full' : 'probing')
}

/**
 * Overwrites what must not outlive the attempt. The one place where a step reaches into the state that it was given:
 * a copy of a secret would defeat the purpose.
 */
function eraseSecrets(attempt: AttemptState): void {
  const { secrets, seeds } = attempt
  for (const bytes of [secrets?.maskSecret, secrets?.encryptionSecret, secrets?.selfSeed, ...(seeds ?? [])])
    bytes?.fill(0)
  for (const { seedShare, keyShare } of attempt.goodShares.values()) {
    seedShare.fill(0)
    keyShare.fill(0)
  }
  attempt.secrets = null
}

/** Keeps what cannot be taken in yet. */
export function keepForLater(draft: Draft, message: SignedMessage): void {
  const { backlog } = draft.state
  if (backlog.size >= BACKLOG_MESSAGES) backlog.delete(backlog.keys().next().value!)
  backlog.set(toHex(message.hash), message)
}

/** Puts what was kept back into the inbox; what is still early comes back by itself. */
function replayBacklog(draft: Draft): void {
  draft.inbox.push(...draft.state.backlog.values())
  draft.state.backlog.clear()
}
