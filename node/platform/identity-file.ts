/**
 * The two forms of a file that holds an identity: the key as libp2p writes keys (protobuf), so that its other tools read it;
 * or, where there is a passphrase, a JSON object that says how it is encrypted: scrypt (RFC 7914), then AES-256-GCM with
 * everything else in the object as additional data.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { z } from 'zod'
import { canonicalJson } from '../../protocols/canonical-json.ts'
import { NetworkError } from '../../protocols/errors.ts'
import { fromHex, toHex } from '../../protocols/hex.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import type { PeerId } from '../../protocols/ports.ts'

/** Both forms have some hundred bytes; what is longer is something else, and is not read. */
export const IDENTITY_FILE_BYTES_MAX = 4_096

/** Cost of a guess, as OWASP advises for scrypt: 128 MiB and some 0.4 s. */
const SCRYPT = { cost: 2 ** 17, blockSize: 8, parallelization: 1 } as const

/** Bounds of what a file may ask for: 256 MiB and some seconds at most, whoever wrote it; and no less than is worth having. */
const COST_MIN = 2 ** 14
const SCRYPT_BYTES_MAX = 2 ** 28
const PARALLELIZATION_MAX = 4

const SALT_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32

const VERSION = 1

/** How hard a guess is made. */
export interface ScryptCost {
  /** A power of two. */
  readonly cost: number
  readonly blockSize: number
  readonly parallelization: number
}

export type IdentityFile =
  | {
      readonly kind: 'plain'
      readonly peerId: PeerId
      /** As they were read. */
      readonly bytes: Uint8Array
      readonly privateKey: Ed25519PrivateKey
    }
  | {
      readonly kind: 'protected'
      /** As the file says: `open` checks it. */
      readonly peerId: PeerId
      readonly bytes: Uint8Array
      /** @throws NetworkError WRONG_PASSPHRASE */
      open(passphrase: string): Promise<Ed25519PrivateKey>
    }

const hexOf = (bytesMin: number, bytesMax = bytesMin): z.ZodType<string> =>
  z
    .string()
    .regex(/^([0-9a-f]{2})+$/)
    .min(2 * bytesMin)
    .max(2 * bytesMax)

const scryptSchema = z
  .strictObject({
    name: z.literal('scrypt'),
    cost: z
      .int()
      .min(COST_MIN)
      .refine(cost => Number.isInteger(Math.log2(cost)), 'a power of two'),
    blockSize: z.int().min(1).max(64),
    parallelization: z.int().min(1).max(PARALLELIZATION_MAX),
    salt: hexOf(16, SALT_BYTES)
  })
  .refine(({ cost, blockSize }) => 128 * cost * blockSize <= SCRYPT_BYTES_MAX, 'too much memory')

const fileSchema = z.strictObject({
  fedpeft: z.literal('identity'),
  version: z.literal(VERSION),
  peer: z
    .string()
    .max(100)
    .regex(/^[1-9A-HJ-NP-Za-km-z]+$/),
  keyDerivation: scryptSchema,
  cipher: z.strictObject({ name: z.literal('aes-256-gcm'), nonce: hexOf(NONCE_BYTES) }),
  encrypted: hexOf(TAG_BYTES + 1, IDENTITY_FILE_BYTES_MAX / 4)
})

type ProtectedFile = z.infer<typeof fileSchema>

/** The first byte of the JSON form; the protobuf form begins with 8. */
const BRACE = 0x7b

/**
 * @param path - for messages
 * @throws NetworkError BAD_IDENTITY
 */
export function decodeIdentityFile(bytes: Uint8Array, path: string): IdentityFile {
  if (bytes.length > IDENTITY_FILE_BYTES_MAX) throw badIdentity(path)
  if (bytes[0] !== BRACE) {
    const privateKey = ed25519Of(bytes, path)
    return { kind: 'plain', peerId: peerIdOf(privateKey.publicKey.raw), bytes, privateKey }
  }
  const file = protectedFileOf(bytes, path)
  return { kind: 'protected', peerId: file.peer, bytes, open: passphrase => decrypt(file, passphrase, path) }
}

export function encodePlainIdentity(privateKey: Ed25519PrivateKey): Uint8Array {
  return privateKeyToProtobuf(privateKey)
}

