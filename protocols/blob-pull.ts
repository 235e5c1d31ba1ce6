/** One blob on its way here: which chunks have come, who is asked for which, and who is not asked again. */
import { addressOf } from '../aggregation/blob-address.ts'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { BLOB_PROTOCOL, chunkCountOf, encodeBlobRequest } from './blob-messages.ts'
import { NetworkError, ProtocolError } from './errors.ts'
import { toHex } from './hex.ts'
import { CHUNK_BYTES, FRAME_BYTES, REQUEST_TIMEOUT_MS, WINDOW_CHUNKS } from './limits.ts'
import type { Network, PeerId } from './ports.ts'

export interface BlobPullPorts {
  readonly network: Pick<Network, 'request'>
  readonly crypto: Pick<CryptoSuite, 'sha256'>
}

/** Why a holder is asked no more for a blob, by holder. */
export type Refusals = ReadonlyMap<PeerId, string>

/** Two holders at a time, with half a window each. */
const LANES = 2

const HASH_BYTES = 32

/** A run of chunks, [first, first + count). */
interface Run {
  readonly first: number
  readonly count: number
}

/** What a holder did that no honest holder does. */
class Lie extends Error {}

export class BlobPull {
  readonly address: Uint8Array
  readonly lengthBytes: number
  readonly #ports: BlobPullPorts
  readonly #bytes: Uint8Array
  readonly #chunks: number
  readonly #have: boolean[]
  readonly #asked = new Set<number>()
  readonly #liars = new Map<PeerId, string>()
  #hashes: readonly Uint8Array[] | null = null

  /** `lengthBytes` is allocated at once: check it against a limit before. */
  constructor(ports: BlobPullPorts, address: Uint8Array, lengthBytes: number) {
    this.#ports = ports
    this.address = address
    this.lengthBytes = lengthBytes
    this.#bytes = new Uint8Array(lengthBytes)
    this.#chunks = chunkCountOf(lengthBytes)
    this.#have = new Array<boolean>(this.#chunks).fill(false)
  }

  /** The verified list, once some holder has sent it. */
  get hashes(): readonly Uint8Array[] | null {
    return this.#hashes
  }

