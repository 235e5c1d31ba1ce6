/** What a link of a larger network may say of those who were in it. docs/larger-networks.md. */
import { HASH_BYTES } from './envelope.ts'
import type { LinkBody } from './messages.js'
import type { PeerId } from './ports.ts'
import { quorumOf } from './quorum.ts'
import { type CohortTree, leavesBelow, type TreeNode } from './tree.ts'

/** Why no root can have made such a link, or null. */
export function faultOfTreeLink(
  tree: CohortTree,
  { kind, survivors, children }: Pick<LinkBody, 'kind' | 'survivors' | 'children'>
): string | null {
  // The sums of cohorts are public by then: what was put in is spent, and another attempt would spend it again.
  if (kind !== 'result' && kind !== 'lost') return `a tree of cohorts ends in no ${kind}`
  if (children.some(hash => hash.length !== HASH_BYTES)) return 'a cohort sum is not named by a hash'
  if (children.length > tree.root.children.length) return 'it adds more cohort sums than there are'
  const peers = survivors.map(({ peer }) => peer)
  if (kind === 'lost')
    return peers.length + children.length === 0 ? null : 'a round that is lost adds nothing'
  if (children.length === 0) return 'it adds no cohort sum'
  return survivorsFault(leavesBelow(tree, tree.root), peers)
}

/** Likewise of a round of one cohort. */
export function faultOfFlatLink({ children }: Pick<LinkBody, 'children'>): string | null {
  return children.length === 0 ? null : 'a round of one cohort adds no cohort sums'
}

/** Leaf by leaf, each sorted by id, and of each leaf nobody or a quorum; what is wrong, or null. */
export function survivorsFault(leaves: readonly TreeNode[], peers: readonly PeerId[]): string | null {
  let at = 0
  for (const { cohort } of leaves) {
    const from = at
    for (const peer of cohort) if (peers[at] === peer) at++
    if (at > from && at - from < quorumOf(cohort.length)) return 'fewer survivors in a cohort than its quorum'
  }
  if (at < peers.length) return 'its survivors are not those of the cohorts, in their order'
  return at === 0 ? 'nobody survived' : null
}

/** Members of the leaves that anyone survived in: whose silence says something of them, not of their cohort. */
export function membersThatCount({ levels }: CohortTree, survivors: readonly PeerId[]): PeerId[] {
  const survived = new Set(survivors)
  return levels[0]!.flatMap(({ cohort }) => (cohort.some(peer => survived.has(peer)) ? cohort : []))
}
