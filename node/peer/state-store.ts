/** Replicated states on the disk, each under its content address, so that a crash never leaves a wrong one. */
import { addressOf, chunkHashes } from '../../aggregation/blob-address.ts'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { toHex } from '../../protocols/hex.ts'
import type { Files } from '../../protocols/ports.ts'

const SUFFIX = '.bin'

export class StateStore {
  readonly #files: Files
  readonly #folder: string
  readonly #crypto: Pick<CryptoSuite, 'sha256'>

  constructor(files: Files, folder: string, crypto: Pick<CryptoSuite, 'sha256'>) {
    this.#files = files
    this.#folder = folder
    this.#crypto = crypto
  }

  /** The state of that hash, or null if it is not here or not what its name says. @throws FilesError */
  async read(stateHash: Uint8Array): Promise<Uint8Array | null> {
    const bytes = await this.#files.read(this.#pathOf(toHex(stateHash)))
    if (bytes === null) return null
    return equalBytes(addressOf(chunkHashes(bytes, this.#crypto), this.#crypto), stateHash) ? bytes : null
  }

  /** Atomic, and on the disk when it returns. @throws FilesError */
  async write(stateHash: Uint8Array, bytes: Uint8Array): Promise<void> {
    await this.#files.write(this.#pathOf(toHex(stateHash)), bytes)
  }

  /** Removes all states but these. @throws FilesError */
  async keepOnly(stateHashes: readonly Uint8Array[]): Promise<void> {
    const kept = new Set(stateHashes.map(hash => `${toHex(hash)}${SUFFIX}`))
    for (const name of await this.#files.list(this.#folder)) {
      if (name.endsWith(SUFFIX) && !kept.has(name)) await this.#files.remove(`${this.#folder}/${name}`)
    }
  }

  #pathOf(name: string): string {
    return `${this.#folder}/${name}${SUFFIX}`
  }
}
