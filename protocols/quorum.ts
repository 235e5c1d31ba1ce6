/**
 * The sizes that hold for a whole round, taken over the cohort that the chain fixed, never over those that turned up.
 */

/** t = q = floor(2n/3) + 1: shares needed to recover a secret, and votes needed to decide. */
export function quorumOf(cohortSize: number): number {
  return Math.floor((2 * cohortSize) / 3) + 1
}

/** f = n - t: members that may be lost, or lie, without stopping or splitting the round. */
export function faultsOf(cohortSize: number): number {
  return cohortSize - quorumOf(cohortSize)
}
