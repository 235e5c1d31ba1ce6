/**
 * A file of records that is only ever appended to, in a form that shows where a crash cut it short: each record is
 * its length (4 bytes, little-endian), the first 8 bytes of SHA-256 over length and payload, and the payload.
 */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { equalBytes } from '../../protocols/codec.ts'

type Sha256 = CryptoSuite['sha256']

const LENGTH_BYTES = 4

/** A torn write is an accident, not an attack: what the records say is checked by signatures. */
const CHECKSUM_BYTES = 8

const HEADER_BYTES = LENGTH_BYTES + CHECKSUM_BYTES

/** Where a payload lies in its file. */
export interface RecordPlace {
  readonly offset: number
  readonly length: number
}

export function encodeRecord(payload: Uint8Array, sha256: Sha256): Uint8Array {
  const out = new Uint8Array(HEADER_BYTES + payload.length)
  new DataView(out.buffer).setUint32(0, payload.length, true)
  out.set(checksum(out.subarray(0, LENGTH_BYTES), payload, sha256), LENGTH_BYTES)
  out.set(payload, HEADER_BYTES)
  return out
}

/** Where the payload of a record lies that begins at `offset`. */
export function placeOf(offset: number, payloadLength: number): RecordPlace {
  return { offset: offset + HEADER_BYTES, length: payloadLength }
}

/**
 * The records from the beginning of a file up to the first that is not whole.
 * @returns `goodBytes`, where that one begins; the length of the file if all are whole
 */
export function readRecords(file: Uint8Array, sha256: Sha256): { places: RecordPlace[]; goodBytes: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const places: RecordPlace[] = []
  let at = 0
  while (at + HEADER_BYTES <= file.length) {
    const place = placeOf(at, view.getUint32(at, true))
    const end = place.offset + place.length
    if (end > file.length) break
    const sum = checksum(file.subarray(at, at + LENGTH_BYTES), file.subarray(place.offset, end), sha256)
    if (!equalBytes(sum, file.subarray(at + LENGTH_BYTES, place.offset))) break
    places.push(place)
    at = end
  }
  return { places, goodBytes: at }
}

function checksum(length: Uint8Array, payload: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(length, payload).subarray(0, CHECKSUM_BYTES)
}
