/** What a chain is about, and where it stands. */
import type { Mechanism } from '../aggregation/dp-accountant.ts'
import type { AdmissionRecord } from './admission.ts'
import type { Failure } from './pause.ts'
import type { PeerId } from './ports.ts'
import type { PrivacyAccount } from './privacy-account.ts'
import type { RunManifest } from './run-manifest.ts'

/** Everything about a run that never changes, derived once from its manifest, its base and its adapter layout. */
export interface RunContext {
  /** SHA-256 of the canonical manifest. */
  readonly id: Uint8Array
  readonly manifest: RunManifest
  /** Digest of the frozen base, 32 bytes. */
  readonly baseModel: Uint8Array
  /** Content address of the replicated state before the first round. */
  readonly initialStateHash: Uint8Array
  /** Hash of the encoding of a round with a cohort of this size after this many completed rounds. */
  encodingHashOf(cohortSize: number, completedRounds: number): Uint8Array
  /** The noise of such a round, and what it covers; null in a run without noise. */
  mechanismOf(cohortSize: number, completedRounds: number): Mechanism | null
  /**
   * Of whoever keeps a chain without the base model, and so cannot work out what its noise is worth: what the link that is
   * being checked says of it. A peer that takes part never has this.
   */
  readonly witness?: { readonly epsilonSpent: number }
}

export type LinkKind = 'result' | 'abort' | 'lost' | 'reconfiguration'

/** Why a run is over: all of its rounds are done, another one would pass its epsilon, or its author has ended it. */
export type RunEnd = 'rounds' | 'privacy' | 'author'

/** Where a chain stands: all that the next round builds on. */
export interface ChainTip {
  /** 0 after the founding; one more with every link. */
  readonly height: number
  readonly linkHash: Uint8Array
  /** The next round and attempt. */
  readonly round: number
  readonly attempt: number
  /** Sorted by id. */
  readonly members: readonly PeerId[]
  readonly beacon: Uint8Array
  readonly stateHash: Uint8Array
  readonly completedRounds: number
  /** Members that were in the cohort of the last link with survivors, and not among them. */
  readonly silent: readonly PeerId[]
  /** Hashes of the last links, this one first: a registration must name one of them. */
  readonly recentLinks: readonly Uint8Array[]
  /** What the links so far have spent; null in a run without noise. */
  readonly privacy: PrivacyAccount | null
  /** No round follows: why; else null. */
  readonly end: RunEnd | null
  /** Members that cheated and were expelled: they do not come back by registering. Sorted. */
  readonly expelled: readonly PeerId[]
  /** The attempt at which the author last set the members anew: what was done until then is forgiven. */
  readonly pardon: { readonly round: number; readonly attempt: number } | null
  /** Attempts that came to nothing since the last result, or the last word of the author. */
  readonly failures: readonly Failure[]
  /** Who came by which invitation, and which are revoked. */
  readonly admission: AdmissionRecord
  /** The author has ordered a pause. */
  readonly paused: boolean
  /** Links that an order of the author may name: the last ones since it set the members anew, this one first. */
  readonly orderLinks: readonly Uint8Array[]
  /** The last links, this one first, with the cohorts that made them: for evidence (chain-history.ts). */
  readonly history: readonly PastLink[]
}

export interface PastLink {
  readonly hash: Uint8Array
  readonly previous: Uint8Array
  /** Of one cohort, or the leaves of a larger network. */
  readonly cohorts: ReadonlyArray<readonly PeerId[]>
}
