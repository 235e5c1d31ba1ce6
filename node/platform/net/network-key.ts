/** The key of a private network, in the file format that IPFS and libp2p share ("swarm key"). */
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { NetworkError } from '../../../protocols/errors.ts'

const HEADER = '/key/swarm/psk/1.0.0/'
const CODEC = '/base16/'

/** XSalsa20's. */
const KEY_BYTES = 32

/** Of a file with three lines. */
const FILE_BYTES_MAX = 256

/** @throws NetworkError BAD_NETWORK_KEY if the file exists already or cannot be written */
export async function createNetworkKey(path: string): Promise<void> {
  const text = `${HEADER}\n${CODEC}\n${randomBytes(KEY_BYTES).toString('hex')}\n`
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'EEXIST'
      ? bad(
          path,
          `${path} exists already: peers with the old key would be locked out; choose another name`,
          cause
        )
      : bad(path, `cannot write the network key to ${path}: ${(cause as Error).message}`, cause)
  }
}

/** @returns the file's bytes, checked. @throws NetworkError BAD_NETWORK_KEY */
export async function readNetworkKey(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (cause as Error).message
    throw bad(path, `--network-key ${path}: ${reason}; fedpeft-node network-key create FILE makes one`, cause)
  }
  const [header, codec, key, ...rest] = new TextDecoder()
    .decode(bytes.subarray(0, FILE_BYTES_MAX))
    .split(/\r\n|\r|\n/)
  const isKey =
    header === HEADER && codec === CODEC && new RegExp(`^[0-9a-fA-F]{${2 * KEY_BYTES}}$`).test(key ?? '')
  if (!isKey || rest.some(line => line !== '') || bytes.length > FILE_BYTES_MAX) {
    throw bad(
      path,
      `${path} is no network key: expected the lines ${HEADER}, ${CODEC} and ${2 * KEY_BYTES} hexadecimal digits`
    )
  }
  return bytes
}

function bad(path: string, message: string, cause?: unknown): NetworkError {
  return new NetworkError('BAD_NETWORK_KEY', { path }, message, { cause })
}
