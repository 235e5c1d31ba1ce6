/** Who this peer is: an Ed25519 key in a file of its own, made on the first run and the same ever after. */
import { chmod } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import type { Signer } from '../../aggregation/crypto-suite.ts'
import { NetworkError } from '../../protocols/errors.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import type { PeerId } from '../../protocols/ports.ts'
import {
  decodeIdentityFile,
  encodePlainIdentity,
  encodeProtectedIdentity,
  IDENTITY_FILE_BYTES_MAX,
  type IdentityFile
} from './identity-file.ts'
import { ed25519Signer } from './node-crypto.ts'
import { explained, nodeFiles, writeSecret } from './node-files.ts'
import { PASSPHRASE_VARIABLE, type Passphrases, passphrasesHere } from './passphrase.ts'

export interface Identity extends Signer {
  readonly peerId: PeerId
  /** For libp2p, which proves the peer id with it. */
  readonly privateKey: Ed25519PrivateKey
}

export const IDENTITY_FILE = 'identity.key'

const SEED_BYTES = 32

/**
 * Loads the identity of a directory, or makes one: encrypted if a passphrase was given, not if one would have to be asked for.
 * @param passphrases - by default of the environment, then of the terminal
 * @throws NetworkError BAD_IDENTITY, LOCKED_IDENTITY, WRONG_PASSPHRASE; FilesError
 */
export async function openIdentity(
  dir: string,
  passphrases: Passphrases = passphrasesHere()
): Promise<Identity> {
  const path = join(dir, IDENTITY_FILE)
  const file = (await readIdentityFile(path)) ?? (await createKey(path, passphrases))
  const privateKey = await unlocked(file, path, passphrases)
  // A copy or a restored backup may be readable by all. Windows has no such bits.
  if (process.platform !== 'win32') await explained(path, 'protect', () => chmod(path, 0o600))
  return identityOf(privateKey)
}

/** An identity that is never written down, for tests and simulations. */
export async function temporaryIdentity(): Promise<Identity> {
  return identityOf(await generateKeyPair('Ed25519'))
}

/** @returns null if there is no such file @throws NetworkError BAD_IDENTITY; FilesError */
export async function readIdentityFile(path: string): Promise<IdentityFile | null> {
  const full = resolve(path)
  const files = nodeFiles(dirname(full))
  const size = await files.size(basename(full))
  // Of what is too long the beginning is enough to refuse it.
  const bytes =
    size !== null && size > IDENTITY_FILE_BYTES_MAX
      ? await files.readRange(basename(full), 0, IDENTITY_FILE_BYTES_MAX + 1)
      : await files.read(basename(full))
  return bytes === null ? null : decodeIdentityFile(bytes, path)
}

/** The key in a file, with the passphrase if it needs one. @throws NetworkError LOCKED_IDENTITY, WRONG_PASSPHRASE */
export async function unlocked(
  file: IdentityFile,
  path: string,
  passphrases: Passphrases
): Promise<Ed25519PrivateKey> {
  if (file.kind === 'plain') return file.privateKey
  const passphrase = (await passphrases.given()) ?? (await passphrases.ask(`passphrase of ${path}: `))
  if (passphrase !== null) return file.open(passphrase)
  throw new NetworkError(
    'LOCKED_IDENTITY',
    { path },
    `${path} is encrypted and there is no terminal to ask for its passphrase: give --passphrase-file FILE, or set ${PASSPHRASE_VARIABLE}`
  )
}

function identityOf(privateKey: Ed25519PrivateKey): Identity {
  // libp2p's raw private key is the seed followed by the public key (RFC 8032's secret key is the seed alone).
  const { publicKey, sign } = ed25519Signer(privateKey.raw.slice(0, SEED_BYTES))
  return { publicKey, sign, privateKey, peerId: peerIdOf(publicKey) }
}

/** @returns the key file's content, which may be another process's if both came at once */
async function createKey(path: string, passphrases: Passphrases): Promise<IdentityFile> {
  const privateKey = await generateKeyPair('Ed25519')
  const passphrase = await passphrases.given()
  const bytes =
    passphrase === null
      ? encodePlainIdentity(privateKey)
      : await encodeProtectedIdentity(privateKey, passphrase)
  await writeSecret(path, bytes, 'keep')
  return (await readIdentityFile(path))!
}
