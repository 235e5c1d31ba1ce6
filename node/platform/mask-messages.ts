/** What is said between a peer's thread and the threads that make its masks. */
import type { RingBits } from '../../aggregation/ring.ts'

/** A part of a vector to lay masks over. Everything secret is in shared memory, so that no message holds a copy of it. */
export interface MaskPart {
  readonly id: number
  readonly ringBits: RingBits
  /** Packed lanes of the whole vector, changed in place from byte `from` to byte `to`. */
  readonly lanes: SharedArrayBuffer
  readonly from: number
  readonly to: number
  /** KEY_BYTES each, then a byte that is 1 where the mask is subtracted. */
  readonly masks: SharedArrayBuffer
  /** An Int32Array of one; anything but 0 ends the work early. */
  readonly stop: SharedArrayBuffer
}

export type MaskRequest = MaskPart | 'end'

export interface MaskReply {
  readonly id: number
  /** Why it failed; null if it did not. */
  readonly failure: string | null
}

const KEY_BYTES = 32
const MASK_BYTES = KEY_BYTES + 1

interface Mask {
  readonly key: Uint8Array
  readonly sign: 1 | -1
}

export function packMasks(masks: readonly Mask[]): SharedArrayBuffer {
  const packed = new Uint8Array(new SharedArrayBuffer(MASK_BYTES * masks.length))
  masks.forEach(({ key, sign }, i) => {
    packed.set(key, MASK_BYTES * i)
    packed[MASK_BYTES * i + KEY_BYTES] = sign === 1 ? 0 : 1
  })
  return packed.buffer as SharedArrayBuffer
}

/** Copies: the caller overwrites the keys when it is done with them. */
export function unpackMasks(packed: SharedArrayBuffer): Mask[] {
  const bytes = new Uint8Array(packed)
  return Array.from({ length: bytes.length / MASK_BYTES }, (_, i) => ({
    // Not a view: the cipher wants memory that is not shared.
    key: Uint8Array.from(bytes.subarray(MASK_BYTES * i, MASK_BYTES * i + KEY_BYTES)),
    sign: bytes[MASK_BYTES * i + KEY_BYTES] === 0 ? 1 : -1
  }))
}
