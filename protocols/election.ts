/**
 * Who is in the cohort of a round and who leads it. Everybody computes it from the chain, so nobody decides it.
 */
import { lengthPrefixed } from '../aggregation/canonical-bytes.ts'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import type { PeerId } from './ports.ts'

type Sha256 = CryptoSuite['sha256']

/** Orders ids as `<` does on their UTF-16 code units: the order of rosters, and of who adds a pairwise mask. */
export function byId(a: PeerId, b: PeerId): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Members by rank: the first is the aggregator, the next are its ordered stand-ins. Rank is H(beacon, attempt, id).
 * @param beacon - [32], revealed only when the round before was decided
 */
export function rankMembers(
  members: readonly PeerId[],
  beacon: Uint8Array,
  attempt: number,
  sha256: Sha256
): PeerId[] {
  return inOrderOf(members, id => sha256(lengthPrefixed('rank', beacon, attempt, id)))
}

/**
 * The cohort of a round: all members, or as many as the manifest allows in the order of H(beacon, id).
 * @returns sorted by id
 */
export function cohortOf(
  members: readonly PeerId[],
  beacon: Uint8Array,
  maxSize: number,
  sha256: Sha256
): PeerId[] {
  if (members.length <= maxSize) return [...members].sort(byId)
  return inOrderOf(members, id => sha256(lengthPrefixed('cohort', beacon, id)))
    .slice(0, maxSize)
    .sort(byId)
}

/**
 * The committee that pulls and re-adds the masked inputs of an attempt: as many as asked for, in the order of
 * H(beacon, attempt, id); everyone where that is no fewer.
 * @returns sorted by id
 */
export function verifiersOf(
  cohort: readonly PeerId[],
  beacon: Uint8Array,
  attempt: number,
  size: number,
  sha256: Sha256
): PeerId[] {
  if (size >= cohort.length) return [...cohort].sort(byId)
  const keyed = cohort.map(id => ({ id, key: sha256(lengthPrefixed('verifiers', beacon, attempt, id)) }))
  const drawn = keyed.sort((a, b) => compareBytes(a.key, b.key) || byId(a.id, b.id)).slice(0, size)
  return drawn.map(({ id }) => id).sort(byId)
}

/**
 * The beacon of the round after a certified result: the survivors' self-mask seeds, each committed to before anyone
 * knew the others, so that fewer than t colluders can neither predict nor withhold it.
 * @param seeds - the survivors' revealed b [32 each], in roster order
 */
export function beaconOfSeeds(
  run: Uint8Array,
  nextRound: number,
  seeds: readonly Uint8Array[],
  sha256: Sha256
): Uint8Array {
  return sha256(lengthPrefixed('beacon', run, nextRound, ...seeds))
}

/** The beacon after the founding, an abort or a loss, from that link's hash. Grinding it can only cost liveness. */
export function beaconOfLink(
  run: Uint8Array,
  nextRound: number,
  linkHash: Uint8Array,
  sha256: Sha256
): Uint8Array {
  return sha256(lengthPrefixed('beacon-of-link', run, nextRound, linkHash))
}

/** Peers in the order of a hash of each, whatever order they are given in. */
export function inOrderOf(peers: readonly PeerId[], keyOf: (id: PeerId) => Uint8Array): PeerId[] {
  const keyed = peers.map(id => ({ id, key: keyOf(id) }))
  return keyed.sort((a, b) => compareBytes(a.key, b.key) || byId(a.id, b.id)).map(({ id }) => id)
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
