/**
 * Blobs by content address: announced elsewhere, pulled from any holder, checked chunk by chunk as they arrive.
 * Whoever has pulled a blob is a holder of it too.
 */
import { addressOf, chunkHashes } from '../aggregation/blob-address.ts'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { BLOB_PROTOCOL, BLOB_REQUEST_BYTES, decodeBlobRequest } from './blob-messages.ts'
import { BlobPull } from './blob-pull.ts'
import { ProtocolError } from './errors.ts'
import { toHex } from './hex.ts'
import {
  CHUNK_BYTES,
  CONCURRENT_PULLS,
  MAX_BLOB_BYTES,
  SERVED_STREAMS_PER_PEER,
  UNFINISHED_PULLS
} from './limits.ts'
import type { Network, PeerId } from './ports.ts'

export interface BlobExchangeInit {
  readonly network: Network
  readonly crypto: Pick<CryptoSuite, 'sha256'>
  /** Whether a peer may have our blobs. To any other we hold nothing. */
  readonly allow: (peer: PeerId) => boolean
  /** Largest blob held or pulled, in bytes. Default MAX_BLOB_BYTES. */
  readonly maxBlobBytes?: number
}

export interface BlobExchange {
  /**
   * Holds a blob and serves it. The bytes are kept, not copied: change them no more.
   * @param hashes - of its chunks, if they are known
   * @returns the content address [32]
   * @throws ProtocolError BLOB_TOO_LARGE
   */
  put(bytes: Uint8Array, hashes?: readonly Uint8Array[]): Uint8Array
  has(address: Uint8Array): boolean
  /** The bytes, not a copy, or null if they are not here. */
  get(address: Uint8Array): Uint8Array | null
  /**
   * Gets a blob, and from then on holds it. Each holder is asked in the order given, until one fails; when a call
   * fails, the chunks that came are kept for the next one.
   * @param lengthBytes - as announced; memory for it is taken at once
   * @throws ProtocolError BLOB_UNAVAILABLE, BLOB_WRONG_LENGTH, BLOB_TOO_LARGE; the signal's reason
   */
  pull(
    address: Uint8Array,
    lengthBytes: number,
    holders: readonly PeerId[] | (() => readonly PeerId[]),
    signal?: AbortSignal
  ): Promise<Uint8Array>
  /** Holds it no more. */
  drop(address: Uint8Array): void
  /** Stops serving, and every pull. */
  close(): void
}

export function createBlobExchange(init: BlobExchangeInit): BlobExchange {
  return new Exchange(init)
}

interface HeldBlob {
  readonly bytes: Uint8Array
  readonly hashes: readonly Uint8Array[]
}

/** One pull that several callers may wait for. */
interface SharedPull {
  readonly holders: Set<() => readonly PeerId[]>
  readonly stop: AbortController
  readonly done: Promise<Uint8Array>
}

class Exchange implements BlobExchange {
  readonly #init: BlobExchangeInit
  readonly #maxBlobBytes: number
  readonly #held = new Map<string, HeldBlob>()
  readonly #pulls = new Map<string, SharedPull>()
  readonly #unfinished = new Map<string, BlobPull>()
  readonly #active = new Set<BlobPull>()
  readonly #waiting: Array<() => void> = []
  readonly #serving = new Map<PeerId, number>()
  readonly #stopServing: () => void
  #running = 0

