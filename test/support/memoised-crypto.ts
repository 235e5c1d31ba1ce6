import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { toHex } from './bytes.ts'

/**
 * The same primitives, with signature checks and key agreements remembered: every peer of a cluster in one process
 * checks the same signatures, and nothing else takes as long.
 */
export function memoisedCrypto(crypto: CryptoSuite): CryptoSuite {
  const checked = new Map<string, boolean>()
  const agreed = new Map<string, Uint8Array>()
  return {
    ...crypto,
    ed25519Verify(publicKey, message, signature) {
      const key = toHex(crypto.sha256(publicKey, signature, message))
      const known = checked.get(key)
      if (known !== undefined) return known
      const holds = crypto.ed25519Verify(publicKey, message, signature)
      checked.set(key, holds)
      return holds
    },
    x25519(secretKey, publicKey) {
      const key = toHex(crypto.sha256(secretKey, publicKey))
      const shared = agreed.get(key) ?? crypto.x25519(secretKey, publicKey)
      agreed.set(key, shared)
      return shared.slice()
    }
  }
}
