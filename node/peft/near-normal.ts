import type { Random } from '../../aggregation/random.ts'

/**
 * A draw with mean 0 and variance 1 that is nearly normal: the sum of twelve uniform ones (Irwin-Hall). Unlike Box and
 * Muller's, it needs no logarithm, which engines round differently: every peer must draw the same bits.
 */
export function nearNormal(random: Random): number {
  let sum = -6
  for (let i = 0; i < 12; i++) sum += random.nextUint32() / 2 ** 32
  return sum
}