  /**
   * Asks each holder, in the order given, until all chunks are here. `holders` is asked again at every turn, so that
   * new ones join in. Chunks that came stay when it fails, and the next call asks only for the others.
   * @throws ProtocolError BLOB_UNAVAILABLE, BLOB_WRONG_LENGTH; `signal`'s reason
   */
  async run(holders: () => readonly PeerId[], signal?: AbortSignal): Promise<Uint8Array> {
    const failed = new Map<PeerId, string>(this.#liars)
    const busy = new Map<PeerId, number>()
    while (!this.#isComplete()) {
      signal?.throwIfAborted()
      const lanes = this.#hashes === null ? 1 : LANES
      const before = failed.size
      const progress = await Promise.all(
        Array.from({ length: lanes }, () => this.#lane(holders, failed, busy, signal))
      )
      if (!progress.includes(true) && failed.size === before) throw this.#unavailable(failed)
    }
    return this.#bytes
  }

  /** Asks one holder after the other for one window each. @returns whether anything came */
  async #lane(
    holders: () => readonly PeerId[],
    failed: Map<PeerId, string>,
    busy: Map<PeerId, number>,
    signal: AbortSignal | undefined
  ): Promise<boolean> {
    let progress = false
    for (;;) {
      const knewHashes = this.#hashes !== null
      const window = this.#nextWindow()
      if (signal?.aborted || (window === null && knewHashes)) return progress
      const candidates = holders().filter(peer => !failed.has(peer))
      const load = (peer: PeerId): number => busy.get(peer) ?? 0
      const least = Math.min(...candidates.map(load))
      const holder = candidates.find(peer => load(peer) === least)
      if (holder === undefined) return progress
      busy.set(holder, load(holder) + 1)
      try {
        await this.#ask(holder, window ?? { first: 0, count: 0 }, signal)
        progress = true
      } catch (error) {
        if (error instanceof ProtocolError) throw error
        failed.set(holder, error instanceof Error ? error.message : String(error))
        if (error instanceof Lie) this.#liars.set(holder, error.message)
      } finally {
        busy.set(holder, load(holder) - 1)
      }
      // With the hashes known there may be work for two.
      if (!knewHashes) return progress
    }
  }

  async #ask(holder: PeerId, window: Run, signal: AbortSignal | undefined): Promise<void> {
    const { network } = this.#ports
    const wantsHashes = this.#hashes === null
    const mine = Array.from({ length: window.count }, (_, i) => window.first + i)
    for (const chunk of mine) this.#asked.add(chunk)
    try {
      const body = encodeBlobRequest({
        address: this.address,
        wantsHashes,
        firstChunk: window.first,
        chunks: window.count
      })
      const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: FRAME_BYTES }
      const start = wantsHashes ? -1 : 0
      let next = start
      for await (const frame of network.request(holder, BLOB_PROTOCOL, body, options)) {
        signal?.throwIfAborted()
        if (next === window.count) throw new Lie('sent more than was asked for')
        if (next === -1) this.#takeHashes(frame)
        else this.#takeChunk(window.first + next, frame)
        next++
      }
      if (next === start) throw new Error('does not hold it')
      if (next < window.count) throw new Error(`sent ${next} chunks of ${window.count}`)
    } catch (error) {
      if (error instanceof NetworkError && error.code === 'TOO_LARGE')
        throw new Lie('sent a frame above the limit')
      throw error
    } finally {
      for (const chunk of mine) this.#asked.delete(chunk)
    }
  }

  #takeHashes(frame: Uint8Array): void {
    if (frame.length % HASH_BYTES !== 0) throw new Lie('sent chunk hashes of a wrong length')
    const hashes = Array.from({ length: frame.length / HASH_BYTES }, (_, i) =>
      frame.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES)
    )
    if (!equal(addressOf(hashes, this.#ports.crypto), this.address)) {
      throw new Lie('sent chunk hashes that do not belong to the address')
    }
    // The address proves the list, so it is the announced length that is wrong.
    if (hashes.length !== this.#chunks) throw this.#wrongLength()
    this.#hashes = hashes
  }

  #takeChunk(chunk: number, frame: Uint8Array): void {
    if (!equal(this.#ports.crypto.sha256(frame), this.#hashes![chunk]!)) {
      throw new Lie(`sent a chunk ${chunk} that does not match its hash`)
    }
    const at = chunk * CHUNK_BYTES
    if (frame.length !== Math.min(CHUNK_BYTES, this.lengthBytes - at)) throw this.#wrongLength()
    this.#bytes.set(frame, at)
    this.#have[chunk] = true
  }

  /** The first chunks that are missing and that nobody is asked for. */
  #nextWindow(): Run | null {
    const free = (chunk: number): boolean =>
      chunk < this.#chunks && !this.#have[chunk] && !this.#asked.has(chunk)
    let first = 0
    while (first < this.#chunks && !free(first)) first++
    if (first === this.#chunks) return null
    let count = 1
    while (count < WINDOW_CHUNKS && free(first + count)) count++
    return { first, count }
  }

  #isComplete(): boolean {
    return this.#hashes !== null && this.#have.every(have => have)
  }

  #wrongLength(): ProtocolError {
    return new ProtocolError(
      'BLOB_WRONG_LENGTH',
      { address: toHex(this.address), lengthBytes: this.lengthBytes },
      `blob ${toHex(this.address).slice(0, 16)} is not ${this.lengthBytes} bytes long, as was announced`
    )
  }

  #unavailable(refusals: Refusals): ProtocolError {
    const reasons = [...refusals].map(([peer, reason]) => `${peer}: ${reason}`)
    return new ProtocolError(
      'BLOB_UNAVAILABLE',
      { address: toHex(this.address), refused: Object.fromEntries(refusals) },
      `no holder gave blob ${toHex(this.address).slice(0, 16)} (${reasons.join('; ') || 'nobody is known to hold it'})`
    )
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
