/** ServerStep: everyone has added everything up; the cohort agrees on the link, or that the round is lost. */
import type { Subject } from '../../protocols/certificate.ts'
import { extendChain } from '../../protocols/chain.ts'
import type { ChainTip, LinkKind } from '../../protocols/chain-tip.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { beaconOfSeeds } from '../../protocols/election.ts'
import { ZERO_HASH } from '../../protocols/envelope.ts'
import { withoutExpelled } from '../../protocols/expulsions.ts'
import { toHex } from '../../protocols/hex.ts'
import {
  type Certificate,
  CertifiedLink,
  Decision,
  type Envelope,
  type Expulsion,
  type LinkBody
} from '../../protocols/messages.js'
import { reasonOfSubject } from '../../protocols/pause.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { accountAfter } from '../../protocols/tip-after.ts'
import type { Grounds, Judgement } from './agreement.ts'
import type { Assembly } from './assembly.ts'
import { judgeOrders } from './author-orders.ts'
import { judgeExpulsions } from './expulsion.ts'
import { type Hopes, releaseRules } from './release-rules.ts'
import { type AttemptState, type Draft, hasCommittee } from './round-state.ts'
import type { OfferedSum, RoundEvent, RoundOutcome } from './round-types.ts'
import { notice } from './speak.ts'
import { abortOfLeaf, lossOf, sumOfLeaf } from './tree/leaf.ts'
import { recoverSecrets } from './unmasking.ts'
import { attest, attestedDecision, attestedSum, attestersOf, isAttested } from './verifiers.ts'

/** Builds the link that this peer's own computation leads to. */
export function onUnmasked(
  draft: Draft,
  attempt: AttemptState,
  { outcome, sumAddress }: Pick<RoundEvent & { type: 'unmasked' }, 'outcome' | 'sumAddress'>
): void {
  if (attempt.unmasking !== 'running' || attempt.seeds === null) return
  attempt.unmasking = 'done'
  attempt.outcome = outcome
  const link = resultLink(draft, attempt, attempt.seeds, outcome)
  attempt.ownResult = { decision: Decision.encode({ link }) }
  attest(draft, attempt, attempt.ownResult.decision, sumAddress)
}

/** The sum opened to what no honest inputs give. */
export function onUnmaskFailed(draft: Draft, attempt: AttemptState): void {
  attempt.unmasking = 'failed'
  if (attempt.survivors !== null) attest(draft, attempt, plainLoss(draft, attempt))
}

function resultLink(
  draft: Draft,
  attempt: AttemptState,
  seeds: readonly Uint8Array[],
  { stateHash, weightSum, meanLoss }: RoundOutcome
): LinkBody {
  const { run, crypto } = draft.deps
  return {
    ...linkBase(draft, attempt, 'result'),
    survivors: attempt.survivors!.map(({ peer, address }) => ({ peer, address })),
    members: [...attempt.nextMembers],
    expulsions: [...attempt.expulsions],
    admissions: [...attempt.admissions],
    orders: [...attempt.orders],
    stateHash,
    beacon: beaconOfSeeds(run.id, attempt.round + 1, seeds, crypto.sha256),
    completedRounds: attempt.tip.completedRounds + 1,
    weightSum,
    meanLoss
  }
}

/**
 * True if a result that the committee attests is right in all that can be checked without the masked inputs. Above
 * all the beacon, which draws the next committee: no committee chooses its successor.
 */
function fitsCommitted(draft: Draft, attempt: AttemptState, decision: Uint8Array): boolean {
  const { link, cohortSum } = Decision.decode(decision)
  attempt.seeds ??= recoverSecrets(draft, attempt)?.seeds ?? null
  if (attempt.seeds === null) return false
  if (attempt.place !== null)
    return (
      cohortSum !== undefined && equalBytes(decision, sumOfLeaf(draft, attempt, attempt.seeds, cohortSum))
    )
  if (link === undefined) return false
  return equalBytes(decision, Decision.encode({ link: resultLink(draft, attempt, attempt.seeds, link) }))
}

/** The committee of verifiers has opened the sum to what no honest inputs give. */
export function lossIsAttested(draft: Draft, attempt: AttemptState): boolean {
  return isAttested(attempt, draft.deps.crypto.sha256(plainLoss(draft, attempt)))
}

