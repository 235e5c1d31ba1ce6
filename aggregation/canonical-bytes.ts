import { AggregationError } from './errors.ts'

/** A field of a canonical encoding: text as UTF-8, bytes as they are, a safe integer >= 0 as 8 bytes little-endian. */
export type CanonicalField = string | Uint8Array | number

/**
 * Fields laid end to end, each behind its length in bytes (4 bytes, little-endian), so that no two lists of fields
 * give the same bytes.
 * @throws AggregationError BAD_SETTING if a number is not a safe integer >= 0
 */
export function lengthPrefixed(...fields: readonly CanonicalField[]): Uint8Array {
  const parts = fields.map(fieldBytes)
  const out = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0))
  const view = new DataView(out.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length, true)
    out.set(part, at + 4)
    at += 4 + part.length
  }
  return out
}

/** UTF-8 without TextEncoder, which the pure floor does not know. A lone surrogate becomes U+FFFD, as there. */
export function utf8Bytes(text: string): Uint8Array {
  const out: number[] = []
  for (const character of text.toWellFormed()) {
    const point = character.codePointAt(0)!
    if (point < 0x80) out.push(point)
    else if (point < 0x800) out.push(0xc0 | (point >> 6), 0x80 | (point & 63))
    else if (point < 0x10000) out.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    else {
      out.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 63),
        0x80 | ((point >> 6) & 63),
        0x80 | (point & 63)
      )
    }
  }
  return Uint8Array.from(out)
}

function fieldBytes(field: CanonicalField): Uint8Array {
  if (typeof field === 'string') return utf8Bytes(field)
  if (typeof field !== 'number') return field
  if (!Number.isSafeInteger(field) || field < 0) {
    throw new AggregationError('BAD_SETTING', {
      setting: 'number',
      got: field,
      expected: 'a safe integer >= 0'
    })
  }
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(field), true)
  return bytes
}
