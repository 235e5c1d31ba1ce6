/**
 * Canonical bytes: what is decoded must encode to the very same bytes, or it is refused. So a hash or a signature
 * over a message has exactly one meaning.
 */
import { ProtocolError } from './errors.ts'

export interface MessageCodec<T> {
  encode(message: Partial<T>): Uint8Array
  decode(bytes: Uint8Array): T
}

/** @throws ProtocolError BAD_MESSAGE if the bytes do not decode, or are not the canonical encoding */
export function decodeCanonical<T>(codec: MessageCodec<T>, bytes: Uint8Array, name: string): T {
  let message: T
  try {
    message = codec.decode(bytes)
  } catch (cause) {
    throw new ProtocolError('BAD_MESSAGE', { reason: `${name} does not decode` }, `${name} does not decode`, {
      cause
    })
  }
  if (!equalBytes(codec.encode(message as Partial<T>), bytes)) {
    throw new ProtocolError(
      'BAD_MESSAGE',
      { reason: `${name} is not canonical` },
      `${name} is not in canonical form`
    )
  }
  return message
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** @throws ProtocolError BAD_MESSAGE unless `bytes` has the length that the field must have */
export function checkLength(bytes: Uint8Array, length: number, field: string): void {
  if (bytes.length !== length) {
    throw new ProtocolError('BAD_MESSAGE', { reason: `${field} has ${bytes.length} bytes, not ${length}` })
  }
}
