/**
 * The primitives that a round needs, as the rest of the project sees them. Everything is synchronous and takes its
 * randomness from `randomBytes`, so that a simulation can replay it. node/platform/node-crypto.ts gives the real
 * ones from node:crypto.
 */
export interface CryptoSuite {
  /** From a cryptographically secure source, except in a simulation, where it is seeded. */
  randomBytes(length: number): Uint8Array
  /** FIPS 180-4. @returns 32 bytes */
  sha256(...parts: Uint8Array[]): Uint8Array
  /** RFC 5869 with SHA-256. */
  hkdfSha256(inputKey: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array
  /** RFC 7748. The public key [32] of a secret key [32] (any 32 bytes: clamped as the RFC says). */
  x25519PublicKey(secretKey: Uint8Array): Uint8Array
  /** RFC 7748, section 6.1. @throws AggregationError LOW_ORDER_POINT if the result is all zero. */
  x25519(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array
  /** NIST SP 800-38D: AES-256-GCM, key [32], nonce [12]. @returns ciphertext followed by the tag [16] */
  gcmSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array
  /** @throws AggregationError BAD_CIPHERTEXT if the tag does not match. */
  gcmOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Uint8Array
  /** Ed25519 (RFC 8032) check of a signature [64] by a public key [32]. False for anything malformed. */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** NIST SP 800-38A: the AES-256-CTR key stream of a key [32], counter 0, from a byte offset (a multiple of 16). */
  keyStream(key: Uint8Array, offsetBytes?: number): KeyStream
}

/** A running key stream. */
export interface KeyStream {
  /** The next `length` bytes; the array may be reused by the next call. */
  next(length: number): Uint8Array
  /** Overwrites the array that `next` gave last, and lets go of it: nobody may look at it any more. */
  release?(): void
  /** Lets go of the key, where it is held by more than the array given. */
  end?(): void
}

/** Signs with the peer's own identity. The secret key stays behind this. */
export interface Signer {
  /** Ed25519 public key [32]. */
  readonly publicKey: Uint8Array
  /** @returns signature [64] */
  sign(message: Uint8Array): Uint8Array
}
