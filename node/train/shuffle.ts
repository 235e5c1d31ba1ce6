import type { Random } from '../../aggregation/random.ts'

/** An unbiased integer in [0, bound): draws above the largest multiple of `bound` are thrown away. */
export function below(random: Random, bound: number): number {
  const limit = 2 ** 32 - (2 ** 32 % bound)
  for (;;) {
    const draw = random.nextUint32()
    if (draw < limit) return draw % bound
  }
}

/** Puts the items in an order in which every order is equally likely (Fisher and Yates). */
export function shuffle<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = below(random, i + 1)
    const item = items[i]!
    items[i] = items[j]!
    items[j] = item
  }
  return items
}
