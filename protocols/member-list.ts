/** Who is in the next round: the list that every link states. */
import type { ChainTip } from './chain-tip.ts'
import { byId } from './election.ts'
import { withoutExpelled } from './expulsions.ts'
import { MEMBERS_MAX } from './limits.ts'
import type { Expulsion } from './messages.js'
import { isPeerId } from './peer-id.ts'
import type { PeerId } from './ports.ts'

/**
 * The member list after a link: without those expelled or silent in two links running, with those newly registered; sorted.
 * @param survivors - of the cohort of this link
 * @param least - from leastCohortOf: the silent stay as long as the list would fall below it; the expelled never do
 */
export function nextMembers(
  tip: ChainTip,
  cohort: readonly PeerId[],
  survivors: readonly PeerId[],
  newcomers: readonly PeerId[],
  least: number,
  expulsions: readonly Expulsion[] = []
): PeerId[] {
  const all = new Set(withoutExpelled([...tip.members, ...newcomers], expulsions))
  const silentAgain = tip.silent.filter(
    peer => all.has(peer) && cohort.includes(peer) && !survivors.includes(peer)
  )
  for (const peer of silentAgain.slice(0, Math.max(0, all.size - least))) all.delete(peer)
  return [...all].sort(byId).slice(0, MEMBERS_MAX)
}

/** True of different peer ids in order. */
export function isSortedSet(peers: readonly PeerId[]): boolean {
  return peers.every((peer, i) => isPeerId(peer) && (i === 0 || peers[i - 1]! < peer))
}
