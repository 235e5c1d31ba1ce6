/** One parent cohort of a larger network, as one of its members sees it: whose sums are here, and what they add up to. */

import { contextOfRound } from '../../../protocols/chain.ts'
import type { ChainTip } from '../../../protocols/chain-tip.ts'
import { contextOfNode, type OpenCohortSum } from '../../../protocols/cohort-sum.ts'
import { rankMembers } from '../../../protocols/election.ts'
import type { SignedMessage } from '../../../protocols/envelope.ts'
import type { PeerId } from '../../../protocols/ports.ts'
import { faultsOf, quorumOf } from '../../../protocols/quorum.ts'
import type { RunManifest } from '../../../protocols/run-manifest.ts'
import { type CohortTree, childrenOf, type TreeNode } from '../../../protocols/tree.ts'
import { copyAgreement, newAgreement } from '../agreement.ts'
import type { Assembly, TreePlace } from '../assembly.ts'
import { electorate } from '../electorate.ts'
import type { Participation } from '../release-rules.ts'
import type { AddedSums, RoundDeps } from '../round-types.ts'

/**
 * `pulling` until the body is here; `useless`: it is no sum of what its survivors may put in, or its cohort has certified
 * another one too.
 */
export type SumStanding = 'pulling' | 'held' | 'useless'

export interface ChildSum extends OpenCohortSum {
  readonly standing: SumStanding
  /** SHA-256 of the certified decision as it came. */
  readonly payloadHash: Uint8Array
}

export interface ParentState extends Assembly {
  readonly kind: 'parent'
  readonly tip: ChainTip
  readonly place: TreePlace
  readonly encodedFor: number
  /** When sums may be added up with some of them missing. */
  readonly dueMs: number
  /** What the cohorts below have certified, by index. */
  readonly children: Map<number, ChildSum>
  /** Hashes of the sums that were held when time was up: no honest leader leaves these out. Null before. */
  heldWhenDue: readonly string[] | null
  /** What sets of sums add up to: hashes of the decisions, joined -> the sum, or null while it is being added. */
  readonly added: Map<string, AddedSums | 'failed' | null>
  /** What it has certified: its own sum, or that it came to none. Null before. */
  ending: SignedMessage | null
}

/** The parent cohorts that this peer is in, from the leaves up. */
export function newParents(
  tree: CohortTree,
  tip: ChainTip,
  deps: RoundDeps,
  participation: Participation,
  nowMs: number
): ParentState[] {
  return tree.levels
    .slice(1)
    .flat()
    .filter(({ cohort }) => cohort.includes(deps.self))
    .map(node => newParent({ tree, node }, tip, deps, participation, nowMs))
}

function newParent(
  place: TreePlace,
  tip: ChainTip,
  { run, crypto }: RoundDeps,
  participation: Participation,
  nowMs: number
): ParentState {
  const { tree, node } = place
  const { cohort } = node
  const encodedFor = tree.largestLeaf
  const context = contextOfNode(contextOfRound(tip, run, encodedFor), node)
  const voters = electorate(cohort)
  return {
    kind: 'parent',
    tip,
    place,
    encodedFor,
    dueMs: nowMs + patienceMs(run.manifest, node),
    children: new Map(),
    heldWhenDue: null,
    added: new Map(),
    ending: null,
    round: tip.round,
    attempt: tip.attempt,
    cohort,
    ranked: rankMembers(cohort, tip.beacon, tip.attempt, crypto.sha256),
    quorum: quorumOf(cohort.length),
    faults: faultsOf(cohort.length),
    electorates: { roster: voters, shares: voters, survivors: voters, result: voters },
    context,
    // There is no roster to wait for.
    rosterContext: context,
    participation,
    probeAtMs: nowMs,
    said: new Map(),
    transcript: new Map(),
    transcriptBytes: new Map(),
    agreements: {
      roster: newAgreement(),
      shares: newAgreement(),
      survivors: newAgreement(),
      result: newAgreement()
    },
    firstRank: {}
  }
}

/**
 * How long the cohorts below may take. A leaf that keeps its deadlines and changes the leader once in each agreement is
 * in time; every level above has the time of one unmasking and two views more.
 */
export function patienceMs({ deadlines }: Pick<RunManifest, 'deadlines'>, { level }: TreeNode): number {
  const { keysMs, trainingMs, inputsMs, unmaskingMs, viewMs } = deadlines
  const leafMs = 2 * keysMs + trainingMs + inputsMs + unmaskingMs + 4 * viewMs
  return leafMs + (level - 1) * (unmaskingMs + 2 * viewMs)
}

/** A copy that shares no container with the original. */
export function copyParent(parent: ParentState): ParentState {
  return {
    ...parent,
    said: new Map(parent.said),
    transcript: new Map(parent.transcript),
    transcriptBytes: new Map(parent.transcriptBytes),
    children: new Map(parent.children),
    added: new Map(parent.added),
    agreements: { ...parent.agreements, result: copyAgreement(parent.agreements.result) }
  }
}

/** The cohorts whose sums are added here. */
export function childNodes({ place }: ParentState): TreeNode[] {
  return childrenOf(place.tree, place.node)
}

/** Sums that can be added: certified, sound, and here; by index. */
export function countable({ children }: ParentState): ChildSum[] {
  return [...children.values()]
    .filter(({ standing, kind }) => kind === 'sum' && standing === 'held')
    .sort((a, b) => a.node.index - b.node.index)
}

/** Who stood for it below: the members of a cohort that can be asked for its sum. */
export function holdersOf({ cohort }: ParentState, child: TreeNode, self: PeerId): PeerId[] {
  return [...new Set([...child.cohort, ...cohort])].filter(peer => peer !== self)
}
