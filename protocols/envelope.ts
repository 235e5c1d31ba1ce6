/**
 * The envelope that every signed message travels in. The signature covers type, context and payload, so that nothing
 * said in one run, round, attempt or roster means anything in another.
 */
import { lengthPrefixed } from '../aggregation/canonical-bytes.ts'
import type { CryptoSuite, Signer } from '../aggregation/crypto-suite.ts'
import { checkLength, decodeCanonical } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { Context, Envelope } from './messages.js'
import { peerIdOf, publicKeyOf } from './peer-id.ts'
import type { PeerId } from './ports.ts'
import { isNodePath } from './tree.ts'

/**
 * Part of what is signed, so it must be the same in every member of a run: later minor versions say it too, and what they add
 * is told by the format of the run's manifest.
 */
export const PROTOCOL_VERSION = '1.0'

export const HASH_BYTES = 32

export const ZERO_HASH: Uint8Array = new Uint8Array(HASH_BYTES)

export type MessageType =
  | 'registration'
  | 'founding'
  | 'reconfiguration'
  | 'tip'
  | 'advertise-keys'
  | 'share-keys'
  | 'share-ack'
  | 'masked-input'
  | 'inventory'
  | 'unmask-bundle'
  | 'attestation'
  | 'without-secrets'
  | 'proposal'
  | 'prepare'
  | 'commit'
  | 'certificate'
  | 'new-view'
  | 'stand-down'
  | 'evidence'
  | 'order'
  | 'refusal'

const MESSAGE_TYPES: ReadonlySet<string> = new Set<MessageType>([
  'registration',
  'founding',
  'reconfiguration',
  'tip',
  'advertise-keys',
  'share-keys',
  'share-ack',
  'masked-input',
  'inventory',
  'unmask-bundle',
  'attestation',
  'without-secrets',
  'proposal',
  'prepare',
  'commit',
  'certificate',
  'new-view',
  'stand-down',
  'evidence',
  'order',
  'refusal'
])

/** Of this version and of later ones. */
const TYPE_FORM = /^[a-z][a-z-]{0,31}$/

/** An envelope whose form and signature have been checked. */
export interface SignedMessage {
  readonly type: MessageType
  readonly context: Context
  readonly payload: Uint8Array
  readonly sender: PeerId
  /** Ed25519 [64]. */
  readonly signature: Uint8Array
  /** The canonical bytes of the whole envelope. */
  readonly bytes: Uint8Array
  /** SHA-256 of `bytes`. */
  readonly hash: Uint8Array
}

/** What an Ed25519 signature covers. */
export function signedBytes(type: string, context: Context, payload: Uint8Array): Uint8Array {
  return lengthPrefixed('fedpeft/1 message', type, Context.encode(context), payload)
}

/** Signs a payload. @returns the envelope's canonical bytes */
export function sealMessage(
  type: MessageType,
  context: Context,
  payload: Uint8Array,
  signer: Signer,
  crypto: Pick<CryptoSuite, 'sha256'>
): SignedMessage {
  const signature = signer.sign(signedBytes(type, context, payload))
  const bytes = Envelope.encode({ type, context, payload, sender: signer.publicKey, signature })
  return {
    type,
    context,
    payload,
    sender: peerIdOf(signer.publicKey),
    signature,
    bytes,
    hash: crypto.sha256(bytes)
  }
}

/**
 * Decodes an envelope and checks its form and its signature (not whether it makes sense now).
 * @throws ProtocolError BAD_MESSAGE, BAD_SIGNATURE; VERSION if it was made for another protocol version, or is of a kind that
 * only a later one can know: whoever passes it on may be honest
 */
export function openMessage(bytes: Uint8Array, crypto: CryptoSuite): SignedMessage {
  const envelope = decodeCanonical(Envelope, bytes, 'envelope')
  const { type, context, payload, sender, signature } = envelope
  if (!TYPE_FORM.test(type) || context === undefined) {
    throw new ProtocolError('BAD_MESSAGE', { reason: `no message type or no context: ${type.slice(0, 32)}` })
  }
  checkLength(sender, 32, 'sender')
  checkLength(signature, 64, 'signature')
  checkContext(context)
  const peer = peerIdOf(sender)
  if (!crypto.ed25519Verify(sender, signedBytes(type, context, payload), signature)) {
    throw new ProtocolError('BAD_SIGNATURE', { signer: peer }, `a ${type} message is not signed by ${peer}`)
  }
  if (!MESSAGE_TYPES.has(type)) {
    throw new ProtocolError('VERSION', {
      got: `${context.version.slice(0, 16)} with ${type}`,
      spoken: PROTOCOL_VERSION
    })
  }
  return {
    type: type as MessageType,
    context,
    payload,
    sender: peer,
    signature,
    bytes,
    hash: crypto.sha256(bytes)
  }
}

/** Checks one signature over a message that the caller can rebuild (votes inside certificates). */
export function verifySignature(
  signer: PeerId,
  type: MessageType,
  context: Context,
  payload: Uint8Array,
  signature: Uint8Array,
  crypto: CryptoSuite
): boolean {
  return crypto.ed25519Verify(publicKeyOf(signer), signedBytes(type, context, payload), signature)
}

function checkContext(context: Context): void {
  const [major] = context.version.split('.')
  if (major !== PROTOCOL_VERSION.split('.')[0]) {
    throw new ProtocolError('VERSION', { got: context.version.slice(0, 16), spoken: PROTOCOL_VERSION })
  }
  checkLength(context.run, HASH_BYTES, 'run')
  for (const field of ['previousLink', 'rosterHash', 'baseModel', 'encodingHash'] as const) {
    checkLength(context[field], HASH_BYTES, field)
  }
  if (context.cohort !== undefined && !isNodePath(context.cohort)) {
    throw new ProtocolError('BAD_MESSAGE', { reason: 'no cohort has such a name' })
  }
}
