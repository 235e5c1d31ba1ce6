/** Answers to requests for blobs: what of them is held here, one chunk at a time, to those who may have it. */
import { type BlobRequest, chunkCountOf, decodeBlobRequest, encodeHaveMap } from './blob-messages.ts'
import type { BlobSource, ChunkHashes } from './blob-storage.ts'
import type { ChunkSet } from './chunk-set.ts'
import {
  CHUNK_BYTES,
  HASHES_PER_PAGE,
  SERVED_BLOB_STREAMS,
  SERVED_FILE_STREAMS,
  SERVED_STREAMS_PER_PEER
} from './limits.ts'
import type { PeerId } from './ports.ts'
import type { UploadLimit } from './upload-limit.ts'

/** A blob, or the part of it that has come so far. */
export interface ServedBlob {
  readonly source: BlobSource
  /** Null if not even they have come. */
  readonly hashes: ChunkHashes | null
  /** All of it if null. */
  readonly have: ChunkSet | null
  /** It belongs to a round: others wait for it, and it is in memory. */
  readonly isUrgent: boolean
}

export interface BlobServingInit {
  readonly allow: (peer: PeerId, address: Uint8Array) => boolean
  readonly find: (address: Uint8Array) => ServedBlob | null
  readonly limit: UploadLimit
}

export class BlobServing {
  readonly #init: BlobServingInit
  readonly #byPeer = new Map<PeerId, number>()
  readonly #waiting: Array<() => void> = []
  #streams = 0
  #fileStreams = 0

  constructor(init: BlobServingInit) {
    this.#init = init
  }

  async *answer(from: PeerId, body: Uint8Array): AsyncGenerator<Uint8Array> {
    const request = decodeBlobRequest(body)
    const serving = this.#byPeer.get(from) ?? 0
    if (request === null || !this.#init.allow(from, request.address) || serving >= SERVED_STREAMS_PER_PEER)
      return
    const blob = this.#init.find(request.address)
    if (blob === null) return
    this.#byPeer.set(from, serving + 1)
    try {
      yield* this.#inTurn(from, request, blob)
    } finally {
      const left = this.#byPeer.get(from)! - 1
      if (left === 0) this.#byPeer.delete(from)
      else this.#byPeer.set(from, left)
    }
  }

  async *#inTurn(from: PeerId, request: BlobRequest, blob: ServedBlob): AsyncGenerator<Uint8Array> {
    const { isUrgent } = blob
    while (this.#streams >= SERVED_BLOB_STREAMS || (!isUrgent && this.#fileStreams >= SERVED_FILE_STREAMS)) {
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    this.#streams++
    if (!isUrgent) this.#fileStreams++
    try {
      for await (const frame of framesOf(request, blob)) {
        await this.#init.limit.turn(from, frame.length, isUrgent)
        yield frame
      }
    } finally {
      this.#streams--
      if (!isUrgent) this.#fileStreams--
      // All of them look again: the first in line may wait for another kind of place.
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }
}

async function* framesOf(request: BlobRequest, blob: ServedBlob): AsyncGenerator<Uint8Array> {
  const { wanted, firstChunk, chunks } = request
  const { source, hashes, have } = blob
  if (wanted === 'have') yield encodeHaveMap(chunkCountOf(source.lengthBytes), have)
  if (wanted === 'have' || hashes === null) return
  if (wanted === 'list-page') {
    if (firstChunk < hashes.count) yield hashes.page(firstChunk, HASHES_PER_PAGE)
    return
  }
  if (wanted === 'list-and-chunks') {
    // A longer list comes in pages.
    if (hashes.count > HASHES_PER_PAGE) return
    yield hashes.bytes
  }
  const end = Math.min(firstChunk + chunks, hashes.count)
  for (let chunk = firstChunk; chunk < end && (have === null || have.has(chunk)); chunk++) {
    const at = chunk * CHUNK_BYTES
    yield await source.read(at, Math.min(CHUNK_BYTES, source.lengthBytes - at))
  }
}
