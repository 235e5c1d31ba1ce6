/** Who is expelled by a link, and how the chain remembers it. The voters have checked the evidence; a link names it. */
import { isEvidenceKind } from './evidence-kinds.ts'
import { EXPULSIONS_MAX } from './limits.ts'
import type { Expulsion, LinkBody } from './messages.js'
import type { PeerId } from './ports.ts'

/**
 * Why a list of expulsions cannot be part of a link or of a decision, whatever the evidence says; null if it can.
 * @param members - before the link; sorted by id
 */
export function expulsionsFault(expulsions: readonly Expulsion[], members: readonly PeerId[]): string | null {
  if (expulsions.length > EXPULSIONS_MAX) return `more than ${EXPULSIONS_MAX} expulsions`
  for (const [i, { peer, kind, evidenceHash }] of expulsions.entries()) {
    if (i > 0 && expulsions[i - 1]!.peer >= peer) return 'its expulsions are not sorted by peer'
    if (!members.includes(peer)) return `it expels ${peer.slice(0, 64)}, who is no member`
    if (!isEvidenceKind(kind)) return `it expels for ${kind.slice(0, 32)}, which is no reason`
    if (evidenceHash.length !== 32) return 'it expels without naming evidence'
  }
  return null
}

/** A list without those who are expelled. */
export function withoutExpelled(
  peers: readonly PeerId[],
  expulsions: ReadonlyArray<Pick<Expulsion, 'peer'>>
): PeerId[] {
  return peers.filter(peer => !expulsions.some(expulsion => expulsion.peer === peer))
}

/** Those expelled so far, after a link; sorted. Only the author can let one in again, by naming it a member. */
export function expelledAfter(
  expelled: readonly PeerId[],
  { kind, expulsions, members }: Pick<LinkBody, 'kind' | 'expulsions' | 'members'>
): PeerId[] {
  if (kind === 'reconfiguration') return expelled.filter(peer => !members.includes(peer))
  return [...new Set([...expelled, ...expulsions.map(({ peer }) => peer)])].sort()
}
