/**
 * `/fedpeft/blob/1`: chunks of a blob by its content address. The answer has no frame if the blob is not held here;
 * else, if asked for, the list of chunk hashes, which must hash to the address, then one frame for each chunk.
 */
import { CHUNK_BYTES, WINDOW_CHUNKS } from './limits.ts'

export const BLOB_PROTOCOL = '/fedpeft/blob/1'

export const ADDRESS_BYTES = 32

/** Address, whether hashes are wanted, first chunk and number of chunks (4 bytes each, little-endian). */
export const BLOB_REQUEST_BYTES = ADDRESS_BYTES + 1 + 4 + 4

export interface BlobRequest {
  readonly address: Uint8Array
  readonly wantsHashes: boolean
  readonly firstChunk: number
  /** 0 to `WINDOW_CHUNKS`. */
  readonly chunks: number
}

export function encodeBlobRequest(request: BlobRequest): Uint8Array {
  const bytes = new Uint8Array(BLOB_REQUEST_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(request.address)
  view.setUint8(ADDRESS_BYTES, request.wantsHashes ? 1 : 0)
  view.setUint32(ADDRESS_BYTES + 1, request.firstChunk, true)
  view.setUint32(ADDRESS_BYTES + 5, request.chunks, true)
  return bytes
}

/** @returns null for what is no request */
export function decodeBlobRequest(bytes: Uint8Array): BlobRequest | null {
  if (bytes.length !== BLOB_REQUEST_BYTES) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flag = view.getUint8(ADDRESS_BYTES)
  const chunks = view.getUint32(ADDRESS_BYTES + 5, true)
  if (flag > 1 || chunks > WINDOW_CHUNKS) return null
  return {
    address: bytes.slice(0, ADDRESS_BYTES),
    wantsHashes: flag === 1,
    firstChunk: view.getUint32(ADDRESS_BYTES + 1, true),
    chunks
  }
}

export function chunkCountOf(lengthBytes: number): number {
  return Math.ceil(lengthBytes / CHUNK_BYTES)
}
