/**
 * `/fedpeft/model/1`: what files a base model consists of, from a peer that shares it. The request is the model's digest
 * [32], and after it, from a peer that has still to be let in by an invitation, the encoded redemption (`Redemption`,
 * messages.proto); the answer is one frame, the list (canonical JSON), or an empty one while that peer still reads its files; no frame
 * from a peer that does not share that model. The files themselves are blobs.
 */
import { z } from 'zod'
import type { CryptoSuite } from '../aggregation/crypto-suite.ts'
import { canonicalJson } from './canonical-json.ts'
import { decodeCanonical, equalBytes } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { fromHex } from './hex.ts'
import {
  MAX_BLOB_BYTES,
  MODEL_FILES_MAX,
  MODEL_LIST_BYTES,
  MODEL_SMALL_FILE_BYTES,
  REDEMPTION_BYTES
} from './limits.ts'
import { Redemption } from './messages.js'

export const MODEL_PROTOCOL = '/fedpeft/model/1'

const DIGEST_BYTES = 32

/** The longest request. */
export const MODEL_REQUEST_BYTES = DIGEST_BYTES + REDEMPTION_BYTES

export interface ModelRequest {
  /** [32], of the whole model. */
  readonly sha256: Uint8Array
  /** What is to let the asking peer into the run. */
  readonly redemption?: Redemption | undefined
}

const CONFIG_NAME = 'config.json'
const TOKENIZER_NAME = 'tokenizer.json'

/** Files of a model folder beside those that its digest covers. */
const besideNames: ReadonlySet<string> = new Set([
  'chat_template.jinja',
  'generation_config.json',
  'model.safetensors.index.json',
  'special_tokens_map.json',
  'tokenizer_config.json'
])

/** A file of the folder itself: no separator, drive or dot that would lead elsewhere on any system. */
const weightsName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,150}\.safetensors$/

export interface SharedFile {
  readonly path: string
  readonly bytes: number
  /** Of the content; hexadecimal. */
  readonly sha256: string
  /** Of the blob; hexadecimal. */
  readonly address: string
}

export interface SharedFileList {
  readonly files: readonly SharedFile[]
}

/** Whether a file of that name is part of a base model: nothing else is shared, and nothing else is taken. */
export function isModelFile(path: string): boolean {
  return isCovered(path) || besideNames.has(path)
}

/** Whether the digest of the model covers a file. The others can be checked against nothing. */
export function isCovered(path: string): boolean {
  return path === CONFIG_NAME || path === TOKENIZER_NAME || weightsName.test(path)
}

export function encodeModelRequest({ sha256, redemption }: ModelRequest): Uint8Array {
  const shown = redemption === undefined ? new Uint8Array(0) : Redemption.encode(redemption)
  const body = new Uint8Array(DIGEST_BYTES + shown.length)
  body.set(sha256.subarray(0, DIGEST_BYTES))
  body.set(shown, DIGEST_BYTES)
  return body
}

/**
 * What the redemption is worth is not looked at.
 * @throws ProtocolError BAD_MESSAGE
 */
export function decodeModelRequest(body: Uint8Array): ModelRequest {
  if (body.length < DIGEST_BYTES || body.length > MODEL_REQUEST_BYTES) {
    throw new ProtocolError('BAD_MESSAGE', { reason: `a request for a model has ${body.length} bytes` })
  }
  const sha256 = body.subarray(0, DIGEST_BYTES)
  if (body.length === DIGEST_BYTES) return { sha256 }
  return { sha256, redemption: decodeCanonical(Redemption, body.subarray(DIGEST_BYTES), 'a redemption') }
}

const hex32 = z.string().regex(/^[0-9a-f]{64}$/)

const listSchema = z.strictObject({
  files: z
    .array(
      z
        .strictObject({
          path: z.string().refine(isModelFile),
          bytes: z.int().min(0).max(MAX_BLOB_BYTES),
          sha256: hex32,
          address: hex32
        })
        .refine(({ path, bytes }) => weightsName.test(path) || bytes <= MODEL_SMALL_FILE_BYTES)
    )
    .max(MODEL_FILES_MAX)
    // As they would meet on a disk that knows no capital letters.
    .refine(files => new Set(files.map(({ path }) => path.toLowerCase())).size === files.length)
})

export function encodeFileList(list: SharedFileList): Uint8Array {
  const files = list.files.map(({ path, bytes, sha256, address }) => ({ path, bytes, sha256, address }))
  return new TextEncoder().encode(canonicalJson({ files }))
}

/** @returns null for what is no list, or one with a file that no base model has */
export function decodeFileList(bytes: Uint8Array): SharedFileList | null {
  if (bytes.length > MODEL_LIST_BYTES) return null
  try {
    const parsed = listSchema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/**
 * Whether these contents are the model of that digest: proven before a byte of them is fetched, if every content that comes
 * is held against its own hash. The digest is SHA-256 over `name \0 SHA-256(content)` of config.json, the files that hold
 * tensors, sorted, and tokenizer.json (model-files.ts).
 */
export function provesModel(
  { files }: SharedFileList,
  modelSha256: Uint8Array,
  crypto: Pick<CryptoSuite, 'sha256'>
): boolean {
  const weights = files
    .map(({ path }) => path)
    .filter(path => weightsName.test(path))
    .sort()
  const parts: Uint8Array[] = []
  for (const name of [CONFIG_NAME, ...weights, TOKENIZER_NAME]) {
    const file = files.find(({ path }) => path === name)
    const content = file === undefined ? null : fromHex(file.sha256)
    if (content === null) return false
    parts.push(new TextEncoder().encode(`${name}\0`), content)
  }
  return weights.length > 0 && equalBytes(crypto.sha256(...parts), modelSha256)
}
