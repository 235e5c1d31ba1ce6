import { expansionsOf } from './expansions.ts'
import type { SumResult } from './round.ts'

export interface SumRatios {
  /** Key stream that becomes masks, of what the cipher alone makes in the same time. */
  readonly toRawCipher: number
  /** The aggregator's time to that of a plain mean: largest cohort, fewest drop-outs, narrowest lanes. */
  readonly toPlainAverage: number
  /** How many times Flower's rate of expansions. */
  readonly toFlower: number | null
}

/**
 * Rates are those of all results together: every expansion counts the same.
 * @param cipherBytesPerSecond - of the cipher alone
 * @param plainMs - the plain mean of the largest cohort
 * @param flowerNs - per element and expansion, or null if it was not measured
 */
export function sumRatios(
  results: readonly SumResult[],
  cipherBytesPerSecond: number,
  plainMs: number,
  flowerNs: number | null
): SumRatios {
  const total = (of: (result: SumResult) => number) =>
    results.reduce((sum, result) => sum + result.d * expansionsOf(result.n, result.dropped) * of(result), 0)
  const ns = total(({ nsPerElementExpansion }) => nsPerElementExpansion)
  const [widest] = [...results].sort((a, b) => b.n - a.n || a.dropped - b.dropped || a.laneBits - b.laneBits)
  return {
    toRawCipher: (total(({ laneBits }) => laneBits / 8) * 1e9) / ns / cipherBytesPerSecond,
    toPlainAverage: widest!.aggregatorCpuMs / plainMs,
    toFlower: flowerNs === null ? null : (flowerNs * total(() => 1)) / ns
  }
}
