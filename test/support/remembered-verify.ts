import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { toHex } from '../../protocols/hex.ts'

/**
 * One signature, checked once: a test that runs many peers in one process, or opens one chain a thousand times, asks
 * the same question again and again. The answer is a pure function of what is asked.
 */
export class RememberedVerify {
  readonly #answers = new Map<string, boolean>()

  /** The same suite with this memory, which several may share. */
  of(crypto: CryptoSuite): CryptoSuite {
    return {
      ...crypto,
      ed25519Verify: (publicKey, message, signature) => {
        const key = toHex(crypto.sha256(publicKey, signature, message))
        const known = this.#answers.get(key)
        if (known !== undefined) return known
        const holds = crypto.ed25519Verify(publicKey, message, signature)
        this.#answers.set(key, holds)
        return holds
      }
    }
  }
}
