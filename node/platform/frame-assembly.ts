/**
 * Frames put together from the pieces in which they arrive: a varint with the length, the kind (one byte), the payload. Each
 * piece is copied once, to where it stays; a list of pieces would be kept until the frame is whole, and be copied then.
 */
import { Buffer } from 'node:buffer'

export interface TaggedFrame {
  readonly kind: number
  readonly payload: Uint8Array
}

/** A frame was announced that is longer than it may be. */
export class FrameTooLong extends Error {
  override readonly name = 'FrameTooLong'
}

/** Bits of a length, beyond which a varint is none. */
const LENGTH_BITS = 28

export class FrameAssembly {
  readonly #maxPayloadBytes: number
  #length = 0
  #lengthBits = 0
  #isLengthKnown = false
  #kind = -1
  #payload: Uint8Array | null = null
  #have = 0

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes
  }

  /** A part of a frame is here, and the rest of it is not. */
  get isBegun(): boolean {
    return this.#lengthBits > 0
  }

  /**
   * Takes what it can of a piece from `at` on, up to the end of one frame.
   * @returns where it stopped
   * @throws FrameTooLong; Error for a frame without its kind
   */
  take(piece: Uint8Array, at: number): number {
    while (!this.#isLengthKnown) {
      if (at === piece.length) return at
      this.#takeLength(piece[at++]!)
    }
    if (this.#kind < 0) {
      if (at === piece.length) return at
      this.#kind = piece[at++]!
      // Its pages are not touched before there are bytes for them: an announced length alone takes no memory.
      const { buffer, byteOffset } = Buffer.allocUnsafeSlow(this.#length - 1)
      this.#payload = new Uint8Array(buffer, byteOffset, this.#length - 1)
    }
    const payload = this.#payload!
    const taken = Math.min(payload.length - this.#have, piece.length - at)
    payload.set(taken === piece.length ? piece : piece.subarray(at, at + taken), this.#have)
    this.#have += taken
    return at + taken
  }

  /** The frame, if it is whole; the next one begins after it. */
  finished(): TaggedFrame | null {
    const payload = this.#payload
    if (payload === null || this.#have < payload.length) return null
    const kind = this.#kind
    this.#length = this.#lengthBits = this.#have = 0
    this.#isLengthKnown = false
    this.#kind = -1
    this.#payload = null
    return { kind, payload }
  }

  #takeLength(byte: number): void {
    this.#length += (byte & 0x7f) * 2 ** this.#lengthBits
    this.#lengthBits += 7
    if (this.#length > this.#maxPayloadBytes + 1 || this.#lengthBits > LENGTH_BITS)
      throw new FrameTooLong(`a frame of ${this.#length} bytes, above ${this.#maxPayloadBytes}`)
    if (byte >= 0x80) return
    if (this.#length === 0) throw new Error('a frame without its kind')
    this.#isLengthKnown = true
  }
}
