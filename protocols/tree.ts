/**
 * How a run of more members than one cohort takes is cut up: leaves of the tree are cohorts that each add up what
 * their own members put in, and above them parent cohorts add up the sums of a few cohorts, up to one root. Everybody
 * computes it from the chain, so nobody decides who sits where. docs/larger-networks.md says why it is so.
 */
import { lengthPrefixed } from '../aggregation/canonical-bytes.ts'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { byId, inOrderOf } from './election.ts'
import type { PeerId } from './ports.ts'

type Sha256 = CryptoSuite['sha256']

/** One cohort of the tree. */
export interface TreeNode {
  /** 0 for a leaf. */
  readonly level: number
  /** Place among the nodes of its level. */
  readonly index: number
  /** Who votes here, sorted by id: all members of a leaf, some of those below any other node, drawn by the beacon. */
  readonly cohort: readonly PeerId[]
  /** Members of the leaves below (of a leaf, its own), sorted by id. */
  readonly members: readonly PeerId[]
  /** Indices of the nodes of the level below whose sums are added here; none for a leaf. */
  readonly children: readonly number[]
}

export interface CohortTree {
  /** From the leaves up; the last level is the root alone. */
  readonly levels: ReadonlyArray<readonly TreeNode[]>
  readonly root: TreeNode
  /** Members of the largest leaf: all inputs are encoded for so many, so that the sums have one scale. */
  readonly largestLeaf: number
}

export interface TreeShape {
  /** Members of a leaf and of a parent cohort, where the count of members allows it. */
  readonly size: number
  /** The fewest that a leaf may have. At most `size`. */
  readonly least: number
  /** The most sums that one node adds, at least 2. */
  readonly fanIn: number
}

/**
 * The tree of a round. Leaves are as equal as possible. They have at most `size` members, unless that would leave
 * one with fewer than `least`: then there are fewer leaves, of at most 2 least - 1.
 * @param members - at least `least`, in any order
 * @param beacon - [32], revealed only when the round before was decided
 */
export function cohortTree(
  members: readonly PeerId[],
  beacon: Uint8Array,
  shape: TreeShape,
  sha256: Sha256
): CohortTree {
  const { size, fanIn } = shape
  const drawn = inOrderOf(members, id => sha256(lengthPrefixed('leaf', beacon, id)))
  const leaves: TreeNode[] = cut(drawn, leafCountOf(drawn.length, shape)).map((part, index) => {
    const sorted = part.sort(byId)
    return { level: 0, index, cohort: sorted, members: sorted, children: [] }
  })
  const levels: TreeNode[][] = [leaves]
  for (let below = leaves; below.length > 1; below = levels.at(-1)!) {
    const level = levels.length
    const groups = cut(below, Math.ceil(below.length / fanIn))
    levels.push(
      groups.map((group, index) => {
        const under = group.flatMap(node => node.members).sort(byId)
        const seat = (id: PeerId) => sha256(lengthPrefixed('parent', beacon, level, index, id))
        const cohort = inOrderOf(under, seat).slice(0, size).sort(byId)
        return { level, index, cohort, members: under, children: group.map(node => node.index) }
      })
    )
  }
  return {
    levels,
    root: levels.at(-1)![0]!,
    largestLeaf: largestLeafOf(drawn.length, shape)
  }
}

/** Members of the largest leaf of a tree of so many members. */
export function largestLeafOf(memberCount: number, shape: Pick<TreeShape, 'size' | 'least'>): number {
  return Math.ceil(memberCount / leafCountOf(memberCount, shape))
}

function leafCountOf(memberCount: number, { size, least }: Pick<TreeShape, 'size' | 'least'>): number {
  return Math.max(1, Math.min(Math.ceil(memberCount / size), Math.floor(memberCount / least)))
}

/** The name of a cohort in messages and topics: `level/index`. */
export function pathOfNode({ level, index }: Pick<TreeNode, 'level' | 'index'>): string {
  return `${level}/${index}`
}

/** A member list of MEMBERS_MAX has fewer levels, and fewer cohorts in each, than this has digits for. */
const PATH = /^(0|[1-9]\d?)\/(0|[1-9]\d{0,3})$/

/** Whether a text has the form of a cohort's name. */
export function isNodePath(text: string): boolean {
  return PATH.test(text)
}

/** The node of that name, or null if the tree has none. */
export function nodeAt({ levels }: CohortTree, path: string): TreeNode | null {
  const parts = PATH.exec(path)
  return parts === null ? null : (levels[Number(parts[1])]?.[Number(parts[2])] ?? null)
}

/** The leaf of a member, or null if it is none. */
export function leafOf({ levels }: CohortTree, peer: PeerId): TreeNode | null {
  return levels[0]!.find(({ cohort }) => cohort.includes(peer)) ?? null
}

/** The node that adds the sum of this one, or null for the root. */
export function parentOf({ levels }: CohortTree, { level, index }: TreeNode): TreeNode | null {
  return levels[level + 1]?.find(({ children }) => children.includes(index)) ?? null
}

/** The nodes whose sums this one adds. */
export function childrenOf({ levels }: CohortTree, { level, children }: TreeNode): TreeNode[] {
  return children.map(index => levels[level - 1]![index]!)
}

/** The leaves whose sums are in that of this node, in their order; a leaf is below itself. */
export function leavesBelow(tree: CohortTree, node: TreeNode): TreeNode[] {
  return node.level === 0 ? [node] : childrenOf(tree, node).flatMap(child => leavesBelow(tree, child))
}

/** From a member's leaf up to the root; empty if it is no member. */
export function lineOf(tree: CohortTree, peer: PeerId): TreeNode[] {
  const line: TreeNode[] = []
  for (let node = leafOf(tree, peer); node !== null; node = parentOf(tree, node)) line.push(node)
  return line
}

/** Cuts a list into so many pieces that differ by one in length at most, the longer ones first. */
function cut<T>(list: readonly T[], pieces: number): T[][] {
  const short = Math.floor(list.length / pieces)
  const long = list.length % pieces
  return Array.from({ length: pieces }, (_, i) => {
    const from = i * short + Math.min(i, long)
    return list.slice(from, from + short + (i < long ? 1 : 0))
  })
}