/** @param cost - less for tests only */
export async function encodeProtectedIdentity(
  privateKey: Ed25519PrivateKey,
  passphrase: string,
  cost: ScryptCost = SCRYPT
): Promise<Uint8Array> {
  const salt = randomBytes(SALT_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const head = {
    fedpeft: 'identity' as const,
    version: VERSION as typeof VERSION,
    peer: peerIdOf(privateKey.publicKey.raw),
    keyDerivation: { name: 'scrypt' as const, ...cost, salt: toHex(salt) },
    cipher: { name: 'aes-256-gcm' as const, nonce: toHex(nonce) }
  }
  const key = await derivedKey(passphrase, head.keyDerivation)
  const secret = privateKeyToProtobuf(privateKey)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(headBytes(head))
  const encrypted = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()])
  key.fill(0)
  secret.fill(0)
  return new TextEncoder().encode(`${JSON.stringify({ ...head, encrypted: toHex(encrypted) }, null, 2)}\n`)
}

async function decrypt(file: ProtectedFile, passphrase: string, path: string): Promise<Ed25519PrivateKey> {
  const { encrypted, ...head } = file
  const bytes = fromHex(encrypted)!
  const key = await derivedKey(passphrase, head.keyDerivation)
  const decipher = createDecipheriv('aes-256-gcm', key, fromHex(head.cipher.nonce)!, {
    authTagLength: TAG_BYTES
  })
  key.fill(0)
  decipher.setAAD(headBytes(head)).setAuthTag(bytes.subarray(-TAG_BYTES))
  let secret: Uint8Array
  try {
    secret = Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()])
  } catch (cause) {
    // Which of the two it is cannot be told, and should not be.
    const message = `the passphrase does not open ${path}, or the file was changed. Try again, or restore it from a backup`
    throw new NetworkError('WRONG_PASSPHRASE', { path }, message, { cause })
  }
  const privateKey = ed25519Of(secret, path)
  secret.fill(0)
  if (peerIdOf(privateKey.publicKey.raw) !== file.peer) throw badIdentity(path)
  return privateKey
}

function protectedFileOf(bytes: Uint8Array, path: string): ProtectedFile {
  let document: unknown
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw badIdentity(path, cause)
  }
  const version = (document as { version?: unknown }).version
  if (typeof version === 'number' && version > VERSION) {
    const message = `${path} is in form ${version}, which a later version of fedpeft writes; this one reads form ${VERSION}`
    throw new NetworkError('BAD_IDENTITY', { path }, message)
  }
  const parsed = fileSchema.safeParse(document)
  if (parsed.success) return parsed.data
  const [problem] = parsed.error.issues
  throw badIdentity(path, parsed.error, ` (${problem!.path.join('.')}: ${problem!.message})`)
}

/** Typed on another keyboard or system, the same passphrase may come as other characters that look the same. */
function derivedKey(
  passphrase: string,
  { cost, blockSize, parallelization, salt }: ProtectedFile['keyDerivation']
): Promise<Uint8Array> {
  const options = {
    cost,
    blockSize,
    parallelization,
    // What scrypt needs: its table, and some blocks beside.
    maxmem: 128 * blockSize * (cost + parallelization + 2) + 1024
  }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), fromHex(salt)!, KEY_BYTES, options, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}

function headBytes(head: Omit<ProtectedFile, 'encrypted'>): Uint8Array {
  return new TextEncoder().encode(canonicalJson(head))
}

function ed25519Of(bytes: Uint8Array, path: string): Ed25519PrivateKey {
  let privateKey: ReturnType<typeof privateKeyFromProtobuf>
  try {
    privateKey = privateKeyFromProtobuf(bytes)
  } catch (cause) {
    throw badIdentity(path, cause)
  }
  if (privateKey.type !== 'Ed25519') throw badIdentity(path)
  return privateKey
}

function badIdentity(path: string, cause?: unknown, why = ''): NetworkError {
  return new NetworkError(
    'BAD_IDENTITY',
    { path },
    `${path} is not an Ed25519 key${why}. Restore it from a backup, or move it away to begin with a new identity`,
    { cause }
  )
}
