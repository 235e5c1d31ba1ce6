import { lengthPrefixed } from './canonical-bytes.ts'
import type { CryptoSuite } from './crypto-suite.ts'
import { AggregationError } from './errors.ts'
import { CUT_BYTES } from './lane-sum.ts'
import { applyMasks, type SignedMask } from './mask-stream.ts'
import {
  bytesOfLanes,
  type Lanes,
  lanesByteLength,
  lanesOfBytes,
  type RingBits,
  ringBitsOf,
  zeroLanes
} from './ring.ts'

/** What every mask of one attempt is bound to, so that no seed can serve twice. */
export interface MaskContext {
  /** SHA-256 [32] of the certified roster of mask keys. */
  readonly rosterHash: Uint8Array
  /** Run id. */
  readonly run: string
  readonly round: number
  readonly attempt: number
  /** Lanes of the masked vector (values, weight limbs and metrics together). */
  readonly laneCount: number
  readonly ringBits: RingBits
}

/** Another peer's fresh X25519 mask key [32]. */
export interface MaskPeer {
  readonly id: string
  readonly maskPublicKey: Uint8Array
}

const SEED_BYTES = 32

/**
 * Adds (sign 1) or subtracts (sign -1) the mask of a key to lanes, in place, modulo 2^b. The mask is the AES-256-CTR
 * key stream from counter 0, read as little-endian lanes; lane i of the mask depends on i alone, so any part of a
 * vector can be masked or checked by itself.
 * @param lanes - all of the vector, or the part that begins at lane `firstLane`
 * @param key - [32], used for this purpose only
 */
export function expandInto(
  lanes: Lanes,
  key: Uint8Array,
  sign: 1 | -1,
  crypto: Pick<CryptoSuite, 'keyStream'>,
  firstLane = 0
): void {
  const ringBits = ringBitsOf(lanes)
  const skippedLanes = firstLane % ((8 * CUT_BYTES) / ringBits)
  const padded = zeroLanes(ringBits, skippedLanes + lanes.length)
  padded.set(lanes, skippedLanes)
  const bytes = bytesOfLanes(padded)
  const firstByte = lanesByteLength(ringBits, firstLane - skippedLanes)
  applyMasks(bytes, [{ key, sign }], ringBits, crypto, { firstByte })
  lanes.set(lanesOfBytes(bytes, ringBits).subarray(skippedLanes))
}

/**
 * The seed [32] of the mask that two peers share: HKDF-SHA256 of X25519 of their fresh mask keys, salted with the
 * roster hash. Both sides get the same bytes, and whoever recovers one of the two secret keys does too.
 * Source: Bonawitz et al. 2017, section 4.
 * @throws AggregationError LOW_ORDER_POINT; BAD_SETTING if the ids are equal
 */
export function pairSeed(
  crypto: CryptoSuite,
  secretKey: Uint8Array,
  peerPublicKey: Uint8Array,
  ids: readonly [string, string],
  context: MaskContext
): Uint8Array {
  const [minId, maxId] = pairSign(ids[0], ids[1]) === 1 ? ids : [ids[1], ids[0]]
  const { rosterHash, run, round, attempt, laneCount, ringBits } = context
  const info = lengthPrefixed('pair-mask', run, round, attempt, minId, maxId, laneCount, ringBits)
  return derivedKey(crypto, secretKey, peerPublicKey, rosterHash, info)
}

/**
 * How `ownId` applies the mask that it shares with `otherId`: the lower id (by UTF-16 code units, as `<` compares)
 * adds, the higher subtracts, so that the two cancel.
 * @throws AggregationError BAD_SETTING if the ids are equal
 */
export function pairSign(ownId: string, otherId: string): 1 | -1 {
  if (ownId === otherId) {
    throw new AggregationError('BAD_SETTING', { setting: 'peer id', got: otherId, expected: 'another peer' })
  }
  return ownId < otherId ? 1 : -1
}

/**
 * The masks that `ownId` shares with each of the others, signed as `ownId` applies them. With a recovered secret key
 * of a peer that dropped out, it gives the masks left over in the survivors' inputs (see secure-sum.ts, unmaskSum).
 * @throws as pairSeed
 */
export function pairMasks(
  crypto: CryptoSuite,
  ownId: string,
  secretKey: Uint8Array,
  others: readonly MaskPeer[],
  context: MaskContext
): SignedMask[] {
  return others.map(({ id, maskPublicKey }) => ({
    key: pairSeed(crypto, secretKey, maskPublicKey, [ownId, id], context),
    sign: pairSign(ownId, id)
  }))
}

/**
 * The key [32] of a peer's own mask, from the seed b [32] that is shared among the cohort and revealed only if the
 * peer survives. Source: Bonawitz et al. 2017, section 4 (double masking).
 */
export function selfMaskKey(
  crypto: CryptoSuite,
  seed: Uint8Array,
  id: string,
  context: MaskContext
): Uint8Array {
  const { rosterHash, run, round, attempt, laneCount, ringBits } = context
  const info = lengthPrefixed('self-mask', run, round, attempt, id, laneCount, ringBits)
  return crypto.hkdfSha256(seed, rosterHash, info, SEED_BYTES)
}

/**
 * The AES-256-GCM key [32] of the shares that `fromId` sends to `toId`; the other direction has another key, so
 * neither side's nonces can collide with the other's.
 * @param secretKey - the caller's fresh encryption key, whichever side the caller is
 * @throws AggregationError LOW_ORDER_POINT
 */
export function shareKey(
  crypto: CryptoSuite,
  secretKey: Uint8Array,
  peerPublicKey: Uint8Array,
  direction: { readonly fromId: string; readonly toId: string },
  rosterHash: Uint8Array
): Uint8Array {
  const info = lengthPrefixed('share', direction.fromId, direction.toId)
  return derivedKey(crypto, secretKey, peerPublicKey, rosterHash, info)
}

/** HKDF-SHA256 of what two keys have in common; that itself, from which every key between the two follows, is erased. */
function derivedKey(
  crypto: CryptoSuite,
  secretKey: Uint8Array,
  peerPublicKey: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array
): Uint8Array {
  const shared = crypto.x25519(secretKey, peerPublicKey)
  const key = crypto.hkdfSha256(shared, salt, info, SEED_BYTES)
  shared.fill(0)
  return key
}
