/** Which chunks of a blob somebody holds: one bit each, so that a have-map of 8 GB takes 4 KiB. */

export class ChunkSet {
  /** Chunks of the blob, held or not. */
  readonly size: number
  readonly #bits: Uint8Array
  #count = 0

  /** None of `size` chunks. */
  constructor(size: number) {
    this.size = size
    this.#bits = new Uint8Array(mapBytesOf(size))
  }

  /** All of `size` chunks. */
  static full(size: number): ChunkSet {
    const set = new ChunkSet(size)
    for (let chunk = 0; chunk < size; chunk++) set.add(chunk)
    return set
  }

  /** @returns null for bytes that are no map of `size` chunks: a wrong length, or bits beyond the last chunk */
  static fromBytes(size: number, bytes: Uint8Array): ChunkSet | null {
    if (bytes.length !== mapBytesOf(size)) return null
    const set = new ChunkSet(size)
    for (let chunk = 0; chunk < 8 * bytes.length; chunk++) {
      if ((bytes[chunk >> 3]! & (1 << (chunk & 7))) === 0) continue
      if (chunk >= size) return null
      set.add(chunk)
    }
    return set
  }

  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.size
  }

  has(chunk: number): boolean {
    return (this.#bits[chunk >> 3]! & (1 << (chunk & 7))) !== 0
  }

  add(chunk: number): void {
    if (this.has(chunk)) return
    this.#bits[chunk >> 3]! |= 1 << (chunk & 7)
    this.#count++
  }

  /** Chunk i is bit i & 7 of byte i >> 3. */
  toBytes(): Uint8Array {
    return this.#bits.slice()
  }
}

export function mapBytesOf(chunks: number): number {
  return Math.ceil(chunks / 8)
}
