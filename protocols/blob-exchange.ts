/**
 * Blobs by content address: announced elsewhere, pulled from any holder, checked chunk by chunk as they arrive.
 * Whoever has pulled a blob is a holder of it too, and whoever is pulling one serves the chunks that have come.
 */
import { addressOf, chunkHashes } from '../aggregation/blob-address.ts'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { BLOB_PROTOCOL, BLOB_REQUEST_BYTES } from './blob-messages.ts'
import { isProven, type OnBlobOffence } from './blob-offences.ts'
import { BlobPull } from './blob-pull.ts'
import { BlobRun } from './blob-run.ts'
import { BlobServing, type ServedBlob } from './blob-serving.ts'
import { type BlobSink, type BlobSource, ChunkHashes, memorySink, memorySource } from './blob-storage.ts'
import { equalBytes } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { toHex } from './hex.ts'
import { CONCURRENT_PULLS, MAX_BLOB_BYTES, MAX_MEMORY_BLOB_BYTES, UNFINISHED_PULLS } from './limits.ts'
import type { Clock, Network, PeerId } from './ports.ts'
import { UploadLimit } from './upload-limit.ts'

export interface UploadRates {
  /** Of what is served, to all together. Default: no limit. */
  readonly uploadBytesPerSecond?: number
  /** Of what is served to one peer. Default: no limit. */
  readonly uploadBytesPerSecondEach?: number
}

export interface BlobExchangeInit extends UploadRates {
  readonly network: Network
  readonly clock: Clock
  readonly crypto: Pick<CryptoSuite, 'sha256'>
  /** Whether a peer may have a blob of ours, if we hold it. To any other we hold nothing. */
  readonly allow: (peer: PeerId, address: Uint8Array) => boolean
  /** Largest blob in memory, held or pulled, in bytes. Default MAX_MEMORY_BLOB_BYTES. */
  readonly maxBlobBytes?: number
  readonly onOffence?: OnBlobOffence
}

/** The holders to ask, in that order; a function is asked again at every turn. */
export type BlobHolders = readonly PeerId[] | (() => readonly PeerId[])

export interface BlobExchange {
  /**
   * Holds a blob and serves it. The bytes are kept, not copied: change them no more.
   * @param hashes - of its chunks, if they are known
   * @returns the content address [32]
   * @throws ProtocolError BLOB_TOO_LARGE
   */
  put(bytes: Uint8Array, hashes?: readonly Uint8Array[]): Uint8Array
  /**
   * Holds a blob that lies elsewhere, and serves it from there.
   * @returns the content address [32]
   * @throws ProtocolError BLOB_TOO_LARGE
   */
  hold(source: BlobSource, hashes: ChunkHashes): Uint8Array
  has(address: Uint8Array): boolean
  /** The bytes, not a copy, or null if they are not in memory here. */
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
    holders: BlobHolders,
    signal?: AbortSignal
  ): Promise<Uint8Array>
  /**
   * The same into a sink, of any length: only chunks on their way are in memory. What the sink has of an earlier try is
   * checked and kept. One call at a time for one blob.
   * @param onProgress - bytes in the sink, after each chunk
   * @returns the list of its chunk hashes
   * @throws ProtocolError BLOB_UNAVAILABLE, BLOB_WRONG_LENGTH, BLOB_TOO_LARGE; FilesError; the signal's reason
   */
  fetch(
    address: Uint8Array,
    sink: BlobSink,
    holders: BlobHolders,
    signal: AbortSignal,
    onProgress?: (doneBytes: number) => void
  ): Promise<ChunkHashes>
  /** Holds it no more. */
  drop(address: Uint8Array): void
  /** Stops serving, and every pull. */
  close(): void
}

export function createBlobExchange(init: BlobExchangeInit): BlobExchange {
  return new Exchange(init)
}

interface HeldBlob {
  readonly source: BlobSource
  readonly hashes: ChunkHashes
  /** Null if it lies elsewhere. */
  readonly bytes: Uint8Array | null
}

/** A pull into memory. */
interface MemoryPull {
  readonly pull: BlobPull
  readonly bytes: Uint8Array
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
  readonly #unfinished = new Map<string, MemoryPull>()
  readonly #active = new Set<BlobPull>()
  readonly #waiting: Array<() => void> = []
  readonly #limit: UploadLimit
  readonly #stopServing: () => void
  readonly #closed = new AbortController()
  #running = 0

