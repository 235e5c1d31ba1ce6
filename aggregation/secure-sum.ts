import type { CryptoSuite } from './crypto-suite.ts'
import { AggregationError } from './errors.ts'
import { expandInto, type SignedMask } from './mask.ts'
import { addLanes, type Lanes } from './ring.ts'

/**
 * The masked input of one peer: y = x + PRG(self mask) + sum of +-PRG(pair mask), modulo 2^b. To anyone who lacks a
 * single one of these masks it is uniform. Source: Bonawitz et al. 2017, section 4.
 * @param input - encoded input [lanes]; not changed
 * @param selfKey - from selfMaskKey
 * @param pairMasks - from pairMasks with all of the cohort that shared keys
 * @returns shape [lanes]
 */
export function maskInput(
  input: Lanes,
  selfKey: Uint8Array,
  pairMasks: readonly SignedMask[],
  crypto: CryptoSuite
): Lanes {
  const masked = input.slice()
  expandInto(masked, selfKey, 1, crypto)
  for (const { key, sign } of pairMasks) expandInto(masked, key, sign, crypto)
  return masked
}

/** What the commit certificate and the unmasking bundles yield. */
export interface UnmaskingParts {
  /** Masked inputs [lanes] of the survivors. */
  readonly inputs: readonly Lanes[]
  /** Self-mask keys of exactly these survivors, from their recovered seeds. */
  readonly selfKeys: readonly Uint8Array[]
  /**
   * Masks between each peer that dropped out and each survivor, signed as the *dropped* peer would have applied
   * them (pairMasks with its recovered secret key and the survivors): adding them is what cancels the survivors'.
   */
  readonly droppedPairMasks: readonly SignedMask[]
}

/**
 * The sum of the survivors' inputs modulo 2^b, exact and free of order.
 * @returns shape [lanes]
 * @throws AggregationError TOO_FEW without inputs; LENGTH_MISMATCH unless there is one self key per input and all
 * inputs have the same length
 */
export function unmaskSum(parts: UnmaskingParts, crypto: CryptoSuite): Lanes {
  const { inputs, selfKeys, droppedPairMasks } = parts
  const first = inputs[0]
  if (first === undefined) throw new AggregationError('TOO_FEW', { needed: 1, got: 0 })
  if (selfKeys.length !== inputs.length) {
    throw new AggregationError('LENGTH_MISMATCH', { expected: inputs.length, got: selfKeys.length })
  }
  const sum = first.slice()
  for (const input of inputs.slice(1)) addLanes(sum, input)
  for (const key of selfKeys) expandInto(sum, key, -1, crypto)
  for (const { key, sign } of droppedPairMasks) expandInto(sum, key, sign, crypto)
  return sum
}
