import type { SumResult } from './round.ts'

export interface SumRatios {
  /** Key stream that becomes masks, of what the cipher alone makes in the same time; the slowest result. */
  readonly toRawCipher: number
  /** The aggregator's time to that of a plain mean: largest cohort, fewest drop-outs, narrowest lanes. */
  readonly toPlainAverage: number
  /** How many times Flower's rate of expansions; the slowest result. */
  readonly toFlower: number | null
}

/**
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
  const slowest = Math.max(...results.map(({ nsPerElementExpansion }) => nsPerElementExpansion))
  const ofCipher = results.map(
    ({ laneBits, nsPerElementExpansion }) =>
      ((laneBits / 8) * 1e9) / nsPerElementExpansion / cipherBytesPerSecond
  )
  const [widest] = [...results].sort((a, b) => b.n - a.n || a.dropped - b.dropped || a.laneBits - b.laneBits)
  return {
    toRawCipher: Math.min(...ofCipher),
    toPlainAverage: widest!.aggregatorCpuMs / plainMs,
    toFlower: flowerNs === null ? null : flowerNs / slowest
  }
}
