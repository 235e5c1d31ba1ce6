/**
 * `/fedpeft/blob/1`: chunks of a blob by its content address. Four things can be asked for; whoever holds nothing of the
 * blob, or does not know what is asked, answers without a frame.
 *
 * - `chunks`: one frame for each chunk in turn, up to the first one that is not held.
 * - `list-and-chunks`: before them the whole list of chunk hashes, which must hash to the address, if it fits a frame.
 * - `have`: one frame, the number of chunks and a bit for each chunk held (no bits: all of them).
 * - `list-page`: one frame, up to `HASHES_PER_PAGE` chunk hashes from `firstChunk` on.
 *
 * The last two came later: a peer that knows only the first two takes them for a request it does not hold the blob of, and
 * likewise a request for more than `WINDOW_CHUNKS`.
 */
import { ChunkSet, mapBytesOf } from './chunk-set.ts'
import { CHUNK_BYTES, CHUNKS_MAX, RUN_CHUNKS } from './limits.ts'

export const BLOB_PROTOCOL = '/fedpeft/blob/1'

export const ADDRESS_BYTES = 32

/** Address, what is wanted, first chunk and number of chunks (4 bytes each, little-endian). */
export const BLOB_REQUEST_BYTES = ADDRESS_BYTES + 1 + 4 + 4

/** In the order of their numbers on the wire. */
const WANTED = ['chunks', 'list-and-chunks', 'have', 'list-page'] as const

export interface BlobRequest {
  readonly address: Uint8Array
  readonly wanted: (typeof WANTED)[number]
  readonly firstChunk: number
  /** 0 to `RUN_CHUNKS`. */
  readonly chunks: number
}

export function encodeBlobRequest(request: BlobRequest): Uint8Array {
  const bytes = new Uint8Array(BLOB_REQUEST_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(request.address)
  view.setUint8(ADDRESS_BYTES, WANTED.indexOf(request.wanted))
  view.setUint32(ADDRESS_BYTES + 1, request.firstChunk, true)
  view.setUint32(ADDRESS_BYTES + 5, request.chunks, true)
  return bytes
}

/** @returns null for what is no request */
export function decodeBlobRequest(bytes: Uint8Array): BlobRequest | null {
  if (bytes.length !== BLOB_REQUEST_BYTES) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wanted = WANTED[view.getUint8(ADDRESS_BYTES)]
  const chunks = view.getUint32(ADDRESS_BYTES + 5, true)
  if (wanted === undefined || chunks > RUN_CHUNKS) return null
  return {
    address: bytes.slice(0, ADDRESS_BYTES),
    wanted,
    firstChunk: view.getUint32(ADDRESS_BYTES + 1, true),
    chunks
  }
}

/** @param have - null for all of `chunks` */
export function encodeHaveMap(chunks: number, have: ChunkSet | null): Uint8Array {
  const map = have === null || have.isFull ? new Uint8Array(0) : have.toBytes()
  const bytes = new Uint8Array(4 + map.length)
  new DataView(bytes.buffer).setUint32(0, chunks, true)
  bytes.set(map, 4)
  return bytes
}

/** @returns null for what is no have-map of a blob within the limits */
export function decodeHaveMap(bytes: Uint8Array): ChunkSet | null {
  if (bytes.length < 4) return null
  const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true)
  // Before anything is made of that size.
  if (size > CHUNKS_MAX) return null
  if (bytes.length === 4) return ChunkSet.full(size)
  return bytes.length === 4 + mapBytesOf(size) ? ChunkSet.fromBytes(size, bytes.subarray(4)) : null
}

export function chunkCountOf(lengthBytes: number): number {
  return Math.ceil(lengthBytes / CHUNK_BYTES)
}
