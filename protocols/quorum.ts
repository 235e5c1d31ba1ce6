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

/** The smallest cohort, from `least` on, whose fewest survivors hide a peer among two others who do not collude. */
export function leastFor(colluders: number, least: number): number {
  let size = least
  while (quorumOf(size) < colluders + 2) size++
  return size
}
