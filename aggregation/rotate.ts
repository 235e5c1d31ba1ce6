import { seededRandom } from './random.ts'

/**
 * Rotates a vector [d] so that no coordinate stands out, which lets the quantizer use a far smaller bound: random
 * signs, Hadamard on the first 2^k coordinates, fresh signs, Hadamard on the last 2^k, where 2^k <= d < 2^(k+1).
 * The two blocks overlap and cover the vector, so nothing is padded (padding to a power of two can double the bytes).
 * Orthogonal: lengths and sums are kept. Source: Suresh et al. 2017, arXiv:1611.00429, section 4, in two blocks.
 *
 * Float64 with + - * and sqrt in butterfly order h = 1, 2, 4, ... so that every peer gets the same bits.
 * @param seed - public and agreed beforehand, any length
 * @returns shape [d], a copy
 */
export function rotate(vector: Float64Array, seed: Uint8Array): Float64Array {
  const out = vector.slice()
  const { first, last, firstSigns, lastSigns } = blocksOf(out, seed)
  flipSigns(first, firstSigns)
  hadamard(first)
  flipSigns(last, lastSigns)
  hadamard(last)
  return out
}

/** The inverse of rotate with the same seed, up to rounding in float64. @returns shape [d], a copy */
export function unrotate(vector: Float64Array, seed: Uint8Array): Float64Array {
  const out = vector.slice()
  const { first, last, firstSigns, lastSigns } = blocksOf(out, seed)
  hadamard(last)
  flipSigns(last, lastSigns)
  hadamard(first)
  flipSigns(first, firstSigns)
  return out
}

function blocksOf(vector: Float64Array, seed: Uint8Array) {
  let size = 1
  while (size * 2 <= vector.length) size *= 2
  const random = seededRandom(seed)
  const words = () => Uint32Array.from({ length: Math.ceil(size / 32) }, () => random.nextUint32())
  return {
    first: vector.subarray(0, size),
    last: vector.subarray(Math.max(vector.length - size, 0)),
    firstSigns: words(),
    lastSigns: words()
  }
}

/** Negates the coordinates whose bit is set; bit i % 32 of word i / 32. */
function flipSigns(block: Float64Array, words: Uint32Array): void {
  for (let i = 0; i < block.length; i++) {
    if (((words[i >>> 5]! >>> (i & 31)) & 1) === 1) block[i] = -block[i]!
  }
}

/** Fast Walsh-Hadamard transform of a power-of-two block, in place and scaled to be its own inverse. */
function hadamard(block: Float64Array): void {
  for (let half = 1; half < block.length; half *= 2) {
    for (let start = 0; start < block.length; start += 2 * half) {
      for (let i = start; i < start + half; i++) {
        const a = block[i]!
        const b = block[i + half]!
        block[i] = a + b
        block[i + half] = a - b
      }
    }
  }
  const scale = 1 / Math.sqrt(block.length)
  for (let i = 0; i < block.length; i++) block[i] = block[i]! * scale
}
