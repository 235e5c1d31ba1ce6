import type { Uint8ArrayList } from 'uint8arraylist'

/** Longest varint that a length can take before it is none (2^49). */
const VARINT_BYTES = 7

/**
 * Follows frames with a varint length before them (multistream-select and gossipsub have it), to know how much of an
 * unfinished one waits in memory, and how long one says that it is.
 */
export class HeldFrame {
  /** Length of the longest frame that has begun. */
  longest = 0
  #length = 0
  #lengthBytes = 0
  #need = 0
  #held = 0

  /** Bytes of the frame that is not whole yet. */
  get bytes(): number {
    return this.#held
  }

  /** @returns false for what is no length: read no further */
  read(bytes: Uint8Array | Uint8ArrayList): boolean {
    for (let at = 0; at < bytes.byteLength; ) {
      if (this.#need > 0) {
        const taken = Math.min(this.#need, bytes.byteLength - at)
        this.#need -= taken
        this.#held = this.#need === 0 ? 0 : this.#held + taken
        at += taken
        continue
      }
      const byte = bytes instanceof Uint8Array ? bytes[at]! : bytes.get(at)
      at++
      this.#length += (byte & 0x7f) * 2 ** (7 * this.#lengthBytes++)
      if (byte >= 0x80) {
        if (this.#lengthBytes === VARINT_BYTES) return false
        continue
      }
      this.#need = this.#length
      this.longest = Math.max(this.longest, this.#length)
      this.#length = 0
      this.#lengthBytes = 0
    }
    return true
  }
}
