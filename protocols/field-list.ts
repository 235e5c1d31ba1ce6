/**
 * Reads what aggregation/canonical-bytes.ts writes: fields laid end to end, each behind its length in 4 bytes,
 * little-endian.
 */

/**
 * The fields, as views of `bytes`, or null if the bytes are not a list of at most `maxFields` fields.
 */
export function readFields(bytes: Uint8Array, maxFields: number): Uint8Array[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    if (fields.length === maxFields || bytes.length - at < 4) return null
    const length = view.getUint32(at, true)
    at += 4
    if (length > bytes.length - at) return null
    fields.push(bytes.subarray(at, at + length))
    at += length
  }
  return fields
}

/** The text of a field, or null if it is not UTF-8. */
export function fieldText(field: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(field)
  } catch {
    return null
  }
}
