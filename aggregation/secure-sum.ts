import type { CryptoSuite } from './crypto-suite.ts'
import { AggregationError } from './errors.ts'
import { PIECE_BYTES, type PieceSums, plainPieceSums } from './lane-sum.ts'
import { applyMasks, type SignedMask } from './mask-stream.ts'
import { bytesOfLanes, type Lanes, lanesByteLength, lanesOfBytes, type RingBits, ringBitsOf } from './ring.ts'

/** The long additions of a round, on lanes as they travel: a masked input, or the sum of the survivors'. */
export interface MaskedSum {
  readonly ringBits: RingBits
  /** At least one, all equally long; not changed. */
  readonly bodies: readonly Uint8Array[]
  readonly masks: readonly SignedMask[]
}

/**
 * The masked input of one peer: y = x + PRG(self mask) + sum of +-PRG(pair mask), modulo 2^b. To anyone who lacks a
 * single one of these masks it is uniform. Source: Bonawitz et al. 2017, section 4.
 * @param input - encoded input [lanes]
 * @param selfKey - from selfMaskKey
 * @param pairMasks - from pairMasks with all of the cohort that shared keys
 */
export function maskingOf(input: Lanes, selfKey: Uint8Array, pairMasks: readonly SignedMask[]): MaskedSum {
  const masks = [{ key: selfKey, sign: 1 } as const, ...pairMasks]
  return { ringBits: ringBitsOf(input), bodies: [bytesOfLanes(input)], masks }
}

/** What the commit certificate and the unmasking bundles yield. */
export interface UnmaskingParts {
  /** Self-mask keys of exactly the survivors, from their recovered seeds. */
  readonly selfKeys: readonly Uint8Array[]
  /**
   * Masks between each peer that dropped out and each survivor, signed as the *dropped* peer would have applied
   * them (pairMasks with its recovered secret key and the survivors): adding them is what cancels the survivors'.
   */
  readonly droppedPairMasks: readonly SignedMask[]
}

/**
 * The sum of the survivors' inputs modulo 2^b, exact and free of order.
 * @param bodies - masked inputs of the survivors, as they travelled
 * @throws AggregationError TOO_FEW without inputs; LENGTH_MISMATCH unless there is one self key per input
 */
export function unmaskingOf(
  ringBits: RingBits,
  bodies: readonly Uint8Array[],
  { selfKeys, droppedPairMasks }: UnmaskingParts
): MaskedSum {
  if (bodies.length === 0) throw new AggregationError('TOO_FEW', { needed: 1, got: 0 })
  if (selfKeys.length !== bodies.length) {
    throw new AggregationError('LENGTH_MISMATCH', { expected: bodies.length, got: selfKeys.length })
  }
  const ownMasks = selfKeys.map(key => ({ key, sign: -1 as const }))
  return { ringBits, bodies, masks: [...ownMasks, ...droppedPairMasks] }
}

/**
 * Adds the bodies and lays the masks over the sum.
 * @returns packed lanes, as long as a body
 * @throws AggregationError as sumBodies
 */
export function maskedSum(
  { ringBits, bodies, masks }: MaskedSum,
  crypto: Pick<CryptoSuite, 'keyStream'>,
  pieceSums: PieceSums = plainPieceSums
): Uint8Array {
  const sum = sumBodies(bodies, ringBits, pieceSums)
  applyMasks(sum, masks, ringBits, crypto, { pieceSums })
  return sum
}

/**
 * @param into - where the sum goes, as long as a body
 * @throws AggregationError as checkBodies
 */
export function sumBodies(
  bodies: readonly Uint8Array[],
  ringBits: RingBits,
  pieceSums: PieceSums = plainPieceSums,
  into?: Uint8Array
): Uint8Array {
  const length = checkBodies(bodies, ringBits)
  const [first, ...others] = bodies
  const out = into ?? new Uint8Array(length)
  const sum = pieceSums(ringBits)
  for (let at = 0; at < length; at += PIECE_BYTES) {
    sum.begin(first!.subarray(at, at + PIECE_BYTES))
    for (const body of others) sum.add(body.subarray(at, at + PIECE_BYTES))
    sum.finish(out.subarray(at, at + PIECE_BYTES))
  }
  sum.end()
  return out
}

/**
 * @returns their length in bytes
 * @throws AggregationError TOO_FEW without bodies; LENGTH_MISMATCH if their lengths differ or are not of whole lanes
 */
export function checkBodies(bodies: readonly Uint8Array[], ringBits: RingBits): number {
  if (bodies.length === 0) throw new AggregationError('TOO_FEW', { needed: 1, got: 0 })
  const { length } = bodies[0]!
  const wholeLanes = lanesByteLength(ringBits, Math.floor((length * 8) / ringBits))
  const expected = bodies.every(body => body.length === length) ? wholeLanes : length
  const wrong = bodies.find(body => body.length !== expected)
  if (wrong !== undefined) throw new AggregationError('LENGTH_MISMATCH', { expected, got: wrong.length })
  return length
}

/** maskingOf, done here and now. @returns shape [lanes] */
export function maskInput(
  input: Lanes,
  selfKey: Uint8Array,
  pairMasks: readonly SignedMask[],
  crypto: Pick<CryptoSuite, 'keyStream'>
): Lanes {
  return lanesOfBytes(maskedSum(maskingOf(input, selfKey, pairMasks), crypto), ringBitsOf(input))
}

/** unmaskingOf, done here and now. @param parts - with the masked inputs [lanes] @returns shape [lanes] */
export function unmaskSum(
  { inputs, ...parts }: UnmaskingParts & { readonly inputs: readonly Lanes[] },
  crypto: Pick<CryptoSuite, 'keyStream'>
): Lanes {
  const ringBits = inputs.length === 0 ? 16 : ringBitsOf(inputs[0]!)
  return lanesOfBytes(maskedSum(unmaskingOf(ringBits, inputs.map(bytesOfLanes), parts), crypto), ringBits)
}
