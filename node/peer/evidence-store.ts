/** Evidence against members of a run, one file for each piece: for people to look at, and to go on from after a restart. */
import type { CheckedEvidence } from '../../protocols/evidence.ts'
import { toHex } from '../../protocols/hex.ts'
import { EVIDENCE_BYTES, MEMBERS_MAX } from '../../protocols/limits.ts'
import type { Files } from '../../protocols/ports.ts'

export class EvidenceStore {
  readonly #files: Files
  readonly #folder: string
  readonly #names: Set<string>

  private constructor(files: Files, folder: string, names: Set<string>) {
    this.#files = files
    this.#folder = folder
    this.#names = names
  }

  /** @throws FilesError */
  static async open(files: Files, folder: string): Promise<EvidenceStore> {
    return new EvidenceStore(files, folder, new Set(await files.list(folder)))
  }

  /**
   * Writes evidence down, once.
   * @returns the path of its file; null if it is there already
   * @throws FilesError
   */
  async keep({ culprit, kind, hash, bytes }: CheckedEvidence): Promise<string | null> {
    const name = `${culprit}-${kind}-${toHex(hash).slice(0, 16)}.evidence`
    if (this.#names.has(name)) return null
    this.#names.add(name)
    const path = `${this.#folder}/${name}`
    await this.#files.write(path, bytes)
    return path
  }

  /** What was kept before: not checked, as the files are where anyone may have changed them. @throws FilesError */
  async *kept(): AsyncGenerator<Uint8Array> {
    for (const name of [...this.#names].slice(0, MEMBERS_MAX)) {
      const path = `${this.#folder}/${name}`
      const size = await this.#files.size(path)
      if (size === null || size > EVIDENCE_BYTES) continue
      const bytes = await this.#files.read(path)
      if (bytes !== null) yield bytes
    }
  }
}
