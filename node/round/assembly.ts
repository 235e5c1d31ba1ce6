/** Those who agree on something: the cohort of an attempt, or a parent cohort of a larger network. */
import type { Subject } from '../../protocols/certificate.ts'
import type { Utterance } from '../../protocols/contradictions.ts'
import type { SignedMessage } from '../../protocols/envelope.ts'
import type { Context } from '../../protocols/messages.js'
import type { PeerId } from '../../protocols/ports.ts'
import type { CohortTree, TreeNode } from '../../protocols/tree.ts'
import type { AgreementState } from './agreement.ts'
import type { Electorate } from './electorate.ts'
import type { Participation } from './release-rules.ts'

/** Which cohort of a larger network it is. */
export interface TreePlace {
  readonly tree: CohortTree
  readonly node: TreeNode
}

/** What its agreements stand on, and how it comes back after a restart. */
export interface Assembly {
  readonly round: number
  readonly attempt: number
  /** Sorted by id. */
  readonly cohort: readonly PeerId[]
  /** By rank. */
  readonly ranked: readonly PeerId[]
  readonly quorum: number
  readonly faults: number
  /** Who votes on what. */
  readonly electorates: Readonly<Record<Subject, Electorate>>
  /** Until the roster is decided. */
  readonly context: Context
  rosterContext: Context | null
  participation: Participation
  probeAtMs: number
  /** What each member has bound itself to, by signed words: whoever contradicts itself is blamed. */
  readonly said: Map<PeerId, readonly Utterance[]>
  /** Everything signed that belongs to it, by hash: what others are told who missed it. */
  readonly transcript: Map<string, SignedMessage>
  /** What of it is each sender's, in bytes. */
  readonly transcriptBytes: Map<PeerId, number>
  readonly agreements: Record<Subject, AgreementState>
  /** Rank that first proposed what was decided: the first leader of the next subject. */
  firstRank: Partial<Record<Subject, number>>
}
