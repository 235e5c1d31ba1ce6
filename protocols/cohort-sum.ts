/**
 * Certified cohort sums: what a cohort of a larger network hands to the parent cohort above it. Whoever has one can
 * check it from the chain alone. docs/larger-networks.md.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { certificateHolds } from './certificate.ts'
import { checkLength, decodeCanonical, equalBytes } from './codec.ts'
import { HASH_BYTES, ZERO_HASH } from './envelope.ts'
import { ProtocolError } from './errors.ts'
import { CertifiedDecision, type CohortSum, type Context, Decision } from './messages.js'
import { type CohortTree, leavesBelow, pathOfNode, type TreeNode } from './tree.ts'
import { survivorsFault } from './tree-link.ts'

/** `abort`: given up before anything was opened. `lost`: what was put in is spent, and nothing came of it. */
export type CohortSumKind = 'sum' | 'abort' | 'lost'

export interface OpenCohortSum {
  readonly node: TreeNode
  readonly sum: CohortSum
  readonly kind: CohortSumKind
  /** SHA-256 of the decision: what the node above names it by. */
  readonly hash: Uint8Array
}

/** Where votes of a round's cohorts are signed. */
export function contextOfNode(
  ofRound: Omit<Context, 'cohort' | 'rosterHash'>,
  node: TreeNode,
  rosterHash: Uint8Array = ZERO_HASH
): Context {
  return { ...ofRound, rosterHash, cohort: pathOfNode(node) }
}

/**
 * Opens what a cohort has certified, and checks everything about it that does not need the sum itself.
 * @param payload - a CertifiedDecision
 * @param node - the cohort that it should be of
 * @param ofRound - context of the round
 * @param lengthBytes - of a cohort sum of this round
 * @throws ProtocolError BAD_MESSAGE, with what is wrong
 */
export function openCohortSum(
  payload: Uint8Array,
  tree: CohortTree,
  node: TreeNode,
  ofRound: Omit<Context, 'cohort' | 'rosterHash'>,
  lengthBytes: number,
  crypto: CryptoSuite
): OpenCohortSum {
  const { certificate, decision } = decodeCanonical(CertifiedDecision, payload, 'certified decision')
  const { cohortSum: sum } = decodeCanonical(Decision, decision, 'decision')
  const refuse = (reason: string) => new ProtocolError('BAD_MESSAGE', { reason }, reason)
  if (sum === undefined || certificate === undefined) throw refuse('no cohort sum, or no certificate')
  const kind = kindOf(sum)
  if (kind === null) throw refuse(`a cohort sum of unknown kind ${sum.kind.slice(0, 16)}`)
  checkLength(sum.rosterHash, HASH_BYTES, 'rosterHash')
  const fault = kind === 'sum' ? faultOfSum(tree, node, sum, lengthBytes) : faultOfNothing(sum)
  if (fault !== null) throw refuse(fault)
  if (node.level > 0 && (kind === 'abort' || !equalBytes(sum.rosterHash, ZERO_HASH)))
    throw refuse('what only a leaf can say')
  if ((certificate.subject === 'result') !== (kind !== 'abort'))
    throw refuse(`a ${kind} decided as ${certificate.subject.slice(0, 16)}`)
  const hash = crypto.sha256(decision)
  const context = contextOfNode(ofRound, node, sum.rosterHash)
  const holds = certificateHolds(certificate, 'commit', node.cohort, context, crypto)
  if (!equalBytes(certificate.valueHash, hash) || !holds) throw refuse('its certificate does not hold')
  return { node, sum, kind, hash }
}

function kindOf({ kind }: CohortSum): CohortSumKind | null {
  return kind === 'sum' || kind === 'abort' || kind === 'lost' ? kind : null
}

function faultOfSum(tree: CohortTree, node: TreeNode, sum: CohortSum, lengthBytes: number): string | null {
  for (const field of ['address', 'beacon'] as const) checkLength(sum[field], HASH_BYTES, field)
  for (const hash of sum.children) checkLength(hash, HASH_BYTES, 'child')
  if (sum.length !== lengthBytes) return `a sum of ${sum.length} bytes, not ${lengthBytes}`
  if (sum.children.length > node.children.length || (node.level > 0 && sum.children.length === 0))
    return 'it adds more or fewer cohort sums than there are'
  for (const { address } of sum.survivors) checkLength(address, HASH_BYTES, 'address')
  const peers = sum.survivors.map(({ peer }) => peer)
  return survivorsFault(leavesBelow(tree, node), peers)
}

function faultOfNothing({ survivors, address, length, beacon, children }: CohortSum): string | null {
  const isEmpty = survivors.length + address.length + length + beacon.length + children.length === 0
  return isEmpty ? null : 'no sum, and yet something in it'
}
