/** ServerStep: everyone has added everything up; the cohort agrees on the link, or that the round is lost. */
import { extendChain, type LinkKind } from '../../protocols/chain.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { beaconOfSeeds } from '../../protocols/election.ts'
import { ZERO_HASH } from '../../protocols/envelope.ts'
import { toHex } from '../../protocols/hex.ts'
import { type Certificate, CertifiedLink, Decision, type LinkBody } from '../../protocols/messages.js'
import type { Judgement } from './agreement.ts'
import { releaseRules } from './release-rules.ts'
import type { AttemptState, Draft } from './round-state.ts'
import type { RoundOutcome } from './round-types.ts'
import { notice } from './speak.ts'
import { recoverSecrets } from './unmasking.ts'

/** Builds the link that this peer's own computation leads to. */
export function onUnmasked(draft: Draft, attempt: AttemptState, outcome: RoundOutcome): void {
  if (attempt.unmasking !== 'running' || attempt.seeds === null) return
  const { run, crypto } = draft.deps
  attempt.unmasking = 'done'
  attempt.outcome = outcome
  const link: LinkBody = {
    ...linkBase(draft, attempt, 'result'),
    survivors: attempt.survivors!.map(({ peer, address }) => ({ peer, address })),
    members: [...attempt.nextMembers],
    stateHash: outcome.stateHash,
    beacon: beaconOfSeeds(run.id, attempt.round + 1, attempt.seeds, crypto.sha256),
    completedRounds: attempt.tip.completedRounds + 1,
    weightSum: outcome.weightSum,
    meanLoss: outcome.meanLoss,
    epsilonSpent: outcome.epsilonSpent
  }
  attempt.ownResult = { link, decision: Decision.encode({ link }) }
}

function linkBase(draft: Draft, attempt: AttemptState, kind: LinkKind): LinkBody {
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
    epsilonSpent: 0,
    ...(attempt.rosterContext === null ? {} : { rosterHash: attempt.rosterContext.rosterHash })
  }
}

/** The link that gives an attempt up: the state stays as it was, the next attempt starts with fresh keys. */
export function abortLink(draft: Draft, attempt: AttemptState, ofRoster: boolean): Uint8Array {
  const link = linkBase(draft, attempt, 'abort')
  return Decision.encode({ link: ofRoster ? { ...link, rosterHash: ZERO_HASH } : link })
}

/** The link of a round whose sum cannot be opened although its survivors are committed: its deltas are burnt. */
export function lostLink(draft: Draft, attempt: AttemptState): Uint8Array {
  const survivors = attempt.survivors!.map(({ peer, address }) => ({ peer, address }))
  return Decision.encode({
    link: { ...linkBase(draft, attempt, 'lost'), survivors, members: [...attempt.nextMembers] }
  })
}

export function proposeResult(attempt: AttemptState): Uint8Array | null {
  return attempt.ownResult?.decision ?? null
}

/**
 * Only what this peer came to itself is signed. A loss is agreed to only by those who could not finish, until every
 * member has led in vain: shares that a dealer made wrong may open for some and not for others, for ever.
 */
export function judgeResult(
  draft: Draft,
  attempt: AttemptState,
  decision: Uint8Array,
  abortable: boolean
): Judgement {
  if (attempt.survivors === null) return 'later'
  const { ownResult } = attempt
  // Before a restart this peer came to it: its vote is in the journal.
  const hash = toHex(draft.deps.crypto.sha256(decision))
  const voted = [...attempt.agreements.result.prepared.values()].includes(hash)
  return releaseRules.judgeResult({
    isOwn: voted || (ownResult !== null && equalBytes(ownResult.decision, decision)),
    isLoss: equalBytes(decision, lostLink(draft, attempt)),
    hasResult: ownResult !== null,
    mayStillFinish: () => mayStillFinish(draft, attempt),
    everyoneHasLed: everyoneHasLed(attempt),
    abortable
  })
}

/** Hands a certified link to the host. @returns the tip that follows */
export function commitLink(
  draft: Draft,
  attempt: AttemptState,
  decision: Uint8Array,
  certificate: Certificate
): { readonly ready: boolean } {
  const { run, crypto } = draft.deps
  const certified = CertifiedLink.encode({ decision, certificate })
  const { tip, link } = extendChain(attempt.tip, certified, run, crypto)
  const own = attempt.ownResult !== null && equalBytes(attempt.ownResult.decision, decision)
  const ready = own || link.kind !== 'result'
  draft.effects.push({ type: 'commit', link, certified, tip, ready })
  draft.effects.push({ type: 'forget', round: attempt.round, attempt: attempt.attempt })
  notice(draft, { notice: 'link', kind: link.kind as LinkKind, link })
  draft.state.tip = tip
  return { ready }
}

/** This peer has a result, is working on it, or has all the shares for it and waits for bodies, which it does twice as long. */
export function mayStillFinish(draft: Draft, attempt: AttemptState): boolean {
  if (attempt.unmasking !== 'none') return attempt.unmasking !== 'failed'
  if (draft.nowMs >= attempt.resultDueMs + draft.deps.run.manifest.deadlines.unmaskingMs) return false
  return recoverSecrets(draft, attempt) !== null
}

/** Every member has led the agreement on the result, and none got one through. */
export function everyoneHasLed(attempt: AttemptState): boolean {
  return attempt.agreements.result.view >= attempt.electorates.result.voters.length
}
