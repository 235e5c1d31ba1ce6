/** One blob on its way here: its list of chunk hashes, and which chunks have come. Who is asked for them: blob-run.ts. */
import { addressOf } from '../aggregation/blob-address.ts'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import type { Availability } from './blob-availability.ts'
import { chunkCountOf } from './blob-messages.ts'
import { BlobLie } from './blob-offences.ts'
import { type BlobSink, ChunkHashes } from './blob-storage.ts'
import { ChunkSet } from './chunk-set.ts'
import { equalBytes } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { toHex } from './hex.ts'
import { CHUNK_BYTES } from './limits.ts'
import type { PeerId } from './ports.ts'

/** A run of chunks, [first, first + count). */
export interface ChunkRun {
  readonly first: number
  readonly count: number
}

export class BlobPull {
  readonly address: Uint8Array
  readonly sink: BlobSink
  readonly have: ChunkSet
  /** Asked for, and not here yet. A chunk may be asked for twice: see `STEAL_AFTER_MS`. */
  readonly asked = new Map<number, number>()
  /** Who is never asked again for this blob, and why. */
  readonly liars = new Map<PeerId, string>()
  readonly #crypto: Pick<CryptoSuite, 'sha256'>
  /** Where chunks that are equally rare are looked for: from another place on for every peer. */
  #start: number
  #hashes: ChunkHashes | null = null
  /** Before it all chunks are here or asked for. */
  #firstFree = 0

  /** @param self - this peer's id: peers that begin at different chunks have something to give each other */
  constructor(crypto: Pick<CryptoSuite, 'sha256'>, address: Uint8Array, sink: BlobSink, self: PeerId) {
    this.#crypto = crypto
    this.address = address
    this.sink = sink
    this.have = new ChunkSet(chunkCountOf(sink.lengthBytes))
    const draw = crypto.sha256(new TextEncoder().encode(self), address)
    this.#start = new DataView(draw.buffer, draw.byteOffset).getUint32(0, true) % Math.max(1, this.have.size)
  }

  get lengthBytes(): number {
    return this.sink.lengthBytes
  }

  /** The verified list, once some holder has sent it. */
  get hashes(): ChunkHashes | null {
    return this.#hashes
  }

  get isComplete(): boolean {
    return this.#hashes !== null && this.have.isFull
  }

  /**
   * Takes the whole list from one holder; then looks which chunks of an earlier try the sink has.
   * @throws BlobLie; ProtocolError BLOB_WRONG_LENGTH; FilesError
   */
  async takeHashes(bytes: Uint8Array): Promise<void> {
    if (bytes.length % 32 !== 0) throw new BlobLie('blob-wrong-list', 'sent chunk hashes of a wrong length')
    if (!equalBytes(addressOf([bytes], this.#crypto), this.address)) {
      throw new BlobLie('blob-wrong-list', 'sent chunk hashes that do not belong to the address')
    }
    const hashes = new ChunkHashes(bytes.slice())
    // The address proves the list, so it is the announced length that is wrong.
    if (hashes.count !== this.have.size) throw this.#wrongLength()
    const kept = Math.floor(this.sink.keptBytes / CHUNK_BYTES)
    const isWhole = this.sink.keptBytes === this.lengthBytes
    for (let chunk = 0; chunk < (isWhole ? this.have.size : kept); chunk++) {
      const bytesHere = await this.sink.read(chunk * CHUNK_BYTES, this.chunkBytes(chunk))
      if (hashes.matches(chunk, bytesHere, this.#crypto)) this.have.add(chunk)
    }
    this.#hashes = hashes
  }

  /** @throws BlobLie; ProtocolError BLOB_WRONG_LENGTH; FilesError */
  async takeChunk(chunk: number, bytes: Uint8Array): Promise<void> {
    if (!this.#hashes!.matches(chunk, bytes, this.#crypto)) {
      throw new BlobLie('blob-wrong-chunk', `sent a chunk ${chunk} that does not match its hash`)
    }
    if (bytes.length !== this.chunkBytes(chunk)) throw this.#wrongLength()
    // It may have come from elsewhere in the meantime.
    if (this.have.has(chunk)) return
    await this.sink.write(chunk * CHUNK_BYTES, bytes)
    this.have.add(chunk)
  }

  chunkBytes(chunk: number): number {
    return Math.min(CHUNK_BYTES, this.lengthBytes - chunk * CHUNK_BYTES)
  }

  ask({ first, count }: ChunkRun): void {
    for (let chunk = first; chunk < first + count; chunk++)
      this.asked.set(chunk, (this.asked.get(chunk) ?? 0) + 1)
  }

  unask({ first, count }: ChunkRun): void {
    this.#firstFree = Math.min(this.#firstFree, first)
    for (let chunk = first; chunk < first + count; chunk++) {
      const left = this.asked.get(chunk)! - 1
      if (left === 0) this.asked.delete(chunk)
      else this.asked.set(chunk, left)
    }
  }

  /** The first chunks that are missing and that nobody is asked for. */
  firstFree(most: number): ChunkRun | null {
    const { size } = this.have
    let first = this.#firstFree
    while (first < size && !this.#isFree(first)) first++
    this.#firstFree = first
    return first === size ? null : this.#runFrom(first, most, chunk => this.#isFree(chunk))
  }

  /** Of the free chunks that a holder has, those that the fewest have, so that no chunk is lost with one holder. */
  rarest(map: ChunkSet | 'all', { counts, least }: Availability, most: number): ChunkRun | null {
    const { size } = this.have
    const isOpen = (chunk: number): boolean => (map === 'all' || map.has(chunk)) && this.#isFree(chunk)
    let best = -1
    for (let i = 0, chunk = this.#start; i < size; i++, chunk = chunk + 1 === size ? 0 : chunk + 1) {
      if ((best >= 0 && counts[chunk]! >= counts[best]!) || !isOpen(chunk)) continue
      best = chunk
      if (counts[chunk] === least) break
    }
    if (best < 0) return null
    const run = this.#runFrom(best, most, chunk => isOpen(chunk) && counts[chunk] === counts[best])
    this.#start = (best + run.count) % size
    return run
  }

  #runFrom(first: number, most: number, holds: (chunk: number) => boolean): ChunkRun {
    let count = 1
    while (count < most && first + count < this.have.size && holds(first + count)) count++
    return { first, count }
  }

  #isFree(chunk: number): boolean {
    return !this.have.has(chunk) && !this.asked.has(chunk)
  }

  #wrongLength(): ProtocolError {
    return new ProtocolError(
      'BLOB_WRONG_LENGTH',
      { address: toHex(this.address), lengthBytes: this.lengthBytes },
      `blob ${toHex(this.address).slice(0, 16)} is not ${this.lengthBytes} bytes long, as was announced`
    )
  }
}
