/**
 * Peer ids as text and the Ed25519 keys inside them, without libp2p.
 * An Ed25519 peer id is the base58btc form of an identity multihash over the protobuf of the public key.
 * Source: libp2p specs, peer-ids/peer-ids.md.
 */
import { ProtocolError } from './errors.ts'
import type { PeerId } from './ports.ts'

const PUBLIC_KEY_BYTES = 32

/** Identity multihash (0x00) of 36 bytes: field 1 (key type) = 1, Ed25519; field 2 (data) of 32 bytes follows. */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const DIGIT_OF = new Map([...ALPHABET].map((letter, digit) => [letter, digit]))

/** An id of 38 bytes has 52 digits; anything longer is not worth the arithmetic. */
const MAX_TEXT = 64

/**
 * The raw Ed25519 public key [32] inside a peer id.
 * @throws ProtocolError BAD_PEER_ID if it is not the canonical text of an Ed25519 peer id
 */
export function publicKeyOf(peerId: PeerId): Uint8Array {
  const bytes = decodeBase58(peerId)
  if (bytes?.length !== PREFIX.length + PUBLIC_KEY_BYTES || !PREFIX.every((byte, i) => byte === bytes[i])) {
    throw new ProtocolError(
      'BAD_PEER_ID',
      { peerId },
      `not an Ed25519 peer id (they begin with 12D3KooW): ${JSON.stringify(String(peerId).slice(0, MAX_TEXT))}`
    )
  }
  return bytes.slice(PREFIX.length)
}

/**
 * The peer id of a raw Ed25519 public key [32].
 * @throws RangeError if the key has another length
 */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  if (publicKey.length !== PUBLIC_KEY_BYTES) {
    throw new RangeError(
      `expected an Ed25519 public key of ${PUBLIC_KEY_BYTES} bytes, got ${publicKey.length}`
    )
  }
  const bytes = new Uint8Array(PREFIX.length + PUBLIC_KEY_BYTES)
  bytes.set(PREFIX)
  bytes.set(publicKey, PREFIX.length)
  return encodeBase58(bytes)
}

/** True if the text is the canonical form of an Ed25519 peer id. */
export function isPeerId(text: string): boolean {
  const bytes = decodeBase58(text)
  return bytes?.length === PREFIX.length + PUBLIC_KEY_BYTES && PREFIX.every((byte, i) => byte === bytes[i])
}

function encodeBase58(bytes: Uint8Array): string {
  const zeros = bytes.findIndex(byte => byte !== 0)
  let text = ''
  let value = 0n
  for (const byte of bytes) value = value * 256n + BigInt(byte)
  for (; value > 0n; value /= 58n) text = ALPHABET[Number(value % 58n)] + text
  return ALPHABET[0]!.repeat(zeros === -1 ? bytes.length : zeros) + text
}

function decodeBase58(text: string): Uint8Array | null {
  if (typeof text !== 'string' || text.length > MAX_TEXT) return null
  let value = 0n
  for (const letter of text) {
    const digit = DIGIT_OF.get(letter)
    if (digit === undefined) return null
    value = value * 58n + BigInt(digit)
  }
  const low: number[] = []
  for (; value > 0n; value /= 256n) low.push(Number(value % 256n))
  // Each leading '1' is one zero byte: the arithmetic above cannot see them.
  const zeros = [...text].findIndex(letter => letter !== ALPHABET[0])
  return Uint8Array.from([...new Array<number>(zeros === -1 ? text.length : zeros).fill(0), ...low.reverse()])
}