  constructor(init: BlobExchangeInit) {
    this.#init = init
    this.#maxBlobBytes = init.maxBlobBytes ?? MAX_MEMORY_BLOB_BYTES
    this.#limit = new UploadLimit({
      clock: init.clock,
      bytesPerSecond: init.uploadBytesPerSecond ?? null,
      bytesPerSecondEach: init.uploadBytesPerSecondEach ?? null
    })
    const find = (address: Uint8Array): ServedBlob | null => this.#served(address)
    const serving = new BlobServing({ allow: init.allow, find, limit: this.#limit })
    this.#stopServing = init.network.serve(BLOB_PROTOCOL, BLOB_REQUEST_BYTES, (from, body) =>
      serving.answer(from, body)
    )
  }

  put(bytes: Uint8Array, hashes?: readonly Uint8Array[]): Uint8Array {
    this.#checkLength(bytes.length)
    return this.#keep(
      memorySource(bytes),
      ChunkHashes.of(hashes ?? chunkHashes(bytes, this.#init.crypto)),
      bytes
    )
  }

  hold(source: BlobSource, hashes: ChunkHashes): Uint8Array {
    this.#checkLength(source.lengthBytes, MAX_BLOB_BYTES)
    return this.#keep(source, hashes, null)
  }

  #keep(source: BlobSource, hashes: ChunkHashes, bytes: Uint8Array | null): Uint8Array {
    const address = addressOf([hashes.bytes], this.#init.crypto)
    this.#held.set(toHex(address), { source, hashes, bytes })
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
    holders: BlobHolders,
    signal?: AbortSignal
  ): Promise<Uint8Array> {
    signal?.throwIfAborted()
    this.#checkLength(lengthBytes)
    const held = this.get(address)
    if (held !== null) {
      if (held.length === lengthBytes) return held
      throw new ProtocolError('BLOB_WRONG_LENGTH', { address: toHex(address), lengthBytes })
    }
    const ask = asked(holders)
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

  async fetch(
    address: Uint8Array,
    sink: BlobSink,
    holders: BlobHolders,
    signal: AbortSignal,
    onProgress?: (doneBytes: number) => void
  ): Promise<ChunkHashes> {
    this.#checkLength(sink.lengthBytes, MAX_BLOB_BYTES)
    const { crypto, network } = this.#init
    const pull = new BlobPull(crypto, address.slice(), sink, network.peerId)
    const either = AbortSignal.any([signal, this.#closed.signal])
    const stopped = abortion(either)
    try {
      await Promise.race([this.#follow(pull, asked(holders), either, onProgress), stopped.promise])
    } finally {
      stopped.cancel()
    }
    either.throwIfAborted()
    this.#keep(sink, pull.hashes!, null)
    return pull.hashes!
  }

  drop(address: Uint8Array): void {
    this.#held.delete(toHex(address))
    for (const [key, { pull }] of this.#unfinished) {
      if (toHex(pull.address) === toHex(address)) this.#unfinished.delete(key)
    }
  }

  close(): void {
    this.#stopServing()
    this.#limit.close()
    this.#closed.abort(new Error('the blob exchange was closed'))
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
    const { crypto, network } = this.#init
    try {
      signal.throwIfAborted()
      const old = this.#unfinished.get(key)
      // An abandoned pull may still wait for its last frames; two runs of one pull would wait for each other.
      const mine = old !== undefined && !this.#active.has(old.pull) ? old : null
      const { pull, bytes } = mine ?? memoryPull(crypto, address, lengthBytes, network.peerId)
      this.#keepUnfinished(key, { pull, bytes })
      try {
        await this.#follow(pull, holders, signal)
        // Dropped or closed in the meantime: the caller has it, nobody else gets it.
        if (!signal.aborted) this.#keep(memorySource(bytes), pull.hashes!, bytes)
        this.#unfinished.delete(key)
        return bytes
      } catch (error) {
        if (error instanceof ProtocolError && error.code === 'BLOB_WRONG_LENGTH') this.#unfinished.delete(key)
        throw error
      }
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  async #follow(
    pull: BlobPull,
    holders: () => readonly PeerId[],
    signal: AbortSignal,
    onProgress?: (doneBytes: number) => void
  ): Promise<void> {
    const { network, clock } = this.#init
    const onOffence: OnBlobOffence = (peer, reason, detail) => {
      this.#init.onOffence?.(peer, reason, detail)
      if (isProven(reason)) network.blame?.(peer, `${detail} (${reason})`)
    }
    const ports = { network, clock, onOffence, ...(onProgress && { onProgress }) }
    this.#active.add(pull)
    try {
      await new BlobRun(ports, pull, () => holders().filter(peer => peer !== network.peerId), signal).done()
    } finally {
      this.#active.delete(pull)
    }
  }

  /** Resolves when it is this pull's turn: `CONCURRENT_PULLS` run at a time. */
  async #turn(): Promise<void> {
    while (this.#running >= CONCURRENT_PULLS) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#running++
  }

  #keepUnfinished(key: string, pull: MemoryPull): void {
    this.#unfinished.delete(key)
    this.#unfinished.set(key, pull)
    if (this.#unfinished.size <= UNFINISHED_PULLS) return
    for (const oldest of this.#unfinished.keys()) {
      if (this.#pulls.has(oldest)) continue
      this.#unfinished.delete(oldest)
      return
    }
  }

  #served(address: Uint8Array): ServedBlob | null {
    const held = this.#held.get(toHex(address))
    if (held !== undefined) return { ...held, have: null, isUrgent: held.bytes !== null }
    for (const { address: pulled, hashes, have, sink } of this.#active) {
      if (!equalBytes(pulled, address)) continue
      return { source: sink, hashes, have, isUrgent: false }
    }
    return null
  }

  #checkLength(bytes: number, maxBytes = this.#maxBlobBytes): void {
    if (bytes <= maxBytes) return
    throw new ProtocolError('BLOB_TOO_LARGE', { bytes, maxBytes })
  }
}

function asked(holders: BlobHolders): () => readonly PeerId[] {
  return typeof holders === 'function' ? holders : () => holders
}

function memoryPull(
  crypto: Pick<CryptoSuite, 'sha256'>,
  address: Uint8Array,
  lengthBytes: number,
  self: PeerId
): MemoryPull {
  const bytes = new Uint8Array(lengthBytes)
  return { pull: new BlobPull(crypto, address, memorySink(bytes), self), bytes }
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