  constructor(init: BlobExchangeInit) {
    this.#init = init
    this.#maxBlobBytes = init.maxBlobBytes ?? MAX_BLOB_BYTES
    this.#stopServing = init.network.serve(BLOB_PROTOCOL, BLOB_REQUEST_BYTES, (from, body) =>
      this.#answer(from, body)
    )
  }

  put(bytes: Uint8Array, hashes?: readonly Uint8Array[]): Uint8Array {
    this.#checkLength(bytes.length)
    const known = hashes ?? chunkHashes(bytes, this.#init.crypto)
    const address = addressOf(known, this.#init.crypto)
    this.#held.set(toHex(address), { bytes, hashes: known })
    return address
  }

  has(address: Uint8Array): boolean {
    return this.#held.has(toHex(address))
  }

  get(address: Uint8Array): Uint8Array | null {
    return this.#held.get(toHex(address))?.bytes ?? null
  }

  async pull(
    address: Uint8Array,
    lengthBytes: number,
    holders: readonly PeerId[] | (() => readonly PeerId[]),
    signal?: AbortSignal
  ): Promise<Uint8Array> {
    signal?.throwIfAborted()
    this.#checkLength(lengthBytes)
    const held = this.get(address)
    if (held !== null) {
      if (held.length === lengthBytes) return held
      throw new ProtocolError('BLOB_WRONG_LENGTH', { address: toHex(address), lengthBytes })
    }
    const ask = typeof holders === 'function' ? holders : () => holders
    const shared = this.#share(address, lengthBytes)
    shared.holders.add(ask)
    const gone = abortion(signal)
    try {
      return await Promise.race([shared.done, gone.promise])
    } finally {
      gone.cancel()
      shared.holders.delete(ask)
      if (shared.holders.size === 0) this.#abandon(shared)
    }
  }

  drop(address: Uint8Array): void {
    this.#held.delete(toHex(address))
    for (const [key, pull] of this.#unfinished) {
      if (toHex(pull.address) === toHex(address)) this.#unfinished.delete(key)
    }
  }

  close(): void {
    this.#stopServing()
    for (const { stop } of this.#pulls.values()) stop.abort(new Error('the blob exchange was closed'))
    this.#unfinished.clear()
  }

  /** The last one who wanted it has left. Whoever wants it from now on begins a pull of its own. */
  #abandon(shared: SharedPull): void {
    for (const [key, pull] of this.#pulls) if (pull === shared) this.#pulls.delete(key)
    shared.stop.abort(new Error('nobody waits for this blob any more'))
  }

  #share(address: Uint8Array, lengthBytes: number): SharedPull {
    const key = `${toHex(address)} ${lengthBytes}`
    const underWay = this.#pulls.get(key)
    if (underWay !== undefined) return underWay
    const holders = new Set<() => readonly PeerId[]>()
    const stop = new AbortController()
    const union = (): readonly PeerId[] => [...new Set([...holders].flatMap(ask => ask()))]
    const run = this.#run(key, address.slice(), lengthBytes, union, stop.signal)
    const stopped = abortion(stop.signal)
    const done = Promise.race([run, stopped.promise]).finally(() => {
      stopped.cancel()
      if (this.#pulls.get(key) === shared) this.#pulls.delete(key)
    })
    done.catch(() => {})
    const shared: SharedPull = { holders, stop, done }
    this.#pulls.set(key, shared)
    return shared
  }

  async #run(
    key: string,
    address: Uint8Array,
    lengthBytes: number,
    holders: () => readonly PeerId[],
    signal: AbortSignal
  ): Promise<Uint8Array> {
    await this.#turn()
    const { network, crypto } = this.#init
    try {
      signal.throwIfAborted()
      const old = this.#unfinished.get(key)
      // An abandoned pull may still wait for its last frames; two runs of one pull would wait for each other.
      const pull =
        old !== undefined && !this.#active.has(old)
          ? old
          : new BlobPull({ network, crypto }, address, lengthBytes)
      this.#keepUnfinished(key, pull)
      this.#active.add(pull)
      try {
        const bytes = await pull.run(() => holders().filter(peer => peer !== network.peerId), signal)
        // Dropped or closed in the meantime: the caller has it, nobody else gets it.
        if (!signal.aborted) this.put(bytes, pull.hashes!)
        this.#unfinished.delete(key)
        return bytes
      } catch (error) {
        if (error instanceof ProtocolError && error.code === 'BLOB_WRONG_LENGTH') this.#unfinished.delete(key)
        throw error
      } finally {
        this.#active.delete(pull)
      }
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  /** Resolves when it is this pull's turn: `CONCURRENT_PULLS` run at a time. */
  async #turn(): Promise<void> {
    while (this.#running >= CONCURRENT_PULLS) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#running++
  }

  #keepUnfinished(key: string, pull: BlobPull): void {
    this.#unfinished.delete(key)
    this.#unfinished.set(key, pull)
    if (this.#unfinished.size <= UNFINISHED_PULLS) return
    for (const oldest of this.#unfinished.keys()) {
      if (this.#pulls.has(oldest)) continue
      this.#unfinished.delete(oldest)
      return
    }
  }

  async *#answer(from: PeerId, body: Uint8Array): AsyncGenerator<Uint8Array> {
    const request = decodeBlobRequest(body)
    const serving = this.#serving.get(from) ?? 0
    if (request === null || !this.#init.allow(from) || serving >= SERVED_STREAMS_PER_PEER) return
    const held = this.#held.get(toHex(request.address))
    if (held === undefined) return
    this.#serving.set(from, serving + 1)
    try {
      if (request.wantsHashes) yield joined(held.hashes)
      const end = Math.min(request.firstChunk + request.chunks, held.hashes.length)
      for (let chunk = request.firstChunk; chunk < end; chunk++) {
        yield held.bytes.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES)
      }
    } finally {
      const left = this.#serving.get(from)! - 1
      if (left === 0) this.#serving.delete(from)
      else this.#serving.set(from, left)
    }
  }

  #checkLength(bytes: number): void {
    if (bytes <= this.#maxBlobBytes) return
    throw new ProtocolError('BLOB_TOO_LARGE', { bytes, maxBytes: this.#maxBlobBytes })
  }
}

/** Rejects with the signal's reason once it is aborted. */
function abortion(signal: AbortSignal | undefined): { promise: Promise<never>; cancel: () => void } {
  let onAbort = (): void => {}
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal?.reason)
    if (signal?.aborted) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
  })
  promise.catch(() => {})
  return { promise, cancel: () => signal?.removeEventListener('abort', onAbort) }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
