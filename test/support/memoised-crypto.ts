import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { toHex } from './bytes.ts'

/** Of everything in this process: clusters with the same seed sign the same words. */
const checked = new Map<string, boolean>()
const agreed = new Map<string, Uint8Array>()

/**
 * The same primitives, with signature checks and key agreements remembered: every peer of a cluster in one process
 * checks the same signatures, and nothing else takes as long.
 */
export function memoisedCrypto(crypto: CryptoSuite): CryptoSuite {
  const remembered = (key: string, make: () => Uint8Array): Uint8Array => {
    const known = agreed.get(key) ?? make()
    agreed.set(key, known)
    return known.slice()
  }
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
    x25519: (secretKey, publicKey) =>
      remembered(toHex(secretKey) + toHex(publicKey), () => crypto.x25519(secretKey, publicKey)),
    x25519PublicKey: secretKey => remembered(toHex(secretKey), () => crypto.x25519PublicKey(secretKey))
  }
}
