/** What it costs to check a round's sum, by arithmetic: with everyone as a verifier, and with a committee. */

export interface VerificationSetting {
  /** n. */
  readonly members: number
  /** k; everyone if it is not below n. */
  readonly verifiers: number
  /** One masked input. */
  readonly bodyBytes: number
  /** The replicated state after the round. */
  readonly stateBytes: number
}

/** Received by one member in a round without faults. */
export interface VerificationBytes {
  /** The others' masked inputs. */
  readonly verifier: number
  /** The new state; null where everyone verifies. */
  readonly other: number | null
  /** Over all members; a member sends as much on average, as what many want is passed on by those who have it. */
  readonly mean: number
}

export function verificationBytes({
  members,
  verifiers,
  bodyBytes,
  stateBytes
}: VerificationSetting): VerificationBytes {
  const verifier = (members - 1) * bodyBytes
  if (verifiers >= members) return { verifier, other: null, mean: verifier }
  const mean = (verifiers * verifier + (members - verifiers) * stateBytes) / members
  return { verifier, other: stateBytes, mean }
}

/** k of a manifest in a cohort of n. */
export function verifierCount(verifiers: number | 'everyone', members: number): number {
  return verifiers === 'everyone' ? members : Math.min(verifiers, members)
}

/** The state in 32-bit floats: the adapter, and as many moments as its server optimizer keeps. */
export function stateBytesOf(adapterElements: number, optimizer: 'fedavg' | 'fedadam'): number {
  return 4 * adapterElements * (optimizer === 'fedavg' ? 1 : 3)
}
