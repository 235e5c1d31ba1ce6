/**
 * Where the bytes of a blob lie: in memory, or in a file that is never in memory as a whole. A source gives ranges, a sink
 * takes parts in any order.
 */
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { equalBytes } from './codec.ts'
import { CHUNK_BYTES } from './limits.ts'

export interface BlobSource {
  readonly lengthBytes: number
  /** Bytes [offset, offset + length). They may be a view: who reads does not write into them. @throws FilesError */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>
}

export interface BlobSink extends BlobSource {
  /** From the start of the blob on, so many bytes may hold something of an earlier try; each chunk is checked again. */
  readonly keptBytes: number
  /** @throws FilesError */
  write(offset: number, bytes: Uint8Array): void | Promise<void>
}

export function memorySource(bytes: Uint8Array): BlobSource {
  return {
    lengthBytes: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length)
  }
}

/** Fills `bytes`. */
export function memorySink(bytes: Uint8Array): BlobSink {
  return { ...memorySource(bytes), keptBytes: 0, write: (offset, part) => bytes.set(part, offset) }
}

const HASH_BYTES = 32

/** The SHA-256 of each chunk of one blob, laid end to end: 32 bytes for 256 KiB, so 1 MiB for 8 GB. */
export class ChunkHashes {
  readonly bytes: Uint8Array
  readonly count: number

  /** @param bytes - shape [count, 32] @throws RangeError for another length */
  constructor(bytes: Uint8Array) {
    if (bytes.length % HASH_BYTES !== 0) throw new RangeError(`${bytes.length} bytes are no list of hashes`)
    this.bytes = bytes
    this.count = bytes.length / HASH_BYTES
  }

  static of(hashes: readonly Uint8Array[]): ChunkHashes {
    const bytes = new Uint8Array(hashes.length * HASH_BYTES)
    for (const [i, hash] of hashes.entries()) bytes.set(hash, i * HASH_BYTES)
    return new ChunkHashes(bytes)
  }

  at(chunk: number): Uint8Array {
    return this.bytes.subarray(chunk * HASH_BYTES, (chunk + 1) * HASH_BYTES)
  }

  page(first: number, count: number): Uint8Array {
    return this.bytes.subarray(first * HASH_BYTES, Math.min(first + count, this.count) * HASH_BYTES)
  }

  matches(chunk: number, bytes: Uint8Array, crypto: Pick<CryptoSuite, 'sha256'>): boolean {
    return equalBytes(crypto.sha256(bytes), this.at(chunk))
  }
}

/** Reads a source once, chunk by chunk. @throws FilesError; the signal's reason */
export async function hashesOfSource(
  source: BlobSource,
  crypto: Pick<CryptoSuite, 'sha256'>,
  signal?: AbortSignal
): Promise<ChunkHashes> {
  const hashes: Uint8Array[] = []
  for (let at = 0; at < source.lengthBytes; at += CHUNK_BYTES) {
    signal?.throwIfAborted()
    hashes.push(crypto.sha256(await source.read(at, Math.min(CHUNK_BYTES, source.lengthBytes - at))))
  }
  return ChunkHashes.of(hashes)
}
