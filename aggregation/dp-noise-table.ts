/**
 * A symmetric distribution over the integers as a table, for noise that is drawn by the million. Its probabilities are
 * whole multiples of 2^-128; the draw compares a 128-bit uniform number with their running sums, nearly always by its
 * first 32 bits. What rounding to 2^-128 and cutting the tails changes is at most NOISE_TABLE_DISTANCE in total
 * variation per sample: over 1e12 samples that is 1e-21 (1 + e^epsilon) more delta. Not constant-time.
 * Source: inversion with a guide table, Chen and Asau 1974.
 */
import { AggregationError } from './errors.ts'
import type { Random } from './random.ts'

/** Total variation between one sample of a table and the distribution that it stands for. */
export const NOISE_TABLE_DISTANCE = 2 ** -110

/** Fractional bits of the weights that a table is made from. */
export const WEIGHT_BITS = 192n

const PROBABILITY_BITS = 128n

/** The last weight is at most 2^-130 of the whole: the tail behind it, some hundred times that, stays below 2^-120. */
export const LAST_WEIGHT_BITS = 130n

/** Words of 32 bits behind the first. */
const REST_WORDS = 3

const GUIDE_BITS_MAX = 16

export interface NoiseTable {
  /** One sample. */
  sample(random: Random): number
  /** P(x) as the table has it, in float64. */
  probability(x: number): number
}

/**
 * @param weights - of 0, 1, 2, ... (and so of -1, -2, ...), in any unit, exact to 2^-140 of the whole or better, until
 * they fall below 2^-130 of the whole
 * @throws AggregationError BAD_SETTING if the last does not
 */
export function noiseTable(weights: readonly bigint[]): NoiseTable {
  const total = weights.reduce((sum, weight, x) => sum + (x === 0 ? weight : 2n * weight), 0n)
  const last = weights.length - 1
  if (weights[last]! << LAST_WEIGHT_BITS > total) {
    throw new AggregationError('BAD_SETTING', {
      setting: 'weights',
      got: `${weights.length} of them`,
      expected: `a tail that ends at 2^-${LAST_WEIGHT_BITS} of the whole`
    })
  }
  const probabilities = weights.map(weight => (weight << PROBABILITY_BITS) / total)
  const { first, rest } = runningSums(probabilities, last)
  const { guide, shift } = guideOf(first)
  const size = first.length
  const sample = (random: Random): number => {
    const word = random.nextUint32()
    let i = guide[word >>> shift]!
    while (i < size && first[i]! < word) i++
    if (i === size || first[i]! > word) return i - last
    // Equal first words, once in some thousands of draws: the rest decides.
    const tail = Uint32Array.from({ length: REST_WORDS }, () => random.nextUint32())
    while (i < size && first[i] === word && !isBelow(tail, rest, REST_WORDS * i)) i++
    return i - last
  }
  const scale = 2 ** -64
  const probability = (x: number): number => {
    const p = probabilities[Math.abs(x)] ?? 0n
    const centre = x === 0 ? (1n << PROBABILITY_BITS) - sumOf(probabilities) : 0n
    return Number((p + centre) >> 64n) * scale + Number((p + centre) & 0xffffffffffffffffn) * scale * scale
  }
  return { sample, probability }
}

/** Both sides of the distribution as floor(2^128 p) summed up; nothing at all is left over. */
function sumOf(probabilities: readonly bigint[]): bigint {
  return probabilities.reduce((sum, p, x) => sum + (x === 0 ? p : 2n * p), 0n)
}

/**
 * For x = -last..last - 1: the sum of the probabilities up to x, its first word and the others. The sum up to `last` is 1
 * and is not stored. What rounding down took from all goes to x = 0.
 */
function runningSums(probabilities: readonly bigint[], last: number) {
  const missing = (1n << PROBABILITY_BITS) - sumOf(probabilities)
  const first = new Uint32Array(2 * last)
  const rest = new Uint32Array(2 * last * REST_WORDS)
  let sum = 0n
  for (let i = 0; i < first.length; i++) {
    sum += probabilities[Math.abs(i - last)]! + (i === last ? missing : 0n)
    first[i] = Number(sum >> 96n)
    for (let word = 0; word < REST_WORDS; word++) {
      rest[REST_WORDS * i + word] = Number((sum >> BigInt(64 - 32 * word)) & 0xffffffffn)
    }
  }
  return { first, rest }
}

/** For the leading bits of a word, the first index whose running sum can lie above it. */
function guideOf(first: Uint32Array): { guide: Uint32Array; shift: number } {
  let bits = 4
  while (bits < GUIDE_BITS_MAX && 1 << bits < first.length) bits++
  const shift = 32 - bits
  const guide = new Uint32Array(1 << bits)
  let i = 0
  for (let bucket = 0; bucket < guide.length; bucket++) {
    while (i < first.length && first[i]! < (bucket << shift) >>> 0) i++
    guide[bucket] = i
  }
  return { guide, shift }
}

/** Whether the drawn words are below the stored ones, the first words being equal. */
function isBelow(drawn: Uint32Array, stored: Uint32Array, at: number): boolean {
  for (let word = 0; word < REST_WORDS; word++) {
    if (drawn[word]! !== stored[at + word]!) return drawn[word]! < stored[at + word]!
  }
  return false
}
