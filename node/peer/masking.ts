/** Where the long additions of a round are made: masking this peer's input, and unmasking the sum. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { type PieceSums, plainPieceSums } from '../../aggregation/lane-sum.ts'
import { type MaskedSum, maskedSum } from '../../aggregation/secure-sum.ts'

export interface Masking {
  /**
   * Adds the bodies and lays the masks over the sum. The bodies and keys stay the caller's.
   * @returns packed lanes, as long as a body; null if the signal fired first
   * @throws AggregationError LENGTH_MISMATCH, TOO_FEW
   */
  sum(job: MaskedSum, signal: AbortSignal): Promise<Uint8Array | null>
}

/** At once and on this thread. */
export function maskingHere(
  crypto: Pick<CryptoSuite, 'keyStream'>,
  pieceSums: PieceSums = plainPieceSums
): Masking {
  return {
    async sum(job, signal) {
      return signal.aborted ? null : maskedSum(job, crypto, pieceSums)
    }
  }
}
