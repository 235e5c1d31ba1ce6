import { AggregationError } from './errors.ts'

/** Width of one lane: sums are taken modulo 2^ringBits. */
export type RingBits = 16 | 20 | 32

export const RING_WIDTHS: readonly RingBits[] = [16, 20, 32]

/** Lanes of 20 bits in memory: every element is below 2^20. They travel packed, two in five bytes. */
export class Lanes20 extends Uint32Array {}

/** A vector [lanes] of integers modulo 2^16, 2^20 or 2^32, of that type. */
export type Lanes = Uint16Array | Lanes20 | Uint32Array

const MASK_20 = 0xfffff

/** All zero, [count]. */
export function zeroLanes(ringBits: RingBits, count: number): Lanes {
  if (ringBits === 16) return new Uint16Array(count)
  return ringBits === 20 ? new Lanes20(count) : new Uint32Array(count)
}

export function ringBitsOf(lanes: Lanes): RingBits {
  if (lanes instanceof Uint16Array) return 16
  return lanes instanceof Lanes20 ? 20 : 32
}

/** Bytes of so many lanes as they travel. */
export function lanesByteLength(ringBits: RingBits, count: number): number {
  return Math.ceil((count * ringBits) / 8)
}

/** lanes[at + i] = values[i] modulo 2^b: signed integers, two's complement. */
export function setLanes(lanes: Lanes, values: ArrayLike<number>, at = 0): void {
  lanes.set(values, at)
  if (lanes instanceof Lanes20) for (let i = at; i < at + values.length; i++) lanes[i]! &= MASK_20
}

/** sum[i] += lanes[i] modulo 2^b, in place. @throws AggregationError LENGTH_MISMATCH, BAD_SETTING if widths differ */
export function addLanes(sum: Lanes, lanes: Lanes): void {
  checkAlike(sum, lanes)
  if (sum instanceof Uint16Array) add16(sum, lanes as Uint16Array)
  else if (sum instanceof Lanes20) add20(sum, lanes as Lanes20)
  else add32(sum, lanes as Uint32Array)
}

/** sum[i] -= lanes[i] modulo 2^b, in place. @throws as addLanes */
export function subtractLanes(sum: Lanes, lanes: Lanes): void {
  checkAlike(sum, lanes)
  if (sum instanceof Uint16Array) subtract16(sum, lanes as Uint16Array)
  else if (sum instanceof Lanes20) subtract20(sum, lanes as Lanes20)
  else subtract32(sum, lanes as Uint32Array)
}

/**
 * Lanes as they travel, little-endian: lane i is bits i * b to (i + 1) * b - 1 of the bytes, of which bit k is bit k % 8 of
 * byte k / 8. So lanes of 16 and 32 bits lie as little-endian integers, and two of 20 bits fill five bytes; after an odd
 * number of those, four bits are left over and zero. On a little-endian machine lanes of 16 and 32 bits are a view, not
 * a copy.
 */
export function bytesOfLanes(lanes: Lanes): Uint8Array {
  if (lanes instanceof Lanes20) return packed20(lanes)
  const bytes = new Uint8Array(lanes.buffer, lanes.byteOffset, lanes.byteLength)
  return littleEndianHost ? bytes : swapped(bytes, lanes.BYTES_PER_ELEMENT)
}

/**
 * Reads lanes from little-endian bytes: a view where the width, the machine and the alignment allow it, else a copy. Bits
 * that are left over are not looked at.
 * @throws AggregationError LENGTH_MISMATCH if the bytes do not hold whole lanes
 */
export function lanesOfBytes(bytes: Uint8Array, ringBits: RingBits): Lanes {
  const count = Math.floor((bytes.length * 8) / ringBits)
  const expected = lanesByteLength(ringBits, count)
  if (bytes.length !== expected)
    throw new AggregationError('LENGTH_MISMATCH', { expected, got: bytes.length })
  if (ringBits === 20) return unpacked20(bytes, count)
  const laneBytes = ringBits / 8
  const host = littleEndianHost ? bytes : swapped(bytes, laneBytes)
  // Not slice(): of a Node Buffer that is a view, as little aligned as the original.
  const aligned = host.byteOffset % laneBytes === 0 ? host : new Uint8Array(host)
  const { buffer, byteOffset } = aligned
  return ringBits === 16
    ? new Uint16Array(buffer, byteOffset, count)
    : new Uint32Array(buffer, byteOffset, count)
}

// One loop per width and direction, and `| 0` for 32 bits: the engine then keeps to integer registers. A shared loop
// over both kinds of array took twice as long, and every mask of a round passes here.

function add16(sum: Uint16Array, lanes: Uint16Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += lanes[i]!
}

function subtract16(sum: Uint16Array, lanes: Uint16Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! -= lanes[i]!
}

function add20(sum: Lanes20, lanes: Lanes20): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! + lanes[i]!) & MASK_20
}

function subtract20(sum: Lanes20, lanes: Lanes20): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! - lanes[i]!) & MASK_20
}

function add32(sum: Uint32Array, lanes: Uint32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! + lanes[i]!) | 0
}

function subtract32(sum: Uint32Array, lanes: Uint32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! - lanes[i]!) | 0
}

function packed20(lanes: Lanes20): Uint8Array {
  const bytes = new Uint8Array(lanesByteLength(20, lanes.length))
  for (let i = 0, at = 0; i < lanes.length; i += 2, at += 5) {
    const low = lanes[i]!
    // Behind the last lane of an odd number there is none, and what is written beyond the bytes goes nowhere.
    const high = lanes[i + 1] ?? 0
    bytes[at] = low
    bytes[at + 1] = low >>> 8
    bytes[at + 2] = (low >>> 16) | (high << 4)
    bytes[at + 3] = high >>> 4
    bytes[at + 4] = high >>> 12
  }
  return bytes
}

function unpacked20(bytes: Uint8Array, count: number): Lanes20 {
  const lanes = new Lanes20(count)
  for (let i = 0, at = 0; i < count; i += 2, at += 5) {
    const middle = bytes[at + 2]!
    lanes[i] = bytes[at]! | (bytes[at + 1]! << 8) | ((middle & 15) << 16)
    if (i + 1 < count) lanes[i + 1] = (middle >>> 4) | (bytes[at + 3]! << 4) | (bytes[at + 4]! << 12)
  }
  return lanes
}

const littleEndianHost = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

function swapped(bytes: Uint8Array, laneBytes: number): Uint8Array {
  return Uint8Array.from(bytes, (_, i) => bytes[i - (i % laneBytes) + laneBytes - 1 - (i % laneBytes)]!)
}

function checkAlike(a: Lanes, b: Lanes): void {
  if (a.length !== b.length)
    throw new AggregationError('LENGTH_MISMATCH', { expected: a.length, got: b.length })
  if (ringBitsOf(a) !== ringBitsOf(b)) {
    throw new AggregationError('BAD_SETTING', {
      setting: 'ringBits',
      got: ringBitsOf(b),
      expected: ringBitsOf(a)
    })
  }
}
