/** A run manifest with its author's signature: what peers offer, pull and check. */
import { lengthPrefixed, utf8Bytes } from '../aggregation/canonical-bytes.ts'
import type { CryptoSuite, Signer } from '../aggregation/crypto-suite.ts'
import { canonicalJson } from './canonical-json.ts'
import { ProtocolError } from './errors.ts'
import { fromHex, toHex } from './hex.ts'
import { MANIFEST_BYTES } from './limits.ts'
import { peerIdOf, publicKeyOf } from './peer-id.ts'
import { canonicalManifest, parseManifest, type RunManifest } from './run-manifest.ts'

const SIGNED_AS = 'fedpeft/1 run-manifest'
const SIGNATURE_BYTES = 64

export interface SignedManifest {
  readonly manifest: RunManifest
  /** Ed25519 [64] over the length-prefixed `fedpeft/1 run-manifest` and canonical manifest. */
  readonly signature: Uint8Array
}

/**
 * Signs a manifest as its author.
 * @throws ProtocolError BAD_SIGNATURE if the manifest names another author than the signer
 */
export function signManifest(manifest: RunManifest, signer: Signer): SignedManifest {
  const signerId = peerIdOf(signer.publicKey)
  if (signerId !== manifest.author) {
    throw new ProtocolError(
      'BAD_SIGNATURE',
      { signer: signerId },
      `author: the manifest names ${manifest.author}, but the signing identity is ${signerId}`
    )
  }
  return { manifest, signature: signer.sign(signedBytes(manifest)) }
}

/**
 * Checks a signed manifest as it came: wire bytes, or its two parts with the manifest not yet checked.
 * @throws ProtocolError BAD_MESSAGE, VERSION, BAD_MANIFEST, or BAD_SIGNATURE if its author did not sign exactly this
 */
export function verifyManifest(
  given: Uint8Array | { readonly manifest: unknown; readonly signature: Uint8Array },
  crypto: Pick<CryptoSuite, 'ed25519Verify'>
): RunManifest {
  const { manifest: unchecked, signature } = given instanceof Uint8Array ? decodeSignedManifest(given) : given
  const manifest = parseManifest(unchecked)
  if (!crypto.ed25519Verify(publicKeyOf(manifest.author), signedBytes(manifest), signature)) {
    throw new ProtocolError(
      'BAD_SIGNATURE',
      { signer: manifest.author },
      `signature: not ${manifest.author}'s signature of this manifest`
    )
  }
  return manifest
}

/**
 * The wire form: canonical JSON of { manifest, signature as hexadecimal }.
 * @throws ProtocolError BAD_MESSAGE above MANIFEST_BYTES
 */
export function encodeSignedManifest({ manifest, signature }: SignedManifest): Uint8Array {
  const bytes = utf8Bytes(canonicalJson({ manifest, signature: toHex(signature) }))
  if (bytes.length > MANIFEST_BYTES) throw badMessage(tooLong(bytes.length))
  return bytes
}

/**
 * Reads the wire form. The signature is not checked here: `verifyManifest` does that.
 * @throws ProtocolError BAD_MESSAGE (also for any other encoding of the same manifest), VERSION, BAD_MANIFEST
 */
export function decodeSignedManifest(bytes: Uint8Array): SignedManifest {
  if (bytes.length > MANIFEST_BYTES) throw badMessage(tooLong(bytes.length))
  const given = parseJson(bytes)
  const fields = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {}
  const signature = typeof fields['signature'] === 'string' ? fromHex(fields['signature']) : null
  if (signature?.length !== SIGNATURE_BYTES) throw badMessage('no signature of 64 bytes')
  const signed = { manifest: parseManifest(fields['manifest']), signature }
  // One manifest, one wire form: a second encoding of the same run would pass as another offer.
  const canonical = encodeSignedManifest(signed)
  if (canonical.length !== bytes.length || canonical.some((byte, i) => byte !== bytes[i])) {
    throw badMessage('not in canonical form')
  }
  return signed
}

function signedBytes(manifest: RunManifest): Uint8Array {
  return lengthPrefixed(SIGNED_AS, canonicalManifest(manifest))
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw badMessage('not JSON in UTF-8')
  }
}

function tooLong(length: number): string {
  return `${length} bytes, and at most ${MANIFEST_BYTES} are allowed`
}

function badMessage(reason: string): ProtocolError {
  return new ProtocolError('BAD_MESSAGE', { reason }, `not a signed run manifest: ${reason}`)
}