/** What a link says whatever came of the round. */
export function linkBase(
  draft: Draft,
  attempt: Assembly & { readonly tip: ChainTip },
  kind: LinkKind
): LinkBody {
  const { tip } = attempt
  return {
    height: tip.height + 1,
    kind,
    run: draft.deps.run.id,
    previous: tip.linkHash,
    round: attempt.round,
    attempt: attempt.attempt,
    cohort: [...attempt.cohort],
    rosterHash: ZERO_HASH,
    encodingHash: attempt.context.encodingHash,
    survivors: [],
    members: [...tip.members],
    stateHash: tip.stateHash,
    beacon: new Uint8Array(),
    completedRounds: tip.completedRounds,
    weightSum: 0,
    meanLoss: 0,
    epsilonSpent: accountAfter(tip, kind, draft.deps.run)?.epsilon ?? 0,
    expulsions: [],
    reason: '',
    children: [],
    admissions: [],
    orders: [],
    ...(attempt.rosterContext === null ? {} : { rosterHash: attempt.rosterContext.rosterHash })
  }
}

/**
 * The link that gives an attempt up: the state stays as it was, the next attempt starts with fresh keys, and without
 * those expelled.
 * @param subject - what could not be agreed on
 */
export function abortLink(
  draft: Draft,
  attempt: AttemptState,
  subject: Exclude<Subject, 'result'>,
  expulsions: readonly Expulsion[],
  orders: readonly Envelope[] = []
): Uint8Array {
  if (attempt.place !== null) return abortOfLeaf(attempt, subject === 'roster')
  const base = linkBase(draft, attempt, 'abort')
  return Decision.encode({
    link: {
      ...base,
      ...(subject === 'roster' ? { rosterHash: ZERO_HASH } : {}),
      members: withoutExpelled(base.members, expulsions),
      expulsions: [...expulsions],
      orders: [...orders],
      reason: reasonOfSubject[subject]
    }
  })
}

export function judgeAbort(
  draft: Draft,
  attempt: AttemptState,
  subject: Exclude<Subject, 'result'>,
  decision: Uint8Array,
  { link }: Decision
): Judgement {
  const { expulsions = [], orders = [] } = link ?? {}
  if (!equalBytes(decision, abortLink(draft, attempt, subject, expulsions, orders))) return 'invalid'
  if (judgeOrders(draft, attempt.tip, orders) === null) return 'invalid'
  return judgeExpulsions(draft, attempt, expulsions)
}

/**
 * The link of a round whose sum cannot be opened although its survivors are committed: its deltas are burnt.
 * @param expulsions - those of the decision on survivors, and those found out since
 */
export function lostLink(draft: Draft, attempt: AttemptState, expulsions: readonly Expulsion[]): Uint8Array {
  if (attempt.place !== null) return lossOf(attempt)
  const survivors = attempt.survivors!.map(({ peer, address }) => ({ peer, address }))
  return Decision.encode({
    link: {
      ...linkBase(draft, attempt, 'lost'),
      survivors,
      members: withoutExpelled(attempt.nextMembers, expulsions),
      expulsions: [...expulsions],
      admissions: [...attempt.admissions],
      orders: [...attempt.orders],
      reason: reasonOfSubject.result
    }
  })
}

/** LOST as it is attested: with nobody expelled but those of the decision on survivors. */
function plainLoss(draft: Draft, attempt: AttemptState): Uint8Array {
  return lostLink(draft, attempt, attempt.expulsions)
}

/** Whether a value says LOST in the one way in which it can be said, and expels nobody whom this peer does not know of. */
function judgeLoss(draft: Draft, attempt: AttemptState, decision: Uint8Array): Judgement {
  // A leaf expels nobody: the root does.
  if (attempt.place !== null) return equalBytes(decision, plainLoss(draft, attempt)) ? 'valid' : 'invalid'
  const expulsions = Decision.decode(decision).link?.expulsions ?? []
  if (!equalBytes(decision, lostLink(draft, attempt, expulsions))) return 'invalid'
  const fresh = expulsions.filter(({ peer }) => !attempt.expulsions.some(decided => decided.peer === peer))
  if (fresh.length + attempt.expulsions.length !== expulsions.length) return 'invalid'
  return judgeExpulsions(draft, attempt, fresh)
}

/** This peer's own; with a committee, not before a quorum of it attests the same, or its time is up. */
export function proposeResult(draft: Draft, attempt: AttemptState): Uint8Array | null {
  const own = attempt.ownResult?.decision ?? null
  if (!hasCommittee(attempt)) return own
  if (own === null) return attestedResult(draft, attempt)
  const isDue = draft.nowMs >= attempt.resultDueMs
  return isDue || isAttested(attempt, draft.deps.crypto.sha256(own)) ? own : null
}

