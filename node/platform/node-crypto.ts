import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify
} from 'node:crypto'
import type { CryptoSuite, KeyStream, Signer } from '../../aggregation/crypto-suite.ts'
import { AggregationError } from '../../aggregation/errors.ts'

const KEY_BYTES = 32
const GCM_NONCE_BYTES = 12
const GCM_TAG_BYTES = 16
const SIGNATURE_BYTES = 64
const AES_BLOCK_BYTES = 16

/** A key stream is the encryption of zeros; longer requests are met piece by piece from this. */
const zeros = new Uint8Array(64 * 1024)

/** DER prefixes of raw 32-byte keys: RFC 8410, section 4 (SubjectPublicKeyInfo) and section 7 (PKCS #8). */
const derPrefix = {
  x25519Public: Buffer.from('302a300506032b656e032100', 'hex'),
  x25519Private: Buffer.from('302e020100300506032b656e04220420', 'hex'),
  ed25519Public: Buffer.from('302a300506032b6570032100', 'hex'),
  ed25519Private: Buffer.from('302e020100300506032b657004220420', 'hex')
}

/** The real primitives, from OpenSSL through node:crypto. */
export function nodeCrypto(): CryptoSuite {
  return {
    randomBytes: length => {
      // Not a copy: nobody could erase the original.
      const { buffer, byteOffset } = randomBytes(length)
      return new Uint8Array(buffer, byteOffset, length)
    },
    sha256,
    hkdfSha256: (inputKey, salt, info, length) =>
      new Uint8Array(hkdfSync('sha256', inputKey, salt, info, length)),
    x25519PublicKey,
    x25519,
    gcmSeal,
    gcmOpen,
    ed25519Verify,
    keyStream
  }
}

/**
 * The same primitives with predictable "random" bytes: the AES-256-CTR key stream under SHA-256 of the seed. For
 * simulations and tests only: whoever knows the seed knows every secret.
 */
export function seededCrypto(seed: Uint8Array): CryptoSuite {
  const stream = keyStream(sha256(seed))
  return { ...nodeCrypto(), randomBytes: length => stream.next(length).slice() }
}

/** Signs with an Ed25519 secret seed [32] (RFC 8032, section 5.1.5). @throws AggregationError BAD_SETTING */
export function ed25519Signer(seed: Uint8Array): Signer {
  checkBytes('Ed25519 seed', seed, KEY_BYTES)
  const key = privateKey(derPrefix.ed25519Private, seed)
  return {
    publicKey: rawPublicKey(key),
    sign: message => new Uint8Array(sign(null, message, key))
  }
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

function x25519PublicKey(secretKey: Uint8Array): Uint8Array {
  checkBytes('X25519 secret key', secretKey, KEY_BYTES)
  return rawPublicKey(privateKey(derPrefix.x25519Private, secretKey))
}

function x25519(secretKey: Uint8Array, peerPublicKey: Uint8Array): Uint8Array {
  checkBytes('X25519 secret key', secretKey, KEY_BYTES)
  checkBytes('X25519 public key', peerPublicKey, KEY_BYTES)
  const ours = privateKey(derPrefix.x25519Private, secretKey)
  const theirs = publicKey(derPrefix.x25519Public, peerPublicKey)
  let shared: Uint8Array
  try {
    shared = unbuffered(diffieHellman({ privateKey: ours, publicKey: theirs }))
  } catch {
    // With two well-formed keys OpenSSL refuses for one reason only: the all-zero result.
    throw new AggregationError('LOW_ORDER_POINT')
  }
  if (shared.every(byte => byte === 0)) throw new AggregationError('LOW_ORDER_POINT')
  return shared
}

function gcmSeal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array) {
  checkGcm(key, nonce)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES })
  cipher.setAAD(associatedData)
  const sealed = new Uint8Array(plaintext.length + GCM_TAG_BYTES)
  sealed.set(cipher.update(plaintext))
  cipher.final()
  sealed.set(cipher.getAuthTag(), plaintext.length)
  return sealed
}

function gcmOpen(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array) {
  checkGcm(key, nonce)
  const length = sealed.length - GCM_TAG_BYTES
  if (length < 0) throw new AggregationError('BAD_CIPHERTEXT', { got: sealed.length })
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES })
  decipher.setAAD(associatedData)
  decipher.setAuthTag(sealed.subarray(length))
  const plaintext = unbuffered(decipher.update(sealed.subarray(0, length)))
  try {
    decipher.final()
  } catch {
    throw new AggregationError('BAD_CIPHERTEXT', { got: sealed.length })
  }
  return plaintext
}

