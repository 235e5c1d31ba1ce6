import type { AsyncKeyStream } from './mask-stream.ts'

/** What we use of SubtleCrypto (W3C, Web Cryptography API): what a browser has in place of node:crypto. */
export interface SubtleAesCtr<Key> {
  importKey(
    format: 'raw',
    key: Uint8Array<ArrayBuffer>,
    algorithm: 'AES-CTR',
    extractable: boolean,
    usages: Array<'encrypt'>
  ): Promise<Key>
  encrypt(
    algorithm: { name: 'AES-CTR'; counter: Uint8Array<ArrayBuffer>; length: number },
    key: Key,
    data: Uint8Array<ArrayBuffer>
  ): Promise<ArrayBuffer>
}

const BLOCK_BYTES = 16

/** Of the counter block, the bits that count: more blocks than any vector has. */
const COUNTER_BITS = 64

/**
 * NIST SP 800-38A, section 6.5: the AES-256-CTR key stream of a key [32], counter 0, from any byte on, by a browser's own
 * cipher. The same bytes as CryptoSuite.keyStream.
 */
export function webKeyStream<Key>(
  subtle: SubtleAesCtr<Key>,
  key: Uint8Array,
  offsetBytes = 0
): AsyncKeyStream {
  const imported = subtle.importKey('raw', new Uint8Array(key), 'AES-CTR', false, ['encrypt'])
  // Whoever never asks for a byte does not hear why there would be none.
  imported.catch(() => {})
  let at = offsetBytes
  return {
    async next(length) {
      const skipped = at % BLOCK_BYTES
      const counter = new Uint8Array(BLOCK_BYTES)
      new DataView(counter.buffer).setBigUint64(8, BigInt((at - skipped) / BLOCK_BYTES))
      at += length
      const algorithm = { name: 'AES-CTR', counter, length: COUNTER_BITS } as const
      const bytes = await subtle.encrypt(algorithm, await imported, new Uint8Array(skipped + length))
      return new Uint8Array(bytes, skipped)
    }
  }
}
