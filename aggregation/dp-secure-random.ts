import type { CryptoSuite } from './crypto-suite.ts'
import type { Random } from './random.ts'

/** One call of the cipher fills that many bytes: a few thousand words for the price of one. */
const CHUNK_BYTES = 65_536

/**
 * Words that nobody can guess: the AES-256-CTR key stream under a fresh key, little-endian. Noise must come from here and
 * never from seededRandom, whose few numbers tell all others: who knows the noise can take it off.
 */
export function secureRandom(crypto: Pick<CryptoSuite, 'randomBytes' | 'keyStream'>): Random {
  const key = crypto.randomBytes(32)
  const stream = crypto.keyStream(key)
  key.fill(0)
  let words: DataView = new DataView(new ArrayBuffer(0))
  let at = 0
  return {
    nextUint32() {
      if (at === words.byteLength) {
        const bytes = stream.next(CHUNK_BYTES)
        words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        at = 0
      }
      const word = words.getUint32(at, true)
      at += 4
      return word
    }
  }
}
