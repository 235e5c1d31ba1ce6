/** The headers of yamux frames as they pass. Source: https://github.com/hashicorp/yamux/blob/master/spec.md */
import type { Uint8ArrayList } from 'uint8arraylist'

export interface YamuxHeader {
  /** 0 data, 1 window update, 2 ping, 3 go away. */
  readonly type: number
  /** 1 SYN, 2 ACK, 4 FIN, 8 RST. */
  readonly flags: number
  /** Payload bytes of a data frame; else a window, or the number of a ping. */
  readonly length: number
}

export const YAMUX_DATA = 0
export const YAMUX_PING = 2
export const YAMUX_SYN = 1

const HEADER_BYTES = 12

export class YamuxHeaders {
  readonly #header = new Uint8Array(HEADER_BYTES)
  #have = 0
  #skip = 0

  /**
   * @param onHeader - told of each header that ends within these bytes, which follow those given before; it may throw
   */
  read(bytes: Uint8Array | Uint8ArrayList, onHeader: (header: YamuxHeader) => void): void {
    for (let at = 0; at < bytes.byteLength; ) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.byteLength - at)
        this.#skip -= skipped
        at += skipped
        continue
      }
      const end = Math.min(bytes.byteLength, at + HEADER_BYTES - this.#have)
      this.#header.set(bytes.subarray(at, end), this.#have)
      this.#have += end - at
      at = end
      if (this.#have < HEADER_BYTES) return
      this.#have = 0
      const view = new DataView(this.#header.buffer)
      const header = { type: view.getUint8(1), flags: view.getUint16(2), length: view.getUint32(8) }
      if (header.type === YAMUX_DATA) this.#skip = header.length
      onHeader(header)
    }
  }
}
