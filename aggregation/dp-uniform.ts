import { checkSetting } from './dp-checks.ts'
import type { Random } from './random.ts'

/** Whole numbers that are exactly uniform, if the words they are made of are. */
export interface UniformIntegers {
  /** 0 <= x < bound. @param bound - a whole number, 1..2^53 */
  below(bound: number): number
}

const WORD = 4294967296

const LONGEST = 9007199254740992

/**
 * Uniform integers from words of 32 bits: one word for bounds up to 2^32, two beyond. A draw in the incomplete last
 * multiple of the bound is thrown away, so no value is more likely than another.
 */
export function uniformIntegers(random: Random): UniformIntegers {
  return {
    below(bound) {
      if (bound === 1) return 0
      if (bound <= WORD) {
        const limit = WORD - (WORD % bound)
        for (;;) {
          const word = random.nextUint32()
          if (word < limit) return word % bound
        }
      }
      checkSetting(
        'bound',
        bound,
        'a whole number from 1 to 2^53',
        Number.isInteger(bound) && bound <= LONGEST
      )
      const limit = LONGEST - (LONGEST % bound)
      for (;;) {
        const wide = (random.nextUint32() & 0x1fffff) * WORD + random.nextUint32()
        if (wide < limit) return wide % bound
      }
    }
  }
}
