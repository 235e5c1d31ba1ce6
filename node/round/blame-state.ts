/** What a peer knows of cheats, and how that is copied from step to step. */
import type { CheckedEvidence } from '../../protocols/evidence.ts'

/** What is known of cheats. */
export interface BlameState {
  /** By hash (hex), each checked; only against members, and so bounded. */
  readonly evidence: Map<string, CheckedEvidence>
  /** Hashes that a proposal has named and that are not here. */
  readonly wanted: Set<string>
}

export function newBlame(): BlameState {
  return { evidence: new Map(), wanted: new Set() }
}

export function copyBlame({ evidence, wanted }: BlameState): BlameState {
  return { evidence: new Map(evidence), wanted: new Set(wanted) }
}
