/** What it costs to check a round's sum, by arithmetic: with everyone as a verifier, and with a committee. */

import type { RunManifest } from './run-manifest.ts'

export interface VerificationSetting {
  /** n. */
  readonly members: number
  /** k; everyone if it is not below n. */
  readonly verifiers: number
  /** One masked input. */
  readonly bodyBytes: number
  /** What a member that does not verify pulls instead, from newsBytesOf. */
  readonly newsBytes: number
}

/** Received by one member in a round without faults. */
export interface VerificationBytes {
  /** The others' masked inputs. */
  readonly verifier: number
  /** The sum, or the new state; null where everyone verifies. */
  readonly other: number | null
  /** Over all members; a member sends as much on average, as what many want is passed on by those who have it. */
  readonly mean: number
}

export function verificationBytes({
  members,
  verifiers,
  bodyBytes,
  newsBytes
}: VerificationSetting): VerificationBytes {
  const verifier = (members - 1) * bodyBytes
  if (verifiers >= members) return { verifier, other: null, mean: verifier }
  const mean = (verifiers * verifier + (members - verifiers) * newsBytes) / members
  return { verifier, other: newsBytes, mean }
}

/** k of a manifest in a cohort of n. */
export function verifierCount(verifiers: number | 'everyone', members: number): number {
  return verifiers === 'everyone' ? members : Math.min(verifiers, members)
}

/**
 * What those pull who do not verify: the sum, as long as a masked input, from which they make the new state; in a larger
 * network, where the sum of all is the root's, the state.
 */
export function newsBytesOf(
  { cohort }: Pick<RunManifest, 'cohort'>,
  bodyBytes: number,
  stateBytes: number
): number {
  return cohort.larger === 'tree' ? stateBytes : bodyBytes
}

/** The state in 32-bit floats: the adapter, and as many moments as its server optimizer keeps. */
export function stateBytesOf(adapterElements: number, optimizer: 'fedavg' | 'fedadam'): number {
  return 4 * adapterElements * (optimizer === 'fedavg' ? 1 : 3)
}
