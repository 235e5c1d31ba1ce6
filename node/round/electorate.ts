/** Who votes in an agreement, in which order they lead it, and how many of them decide. */
import type { PeerId } from '../../protocols/ports.ts'
import { faultsOf, quorumOf } from '../../protocols/quorum.ts'

export interface Electorate {
  /** Sorted by id: certificates index into it. */
  readonly voters: readonly PeerId[]
  /** Voters that lead before all others; each group in the order of rank. */
  readonly leadFirst: readonly PeerId[]
  /** Over the voters: what a certificate of this agreement needs. */
  readonly quorum: number
  readonly faults: number
}

/** @param voters - sorted by id @param leadFirst - all of them by default: then rank alone decides */
export function electorate(voters: readonly PeerId[], leadFirst: readonly PeerId[] = voters): Electorate {
  return { voters, leadFirst, quorum: quorumOf(voters.length), faults: faultsOf(voters.length) }
}

/**
 * The leaders of an agreement, that of view 0 first.
 * @param ranked - by rank; those who do not vote are left out
 * @param firstRank - where in `ranked` the order begins
 */
export function leadersOf(
  { voters, leadFirst }: Electorate,
  ranked: readonly PeerId[],
  firstRank: number
): PeerId[] {
  const votes = new Set(voters)
  const inTurn = [...ranked.slice(firstRank), ...ranked.slice(0, firstRank)].filter(peer => votes.has(peer))
  const first = new Set(leadFirst)
  return [...inTurn.filter(peer => first.has(peer)), ...inTurn.filter(peer => !first.has(peer))]
}
