// Runs in a browser too: nothing of Node here.
import { lanesByteLength, type RingBits } from '../../aggregation/ring.ts'

/** The plain input of a vector of test/vectors/masks.json, packed. */
export function maskVectorInput(ringBits: RingBits, lanes: number): Uint8Array {
  const bytes = Uint8Array.from(
    { length: lanesByteLength(ringBits, lanes) },
    (_, i) => (i * 167 + Math.floor(i / 251) + 13) & 255
  )
  if ((lanes * ringBits) % 8 !== 0) bytes[bytes.length - 1]! &= 15
  return bytes
}
