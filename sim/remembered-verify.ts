import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { toHex } from '../protocols/hex.ts'

/** Answers kept: those of some rounds of a full cohort. */
const ANSWERS_MAX = 100_000

/**
 * One signature, checked once: many peers in one process, or one chain that is opened a thousand times, ask the same
 * question again and again. The answer is a pure function of what is asked.
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
        if (this.#answers.size >= ANSWERS_MAX) this.#answers.clear()
        this.#answers.set(key, holds)
        return holds
      }
    }
  }
}
