/** Who is asked for a masked input, and when, so that its owner need not send it to everybody. */
import { lengthPrefixed } from '../../aggregation/canonical-bytes.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { toHex } from '../../protocols/hex.ts'
import type { PeerId } from '../../protocols/ports.ts'

/** Between two members in the order of pulling: about the time that one body takes on a fast link. */
const TURN_MS = 40

/** Members beyond this wait no longer than it. */
const TURNS_MAX = 8

/** Other holders to try before the owner: one refusal costs a round trip, a body from the owner its upload. */
const TRIED_BEFORE_OWNER = 2

/** How long to hold back. @param precedence - 0 for the aggregator, 1 for its first stand-in, … */
export function pullDelayMs(precedence: number): number {
  return TURN_MS * Math.min(Math.max(precedence, 0), TURNS_MAX)
}

/** Peers that have the same blob, in an order that differs for everyone who asks. */
export function inOrderOfOwn(
  holders: readonly PeerId[],
  address: Uint8Array,
  self: PeerId,
  sha256: CryptoSuite['sha256']
): PeerId[] {
  return holders
    .map(peer => ({ peer, key: toHex(sha256(lengthPrefixed('pull-order', self, peer, address))) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ peer }) => peer)
}

/**
 * The holders in the order in which this peer asks them. The aggregator asks the owner first; everyone else asks
 * some who should have it by now, each peer in an order of its own, so that no holder gets all the requests.
 */
export function holdersInTurn(
  holders: readonly PeerId[],
  owner: PeerId,
  precedence: number,
  address: Uint8Array,
  self: PeerId,
  sha256: CryptoSuite['sha256']
): PeerId[] {
  const others = inOrderOfOwn(
    holders.filter(peer => peer !== owner),
    address,
    self,
    sha256
  )
  const ahead = precedence === 0 ? 0 : TRIED_BEFORE_OWNER
  const fromOwner = holders.includes(owner) ? [owner] : []
  return [...others.slice(0, ahead), ...fromOwner, ...others.slice(ahead)]
}
