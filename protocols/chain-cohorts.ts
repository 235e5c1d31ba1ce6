/** Who does what in the round that a tip leads to: its cohort, or tree of cohorts, and the verifiers. */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import type { ChainTip, RunContext } from './chain-tip.ts'
import { byId, cohortOf, verifiersOf } from './election.ts'
import { COHORT_MAX } from './limits.ts'
import { leastCohortOf } from './pause.ts'
import type { PeerId } from './ports.ts'
import type { RunManifest } from './run-manifest.ts'
import { type CohortTree, cohortTree, largestLeafOf, type TreeShape } from './tree.ts'
import { verifierCount } from './verification-bytes.ts'

/** The most members that a cohort of the run can come to have. */
export function largestCohortOf(manifest: RunManifest): number {
  const { larger, size } = manifest.cohort
  return larger === 'tree' ? Math.max(size, 2 * leastCohortOf(manifest) - 1) : size
}

function shapeOf(manifest: RunManifest): TreeShape {
  const { size, fanIn } = manifest.cohort
  return { size, fanIn, least: leastCohortOf(manifest) }
}

/** The cohort that certifies the link of the round that a tip leads to: all who take part, or the root of their tree. */
export function cohortAt(
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): PeerId[] {
  const { size, larger } = run.manifest.cohort
  const tree = treeAt(tip, run, crypto)
  if (tree !== null) return [...tree.root.cohort]
  if (larger === 'tree') return [...tip.members].sort(byId)
  return cohortOf(tip.members, tip.beacon, Math.min(size, COHORT_MAX), crypto.sha256)
}

/** The cohorts that train in that round: one, or the leaves of the tree. */
export function cohortsAt(
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): ReadonlyArray<readonly PeerId[]> {
  const leaves = treeAt(tip, run, crypto)?.levels[0]
  return leaves === undefined ? [cohortAt(tip, run, crypto)] : leaves.map(({ cohort }) => cohort)
}

/** The tree of the round that a tip leads to, or null if it is of one cohort. */
export function treeAt(
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): CohortTree | null {
  const shape = shapeOf(run.manifest)
  if (run.manifest.cohort.larger === 'draw' || tip.members.length < 2 * shape.least) return null
  const tree = cohortTree(tip.members, tip.beacon, shape, crypto.sha256)
  return tree.levels.length > 1 ? tree : null
}

/** Who pulls and re-adds the masked inputs of the attempt that a tip leads to: a committee, or the whole cohort; sorted. */
export function verifiersAt(
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): PeerId[] {
  return verifiersIn(cohortAt(tip, run, crypto), tip, run, crypto)
}

/** Likewise of one cohort of that attempt. */
export function verifiersIn(
  cohort: readonly PeerId[],
  tip: ChainTip,
  run: Pick<RunContext, 'manifest'>,
  crypto: Pick<CryptoSuite, 'sha256'>
): PeerId[] {
  const size = verifierCount(run.manifest.secureSum.verifiers, cohort.length)
  return verifiersOf(cohort, tip.beacon, tip.attempt, size, crypto.sha256)
}

/** n of a round with so many members, as cohortAt draws it; in a larger network, of the largest leaf. */
export function cohortSizeOf(memberCount: number, { manifest }: Pick<RunContext, 'manifest'>): number {
  if (manifest.cohort.larger === 'tree') return largestLeafOf(memberCount, shapeOf(manifest))
  return Math.min(memberCount, manifest.cohort.size, COHORT_MAX)
}
