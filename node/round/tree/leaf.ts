/**
 * The last step of a leaf of a larger network: instead of a link its members certify the sum of what they put in, or
 * that nothing came of it. What such an end is worth to the round is decided above.
 */
import type { CohortSumKind } from '../../../protocols/cohort-sum.ts'
import { beaconOfSeeds } from '../../../protocols/election.ts'
import { type SignedMessage, ZERO_HASH } from '../../../protocols/envelope.ts'
import { type CohortSum, Decision } from '../../../protocols/messages.js'
import { parentOf, pathOfNode } from '../../../protocols/tree.ts'
import type { Assembly, TreePlace } from '../assembly.ts'
import type { AttemptState, Draft } from '../round-state.ts'
import { notice, remember } from '../speak.ts'
import { attest } from '../verifiers.ts'
import type { ParentState } from './parent-state.ts'

const NOTHING: CohortSum = {
  kind: 'lost',
  rosterHash: ZERO_HASH,
  survivors: [],
  address: new Uint8Array(),
  length: 0,
  beacon: new Uint8Array(),
  children: []
}

/** That a cohort's attempt is given up before anything was opened. */
export function abortOfLeaf({ rosterContext }: AttemptState, ofRoster: boolean): Uint8Array {
  const rosterHash = ofRoster || rosterContext === null ? ZERO_HASH : rosterContext.rosterHash
  return Decision.encode({ cohortSum: { ...NOTHING, kind: 'abort', rosterHash } })
}

/** That a cohort comes to no sum. */
export function lossOf({ rosterContext }: Assembly): Uint8Array {
  return Decision.encode({ cohortSum: { ...NOTHING, rosterHash: rosterContext?.rosterHash ?? ZERO_HASH } })
}

/** Builds what this peer's own computation leads to. */
export function onSummed(
  draft: Draft,
  attempt: AttemptState,
  { address, lengthBytes }: { readonly address: Uint8Array; readonly lengthBytes: number }
): void {
  if (attempt.unmasking !== 'running' || attempt.seeds === null) return
  attempt.unmasking = 'done'
  const decision = sumOfLeaf(draft, attempt, attempt.seeds, { address, length: lengthBytes })
  attempt.ownResult = { decision }
  attest(draft, attempt, decision)
}

/** What a leaf decides on whose survivors' masked inputs add up to a sum at that address. */
export function sumOfLeaf(
  draft: Draft,
  attempt: AttemptState,
  seeds: readonly Uint8Array[],
  { address, length }: Pick<CohortSum, 'address' | 'length'>
): Uint8Array {
  const { run, crypto } = draft.deps
  const cohortSum: CohortSum = {
    kind: 'sum',
    rosterHash: attempt.rosterContext!.rosterHash,
    survivors: attempt.survivors!.map(survivor => ({ peer: survivor.peer, address: survivor.address })),
    address,
    length,
    beacon: beaconOfSeeds(run.id, attempt.round + 1, seeds, crypto.sha256),
    children: []
  }
  return Decision.encode({ cohortSum })
}

/**
 * A cohort below the root is over: its members tell the cohort above, and wait for what becomes of the round.
 * @param certificate - of its decision
 */
export function endCohort(
  draft: Draft,
  assembly: AttemptState | ParentState,
  certificate: SignedMessage,
  cohortSum: CohortSum
): void {
  const { round, attempt, place } = assembly
  assembly.ending = certificate
  remember(assembly, certificate)
  if (assembly.kind === 'cohort') draft.effects.push({ type: 'forget', round, attempt })
  if (place !== null) handUp(draft, { ...assembly, place }, certificate, cohortSum)
}

/**
 * Hands what a cohort has certified to the one above it, and says so. Not all of its members do: the first f + 1 by rank,
 * of whom one at least is honest and there.
 */
/** The root has certified the link: everyone in the run hears of it. Said by as many as hand up a sum. */
export function announceLink(
  draft: Draft,
  { ranked, faults }: Pick<Assembly, 'ranked' | 'faults'>,
  certificate: SignedMessage
): void {
  if (ranked.indexOf(draft.deps.self) <= faults)
    draft.effects.push({ type: 'gossip', message: certificate, topic: 'run' })
}

function handUp(
  draft: Draft,
  { place, ranked, faults, round, attempt }: Assembly & { readonly place: TreePlace },
  certificate: SignedMessage,
  { kind, survivors, children }: CohortSum
): void {
  const { tree, node } = place
  const { self } = draft.deps
  const above = parentOf(tree, node)
  if (above === null) return
  if (ranked.indexOf(self) <= faults)
    draft.effects.push({ type: 'gossip', message: certificate, topic: pathOfNode(above) })
  if (above.cohort.includes(self)) draft.inbox.push(certificate)
  notice(draft, {
    notice: 'cohort-sum',
    round,
    attempt,
    level: node.level,
    index: node.index,
    kind: kind as CohortSumKind,
    survivors: survivors.length,
    children: children.length,
    ofChildren: node.children.length
  })
}
