/** Randomness is always passed in. No module creates its own. */
export interface Random {
  /** Uniform integer in [0, 2^32). */
  nextUint32(): number
}

/**
 * A reproducible generator: the same seed gives the same numbers on every engine, as only 32-bit integer operations
 * are used. Good enough for shuffles, initial weights and rounding; never for keys (those come from CryptoSuite).
 * Source: Blackman and Vigna 2018, arXiv:1805.01407, xoshiro128**; seeded by MurmurHash3 (x86, 32 bits) of the seed
 * under four hash seeds.
 * @param seed - bytes of any length, or a safe integer (taken as its 8 bytes, little-endian, two's complement)
 * @throws RangeError if a number is not a safe integer
 */
export function seededRandom(seed: Uint8Array | number): Random {
  const bytes = typeof seed === 'number' ? integerBytes(seed) : seed
  let a = murmur3(bytes, 0x9e3779b9)
  let b = murmur3(bytes, 0x243f6a88)
  let c = murmur3(bytes, 0xb7e15162)
  // xoshiro stays at zero for ever if it starts there; one bit set rules that out.
  let d = murmur3(bytes, 0x85ebca6b) | 1
  const nextUint32 = () => {
    const scrambled = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotateLeft(d, 11)
    return scrambled
  }
  return { nextUint32 }
}

function integerBytes(seed: number): Uint8Array {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`expected a safe integer as seed, got ${seed}`)
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(seed), true)
  return bytes
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}

function murmur3(bytes: Uint8Array, seed: number): number {
  let hash = seed
  const whole = bytes.length & ~3
  for (let i = 0; i < whole; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    hash = Math.imul(rotateLeft(hash ^ scramble(word), 13), 5) + 0xe6546b64
  }
  let tail = 0
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!
  hash ^= scramble(tail) ^ bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function scramble(word: number): number {
  return Math.imul(rotateLeft(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)
}
