/**
 * STUN (RFC 8489) as far as a binding request needs it: "which address do you see me at?" Attributes that are about
 * identity (USERNAME, MESSAGE-INTEGRITY) are neither made nor checked; who needs them asks another server.
 */
import { crc32 } from 'node:zlib'

const HEADER_BYTES = 20
const MAGIC_COOKIE = 0x2112a442
const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const BINDING_ERROR = 0x0111

const ATTRIBUTE = {
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  xorMappedAddress: 0x0020,
  fingerprint: 0x8028
} as const

/** Attributes up to here must be understood, or the request refused (section 14). */
const LAST_REQUIRED = 0x7fff

/** "STUN" in ASCII: section 14.7. */
const FINGERPRINT_XOR = 0x5354554e

/** A request that fits no single packet on any path is none. */
const REQUEST_BYTES_MAX = 576

export interface StunRequest {
  /** Cookie and transaction id, 16 bytes: they come back in the answer, and mask the address in it. */
  readonly transaction: Uint8Array
  /** Types of attributes that must be understood and are not. */
  readonly notUnderstood: readonly number[]
  readonly hasFingerprint: boolean
}

/** @returns null for anything but a well-formed binding request: it is not answered at all */
export function decodeBindingRequest(packet: Uint8Array): StunRequest | null {
  if (packet.length < HEADER_BYTES || packet.length > REQUEST_BYTES_MAX) return null
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const length = view.getUint16(2)
  if (view.getUint16(0) !== BINDING_REQUEST || view.getUint32(4) !== MAGIC_COOKIE) return null
  if (length % 4 !== 0 || HEADER_BYTES + length !== packet.length) return null
  const notUnderstood: number[] = []
  let hasFingerprint = false
  for (let at = HEADER_BYTES; at < packet.length; ) {
    // A fingerprint is the last attribute, and there is room for a header: both are what the lengths say.
    if (hasFingerprint || at + 4 > packet.length) return null
    const [type, bytes] = [view.getUint16(at), view.getUint16(at + 2)]
    if (at + 4 + bytes > packet.length) return null
    if (type === ATTRIBUTE.fingerprint) {
      if (bytes !== 4 || view.getUint32(at + 4) !== fingerprintOf(packet.subarray(0, at))) return null
      hasFingerprint = true
    } else if (type <= LAST_REQUIRED) notUnderstood.push(type)
    at += 4 + 4 * Math.ceil(bytes / 4)
  }
  return { transaction: packet.slice(4, HEADER_BYTES), notUnderstood, hasFingerprint }
}

/** @param address - 4 or 16 bytes, in network order. @param port - 0..65535 */
export function encodeBindingAnswer(request: StunRequest, address: Uint8Array, port: number): Uint8Array {
  if (request.notUnderstood.length > 0) {
    const types = new Uint8Array(2 * request.notUnderstood.length)
    const view = new DataView(types.buffer)
    for (const [i, type] of request.notUnderstood.entries()) view.setUint16(2 * i, type)
    const error = new Uint8Array([0, 0, 4, 20, ...new TextEncoder().encode('Unknown Attribute')])
    return message(BINDING_ERROR, request, [
      [ATTRIBUTE.errorCode, error],
      [ATTRIBUTE.unknownAttributes, types]
    ])
  }
  return message(BINDING_SUCCESS, request, [
    [ATTRIBUTE.xorMappedAddress, xorMappedAddress(request.transaction, address, port)]
  ])
}

/** Section 14.2: the address masked, as some address translators rewrite whatever looks like theirs. */
export function xorMappedAddress(transaction: Uint8Array, address: Uint8Array, port: number): Uint8Array {
  const value = new Uint8Array(4 + address.length)
  const view = new DataView(value.buffer)
  view.setUint8(1, address.length === 4 ? 1 : 2)
  view.setUint16(2, port ^ (MAGIC_COOKIE >>> 16))
  for (let i = 0; i < address.length; i++) value[4 + i] = address[i]! ^ transaction[i]!
  return value
}

function message(
  type: number,
  { transaction, hasFingerprint }: StunRequest,
  attributes: ReadonlyArray<readonly [number, Uint8Array]>
): Uint8Array {
  const padded = attributes.reduce((sum, [, value]) => sum + 4 + 4 * Math.ceil(value.length / 4), 0)
  const length = padded + (hasFingerprint ? 8 : 0)
  const packet = new Uint8Array(HEADER_BYTES + length)
  const view = new DataView(packet.buffer)
  view.setUint16(0, type)
  view.setUint16(2, length)
  packet.set(transaction, 4)
  let at = HEADER_BYTES
  for (const [attribute, value] of attributes) {
    view.setUint16(at, attribute)
    view.setUint16(at + 2, value.length)
    packet.set(value, at + 4)
    at += 4 + 4 * Math.ceil(value.length / 4)
  }
  if (hasFingerprint) {
    view.setUint16(at, ATTRIBUTE.fingerprint)
    view.setUint16(at + 2, 4)
    view.setUint32(at + 4, fingerprintOf(packet.subarray(0, at)))
  }
  return packet
}

/** Section 14.7, over everything before the attribute; the length in the header counts the attribute already. */
function fingerprintOf(packet: Uint8Array): number {
  return (crc32(packet) ^ FINGERPRINT_XOR) >>> 0
}
