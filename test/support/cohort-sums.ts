/** Cohort sums that the members of a test run really sign. */
import { votePayload } from '../../protocols/certificate.ts'
import { contextOfRound } from '../../protocols/chain.ts'
import { contextOfNode } from '../../protocols/cohort-sum.ts'
import { sealMessage, ZERO_HASH } from '../../protocols/envelope.ts'
import { CertifiedDecision, type CohortSum, Decision } from '../../protocols/messages.js'
import { quorumOf } from '../../protocols/quorum.ts'
import { type CohortTree, leavesBelow, type TreeNode } from '../../protocols/tree.ts'
import type { TestRun } from './chains.ts'

/** A sum in which everyone of a cohort survived, at an address that is a hash of nothing. */
export function cohortSumOf(
  { crypto }: TestRun,
  tree: CohortTree,
  node: TreeNode,
  length: number
): CohortSum {
  const hash = (number: number) => crypto.sha256(Uint8Array.of(number))
  const survivors = leavesBelow(tree, node).flatMap(({ cohort }) =>
    cohort.map(peer => ({ peer, address: hash(1) }))
  )
  const rosterHash = node.level === 0 ? hash(2) : ZERO_HASH
  const children = node.children.map(index => hash(10 + index))
  return { kind: 'sum', rosterHash, survivors, address: hash(3), length, beacon: hash(4), children }
}

export interface CertifyingSum {
  /** A quorum of the cohort by default. */
  readonly signers?: readonly string[]
  /** Where the votes are said. */
  readonly in?: TreeNode
  readonly vote?: 'prepare' | 'commit'
  readonly subject?: string
}

/** As its cohort, or others, would certify it. @returns an encoded CertifiedDecision */
export function certifiedSum(
  { run, tip, crypto, members }: TestRun,
  tree: CohortTree,
  node: TreeNode,
  sum: CohortSum,
  how: CertifyingSum = {}
): Uint8Array {
  const decision = Decision.encode({ cohortSum: sum })
  const valueHash = crypto.sha256(decision)
  const subject = how.subject ?? (sum.kind === 'abort' ? 'survivors' : 'result')
  const context = contextOfNode(contextOfRound(tip, run, tree.largestLeaf), how.in ?? node, sum.rosterHash)
  const signers = how.signers ?? node.cohort.slice(0, quorumOf(node.cohort.length))
  const signatures = signers.map(peer => {
    const { signer } = members.find(({ id }) => id === peer)!
    const payload = votePayload(subject, 0, valueHash)
    const { signature } = sealMessage(how.vote ?? 'commit', context, payload, signer, crypto)
    return { index: node.cohort.indexOf(peer), signature }
  })
  return CertifiedDecision.encode({
    certificate: { kind: 'commit', subject, view: 0, valueHash, signatures },
    decision
  })
}
