/** One request for a part of a blob, from its holder's first frame to its last. */
import {
  BLOB_PROTOCOL,
  type BlobRequest,
  chunkCountOf,
  decodeHaveMap,
  encodeBlobRequest
} from './blob-messages.ts'
import { BlobLie } from './blob-offences.ts'
import type { BlobPull, ChunkRun } from './blob-pull.ts'
import type { ChunkSet } from './chunk-set.ts'
import { NetworkError } from './errors.ts'
import { CHUNK_BYTES, FRAME_BYTES, HASHES_PER_PAGE, REQUEST_TIMEOUT_MS } from './limits.ts'
import type { Network, PeerId } from './ports.ts'

export interface RequestPorts {
  readonly network: Pick<Network, 'request'>
  readonly pull: BlobPull
  readonly holder: PeerId
  /** Ends the request: its frames are of no more use. */
  readonly stop: AbortSignal
}

/** The holder has nothing of the blob. */
export class NotHeld extends Error {}

/** What a holder says that it has; null if it says nothing: it has nothing, or is too old for the question. */
export async function askHaveMap(ports: RequestPorts): Promise<ChunkSet | null> {
  const { pull } = ports
  for await (const frame of framesOf(ports, { wanted: 'have', firstChunk: 0, chunks: 0 })) {
    const map = decodeHaveMap(frame)
    if (map === null) throw new BlobLie('blob-bad-answer', 'sent a have-map that is none')
    // Of another length than was announced: whose fault it is, the list of hashes will tell.
    if (map.size !== pull.have.size && map.isFull) return map
    if (map.size !== pull.have.size) {
      throw new BlobLie('blob-bad-answer', `sent a have-map of ${map.size} chunks for ${pull.have.size}`)
    }
    return map
  }
  return null
}

/** The whole list in pages, from this one holder: only the whole can be checked. @param count - of the blob's chunks */
export async function pullHashPages(ports: RequestPorts, count: number): Promise<void> {
  const list = new Uint8Array(32 * count)
  for (let first = 0; first < count; first += HASHES_PER_PAGE) {
    const expected = 32 * Math.min(HASHES_PER_PAGE, count - first)
    let page: Uint8Array | null = null
    for await (const frame of framesOf(ports, { wanted: 'list-page', firstChunk: first, chunks: 0 })) {
      if (page !== null) throw new BlobLie('blob-bad-answer', 'sent more than was asked for')
      page = frame
    }
    if (page === null) throw new NotHeld('does not hold it')
    if (page.length !== expected) throw new BlobLie('blob-wrong-list', 'sent chunk hashes of a wrong length')
    list.set(page, 32 * first)
  }
  await ports.pull.takeHashes(list)
}

/**
 * A run of chunks, and before them the list of hashes if it is not here yet.
 * @param onChunk - after each one
 */
export async function pullChunks(
  ports: RequestPorts,
  { first, count }: ChunkRun,
  onChunk: () => void
): Promise<void> {
  const { pull } = ports
  const start = pull.hashes === null ? -1 : 0
  let next = start
  const wanted = start === -1 ? 'list-and-chunks' : 'chunks'
  for await (const frame of framesOf(ports, { wanted, firstChunk: first, chunks: count })) {
    if (next === count) throw new BlobLie('blob-bad-answer', 'sent more than was asked for')
    if (next === -1) await pull.takeHashes(frame)
    else await pull.takeChunk(first + next, frame)
    next++
    onChunk()
  }
  if (next === start) throw new NotHeld('does not hold it')
  if (next < count) throw new Error(`sent ${next} chunks of ${count}`)
}

async function* framesOf(
  { network, pull, holder, stop }: RequestPorts,
  request: Omit<BlobRequest, 'address'>
): AsyncGenerator<Uint8Array> {
  const body = encodeBlobRequest({ address: pull.address, ...request })
  const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: FRAME_BYTES }
  const frames = network.request(holder, BLOB_PROTOCOL, body, options)[Symbol.asyncIterator]()
  const stopped = Promise.withResolvers<never>()
  stopped.promise.catch(() => {})
  const onStop = (): void => stopped.reject(stop.reason)
  stop.addEventListener('abort', onStop, { once: true })
  try {
    for (;;) {
      stop.throwIfAborted()
      const { done, value } = await Promise.race([frames.next(), stopped.promise])
      if (done) return
      yield value
    }
  } catch (error) {
    if (error instanceof NetworkError && error.code === 'TOO_LARGE')
      throw new BlobLie('blob-bad-answer', 'sent a frame above the limit')
    throw error
  } finally {
    stop.removeEventListener('abort', onStop)
    // Not awaited: a holder that hangs also hangs here.
    void Promise.resolve(frames.return?.()).catch(() => {})
  }
}

/** Whether the list of hashes of a blob of this length comes in one frame. */
export function hasShortList(lengthBytes: number): boolean {
  return chunkCountOf(lengthBytes) <= HASHES_PER_PAGE
}

/** For messages: how far a pull has come. */
export function bytesHere(pull: BlobPull): number {
  return Math.min(pull.have.count * CHUNK_BYTES, pull.lengthBytes)
}
