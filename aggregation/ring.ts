import { AggregationError } from './errors.ts'

/** Width of one lane: sums are taken modulo 2^ringBits. */
export type RingBits = 16 | 32

/** A vector [lanes] of integers modulo 2^16 or 2^32; the typed array's own wrap-around is the modulus. */
export type Lanes = Uint16Array | Uint32Array

/** All zero, [count]. */
export function zeroLanes(ringBits: RingBits, count: number): Lanes {
  return ringBits === 16 ? new Uint16Array(count) : new Uint32Array(count)
}

export function ringBitsOf(lanes: Lanes): RingBits {
  return lanes instanceof Uint16Array ? 16 : 32
}

/** sum[i] += lanes[i] modulo 2^b, in place. @throws AggregationError LENGTH_MISMATCH, BAD_SETTING if widths differ */
export function addLanes(sum: Lanes, lanes: Lanes): void {
  checkAlike(sum, lanes)
  if (sum instanceof Uint16Array) add16(sum, lanes as Uint16Array)
  else add32(sum, lanes as Uint32Array)
}

/** sum[i] -= lanes[i] modulo 2^b, in place. @throws as addLanes */
export function subtractLanes(sum: Lanes, lanes: Lanes): void {
  checkAlike(sum, lanes)
  if (sum instanceof Uint16Array) subtract16(sum, lanes as Uint16Array)
  else subtract32(sum, lanes as Uint32Array)
}

/** Lanes as they travel: little-endian, ringBits / 8 bytes each. On a little-endian machine a view, not a copy. */
export function bytesOfLanes(lanes: Lanes): Uint8Array {
  const bytes = new Uint8Array(lanes.buffer, lanes.byteOffset, lanes.byteLength)
  return littleEndianHost ? bytes : swapped(bytes, lanes.BYTES_PER_ELEMENT)
}

/**
 * Reads lanes from little-endian bytes: a view where the machine and the alignment allow it, else a copy.
 * @throws AggregationError LENGTH_MISMATCH if the bytes do not hold whole lanes
 */
export function lanesOfBytes(bytes: Uint8Array, ringBits: RingBits): Lanes {
  const laneBytes = ringBits / 8
  if (bytes.length % laneBytes !== 0) {
    const expected = bytes.length - (bytes.length % laneBytes)
    throw new AggregationError('LENGTH_MISMATCH', { expected, got: bytes.length })
  }
  const host = littleEndianHost ? bytes : swapped(bytes, laneBytes)
  // Not slice(): of a Node Buffer that is a view, as little aligned as the original.
  const aligned = host.byteOffset % laneBytes === 0 ? host : new Uint8Array(host)
  const { buffer, byteOffset } = aligned
  return ringBits === 16
    ? new Uint16Array(buffer, byteOffset, bytes.length / 2)
    : new Uint32Array(buffer, byteOffset, bytes.length / 4)
}

// One loop per width and direction, and `| 0` for 32 bits: the engine then keeps to integer registers. A shared loop
// over both kinds of array took twice as long, and every mask of a round passes here.

function add16(sum: Uint16Array, lanes: Uint16Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += lanes[i]!
}

function subtract16(sum: Uint16Array, lanes: Uint16Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! -= lanes[i]!
}

function add32(sum: Uint32Array, lanes: Uint32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! + lanes[i]!) | 0
}

function subtract32(sum: Uint32Array, lanes: Uint32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i]! - lanes[i]!) | 0
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
