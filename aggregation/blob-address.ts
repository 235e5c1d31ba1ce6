import type { CryptoSuite } from './crypto-suite.ts'

/** One unit of hashing: a transfer can be checked and resumed at each of these. */
export const BLOB_CHUNK_BYTES = 256 * 1024

/** SHA-256 [32] of each 256 KiB chunk, in order; the last chunk may be shorter, an empty blob has none. */
export function chunkHashes(bytes: Uint8Array, crypto: Pick<CryptoSuite, 'sha256'>): Uint8Array[] {
  const hashes: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += BLOB_CHUNK_BYTES) {
    hashes.push(crypto.sha256(bytes.subarray(at, at + BLOB_CHUNK_BYTES)))
  }
  return hashes
}

/**
 * The content address [32] of a blob: SHA-256 over its chunk hashes laid end to end. Whoever holds the address can
 * check a list of chunk hashes, and with it each chunk as it arrives. The length is not part of it: a header that
 * announces a blob names both.
 */
export function addressOf(hashes: readonly Uint8Array[], crypto: Pick<CryptoSuite, 'sha256'>): Uint8Array {
  return crypto.sha256(...hashes)
}
