const utf8 = new TextEncoder()

/**
 * Joins parts so that no two different lists of parts give the same bytes: each is preceded by its length
 * (4 bytes, big-endian). Text is taken as UTF-8. Everything that is hashed or signed goes through this.
 */
export function lengthPrefixed(...parts: ReadonlyArray<string | Uint8Array>): Uint8Array {
  const blocks = parts.map(part => (typeof part === 'string' ? utf8.encode(part) : part))
  const joined = new Uint8Array(blocks.reduce((total, block) => total + 4 + block.length, 0))
  const view = new DataView(joined.buffer)
  let at = 0
  for (const block of blocks) {
    view.setUint32(at, block.length)
    joined.set(block, at + 4)
    at += 4 + block.length
  }
  return joined
}