/** A key is parsed for as long as a check takes; the members of a run sign thousands of messages with theirs. */
const verifyingKeys = new Map<string, KeyObject>()

const VERIFYING_KEYS_MAX = 1024

function verifyingKey(key: Uint8Array): KeyObject {
  const name = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
  const known = verifyingKeys.get(name)
  if (known !== undefined) return known
  const parsed = publicKey(derPrefix.ed25519Public, key)
  if (verifyingKeys.size >= VERIFYING_KEYS_MAX) verifyingKeys.clear()
  verifyingKeys.set(name, parsed)
  return parsed
}

function ed25519Verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
  try {
    return verify(null, message, verifyingKey(key), signature)
  } catch {
    // A key that is no point of the curve: malformed, and so not a signature.
    return false
  }
}

function keyStream(key: Uint8Array, offsetBytes = 0): KeyStream {
  checkBytes('AES key', key, KEY_BYTES)
  if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0 || offsetBytes % AES_BLOCK_BYTES !== 0) {
    const expected = `a multiple of ${AES_BLOCK_BYTES}, >= 0`
    throw new AggregationError('BAD_SETTING', { setting: 'offsetBytes', got: offsetBytes, expected })
  }
  const counter = Buffer.alloc(AES_BLOCK_BYTES)
  counter.writeBigUInt64BE(BigInt(offsetBytes / AES_BLOCK_BYTES), 8)
  return aesCtrStream(key, counter)
}

/** NIST SP 800-38A, section 6.5: the AES-256-CTR key stream from any counter block [16]. */
export function aesCtrStream(key: Uint8Array, counterBlock: Uint8Array): KeyStream {
  const cipher = createCipheriv('aes-256-ctr', key, counterBlock)
  let lent: Uint8Array | null = null
  const next = (length: number) => {
    lent = keyStreamBytes(cipher, length)
    return lent
  }
  const release = () => {
    lent?.fill(0)
    // Its memory is free for the next piece at once, and so still in the cache: twice as fast as to leave it to the collector.
    if (lent !== null && ownsMemory(lent)) lent.buffer.transfer(0)
    lent = null
  }
  // OpenSSL overwrites its key schedule here, and not only once the garbage is collected.
  return { next, release, end: () => void cipher.final() }
}

function keyStreamBytes(cipher: Cipheriv, length: number): Uint8Array {
  const bytes = cipher.update(zeros.subarray(0, length))
  // A plain view of the same memory: a Buffer's slice() would surprise whoever expects a copy.
  if (length <= zeros.length) return new Uint8Array(bytes.buffer, bytes.byteOffset, length)
  const out = new Uint8Array(length)
  out.set(bytes)
  for (let at = zeros.length; at < length; at += zeros.length) {
    out.set(cipher.update(zeros.subarray(0, Math.min(zeros.length, length - at))), at)
  }
  return out
}

/** It is not a part of something larger, such as the pool that small Buffers come from. */
function ownsMemory(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength
}

/** The bytes of a Buffer, which is erased: a secret should not be in memory twice. */
function unbuffered(secret: Buffer): Uint8Array {
  const bytes = new Uint8Array(secret)
  secret.fill(0)
  return bytes
}

function privateKey(prefix: Buffer, raw: Uint8Array): KeyObject {
  const der = Buffer.concat([prefix, raw])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  // The copy of the secret is ours to erase; the key object keeps its own.
  der.fill(0)
  return key
}

function publicKey(prefix: Buffer, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' })
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return new Uint8Array(der.subarray(der.length - KEY_BYTES))
}

function checkGcm(key: Uint8Array, nonce: Uint8Array): void {
  checkBytes('AES key', key, KEY_BYTES)
  checkBytes('GCM nonce', nonce, GCM_NONCE_BYTES)
}

function checkBytes(setting: string, bytes: Uint8Array, expected: number): void {
  if (bytes.length === expected) return
  throw new AggregationError('BAD_SETTING', {
    setting,
    got: `${bytes.length} bytes`,
    expected: `${expected} bytes`
  })
}
