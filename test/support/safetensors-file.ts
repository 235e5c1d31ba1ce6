/** safetensors files of any content, sound or not. */

/** A file with this header, not padded, and so many bytes of data. */
export function fileWith(header: unknown, data: Uint8Array | number = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const content = typeof data === 'number' ? new Uint8Array(data) : data
  const file = new Uint8Array(8 + json.length + content.length)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
  file.set(json, 8)
  file.set(content, 8 + json.length)
  return file
}

/** What a header says of one tensor. */
export function entry(dtype: string, shape: unknown, begin: unknown, end: unknown): object {
  return { dtype, shape, data_offsets: [begin, end] }
}
