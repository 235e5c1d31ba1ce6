/** Bytes as text that survives mail, chat and a double click. Source: RFC 4648, section 5, without padding. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const DIGIT_OF = new Map([...ALPHABET].map((letter, digit) => [letter, digit]))

export function toBase64Url(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    const letters = Math.min(3, bytes.length - at) + 1
    for (let i = 0; i < letters; i++) text += ALPHABET[(group >> (18 - 6 * i)) & 63]
  }
  return text
}

/** The bytes of `toBase64Url`'s text, or null if the text is anything else. */
export function fromBase64Url(text: string): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let group = 0
  let bits = 0
  let at = 0
  for (const letter of text) {
    const digit = DIGIT_OF.get(letter)
    if (digit === undefined) return null
    group = ((group << 6) | digit) & 0xffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = (group >> bits) & 255
  }
  return toBase64Url(bytes) === text ? bytes : null
}
