/** Who this peer is: an Ed25519 key in a file of its own, made on the first run and the same ever after. */
import { randomUUID } from 'node:crypto'
import { chmod, link, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import type { Signer } from '../../aggregation/crypto-suite.ts'
import { NetworkError } from '../../protocols/errors.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { makeFolder } from './make-folder.ts'
import { ed25519Signer } from './node-crypto.ts'
import { explained, nodeFiles } from './node-files.ts'

export interface Identity extends Signer {
  readonly peerId: PeerId
  /** For libp2p, which proves the peer id with it. */
  readonly privateKey: Ed25519PrivateKey
}

/** The key as libp2p writes keys (protobuf), so that its other tools read it. */
const KEY_FILE = 'identity.key'

const SEED_BYTES = 32

/**
 * Loads the identity of a directory, or makes one.
 * @throws NetworkError BAD_IDENTITY; FilesError
 */
export async function openIdentity(dir: string): Promise<Identity> {
  const path = join(dir, KEY_FILE)
  const stored = (await nodeFiles(dir).read(KEY_FILE)) ?? (await createKey(dir, path))
  let privateKey: ReturnType<typeof privateKeyFromProtobuf>
  try {
    privateKey = privateKeyFromProtobuf(stored)
  } catch (cause) {
    throw badIdentity(path, cause)
  }
  if (privateKey.type !== 'Ed25519') throw badIdentity(path)
  // A copy or a restored backup may be readable by all. Windows has no such bits.
  if (process.platform !== 'win32') await explained(path, 'protect', () => chmod(path, 0o600))
  return identityOf(privateKey)
}

/** An identity that is never written down, for tests and simulations. */
export async function temporaryIdentity(): Promise<Identity> {
  return identityOf(await generateKeyPair('Ed25519'))
}

function identityOf(privateKey: Ed25519PrivateKey): Identity {
  // libp2p's raw private key is the seed followed by the public key (RFC 8032's secret key is the seed alone).
  const { publicKey, sign } = ed25519Signer(privateKey.raw.slice(0, SEED_BYTES))
  return { publicKey, sign, privateKey, peerId: peerIdOf(publicKey) }
}

/** @returns the key file's content, which may be another process's if both came at once */
async function createKey(dir: string, path: string): Promise<Uint8Array> {
  const bytes = privateKeyToProtobuf(await generateKeyPair('Ed25519'))
  const part = join(dir, `.${randomUUID()}.part`)
  await explained(path, 'write', async () => {
    await makeFolder(dir, 0o700)
    try {
      const handle = await open(part, 'wx', 0o600)
      try {
        await handle.writeFile(bytes)
        await handle.sync()
      } finally {
        await handle.close()
      }
      // Not a rename: that would replace a key that somebody else has just begun to use.
      await link(part, path).catch(error => {
        if (error.code !== 'EEXIST') throw error
      })
    } finally {
      await rm(part, { force: true })
    }
  })
  return (await nodeFiles(dir).read(KEY_FILE))!
}

function badIdentity(path: string, cause?: unknown): NetworkError {
  return new NetworkError(
    'BAD_IDENTITY',
    { path },
    `${path} is not an Ed25519 key. Restore it from a backup, or move it away to begin with a new identity`,
    { cause }
  )
}