/** What others attest and this peer has only heard of. */
function attestedResult(draft: Draft, attempt: AttemptState): Uint8Array | null {
  const decision = attestedDecision(attempt)
  return decision !== null && fitsCommitted(draft, attempt, decision) ? decision : null
}

/**
 * What this peer came to itself is signed, or what a quorum of the committee of verifiers did; what else,
 * release-rules.ts says.
 */
export function judgeResult(
  draft: Draft,
  attempt: AttemptState,
  decision: Uint8Array,
  { abortable, fresh }: Grounds
): Judgement {
  if (attempt.survivors === null) return 'later'
  const { ownResult } = attempt
  // Before a restart this peer came to it: its vote is in the journal.
  const { crypto } = draft.deps
  const valueHash = crypto.sha256(decision)
  const voted = [...attempt.agreements.result.prepared.values()].includes(toHex(valueHash))
  const loss = judgeLoss(draft, attempt, decision)
  const isLoss = loss !== 'invalid'
  const attested = isLoss ? crypto.sha256(plainLoss(draft, attempt)) : valueHash
  const judgement = releaseRules.judgeResult({
    isOwn: voted || (ownResult !== null && equalBytes(ownResult.decision, decision)),
    isLoss,
    isAttested: isAttested(attempt, attested) && (isLoss || fitsCommitted(draft, attempt, decision)),
    hasResult: ownResult !== null,
    isRepeated: !fresh,
    ...hopesOf(draft, attempt),
    abortable
  })
  return judgement === 'valid' && loss === 'later' && fresh && !voted ? 'later' : judgement
}

/** Whether this peer would agree to a loss that a new view puts forward. */
export function mayLose(draft: Draft, attempt: AttemptState, abortable: boolean): boolean {
  return releaseRules.mayLose({
    ...hopesOf(draft, attempt),
    isAttested: lossIsAttested(draft, attempt),
    abortable
  })
}

function hopesOf(draft: Draft, attempt: AttemptState): Pick<Hopes, 'mayStillFinish' | 'everyoneHasLed'> {
  return {
    mayStillFinish: () => mayStillFinish(draft, attempt),
    everyoneHasLed: everyoneHasLed(attempt)
  }
}

/** Where a state is to be had: from whom first, after how many turns of others, and what it can be made from. */
export interface StateSource {
  readonly holders: readonly PeerId[]
  readonly turn: number
  readonly sum: OfferedSum | null
}

/** Of the state after a link of this cohort: those have it for certain who attest it. */
export function sourceOfState(
  draft: Draft,
  attempt: AttemptState,
  { valueHash }: Pick<Certificate, 'valueHash'>
): StateSource {
  const attesters = attestersOf(attempt, valueHash)
  const holders = (attesters.length > 0 ? attesters : attempt.cohort).filter(peer => peer !== draft.deps.self)
  return { holders, turn: 0, sum: attestedSum(draft, attempt, valueHash) }
}

/**
 * Hands a certified link to the host.
 * @param before - where the chain stood
 * @param own - the decision that this peer came to itself, if it did
 * @param from - who to ask for the state if it is not here
 * @returns `ready`: the next round can begin
 * @throws ProtocolError BAD_LINK
 */
export function commitLink(
  draft: Draft,
  before: ChainTip,
  { certificate, decision }: { readonly certificate: Certificate; readonly decision: Uint8Array },
  own: Uint8Array | null,
  from: StateSource
): { readonly ready: boolean } {
  const { run, crypto } = draft.deps
  const certified = CertifiedLink.encode({ decision, certificate })
  const { tip, link } = extendChain(before, certified, run, crypto)
  const ready = (own !== null && equalBytes(own, decision)) || link.kind !== 'result'
  draft.effects.push({ type: 'commit', link, certified, tip, ready, ...from })
  draft.effects.push({ type: 'forget', round: before.round, attempt: before.attempt })
  notice(draft, { notice: 'link', kind: link.kind as LinkKind, link })
  draft.state.tip = tip
  return { ready }
}

/** This peer has a result, is working on it, or has all the shares for it and waits for bodies, which it does twice as long. */
function mayStillFinish(draft: Draft, attempt: AttemptState): boolean {
  if (attempt.unmasking !== 'none') return attempt.unmasking !== 'failed'
  if (draft.nowMs >= attempt.resultDueMs + draft.deps.run.manifest.deadlines.unmaskingMs) return false
  return recoverSecrets(draft, attempt) !== null
}

/** Every member has led the agreement on the result, and none got one through. */
function everyoneHasLed(attempt: AttemptState): boolean {
  return attempt.agreements.result.view >= attempt.electorates.result.voters.length
}
