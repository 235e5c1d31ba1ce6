/** The journal of votes and releases on the disk. What it says was on the disk before it was sent. */

import type { Files } from '../../protocols/ports.ts'
import { decodeJournal, encodeJournalEntry, type JournalEntry } from '../round/journal.ts'

/** A round and one of its attempts; later ones compare higher. */
export interface AttemptId {
  readonly round: number
  readonly attempt: number
}

export function isBefore(a: AttemptId, b: AttemptId): boolean {
  return a.round < b.round || (a.round === b.round && a.attempt < b.attempt)
}

export class JournalStore {
  readonly #files: Files
  readonly #path: string
  #entries: JournalEntry[]
  #failed: unknown = null
  #lost: { readonly during: AttemptId; readonly reason: string } | null

  private constructor(
    files: Files,
    path: string,
    entries: JournalEntry[],
    lost: { readonly during: AttemptId; readonly reason: string } | null
  ) {
    this.#files = files
    this.#path = path
    this.#entries = entries
    this.#lost = lost
  }

  /**
   * Opens the journal. It is written back at once, as an unfinished last line must not run into the next entry; but
   * a lost one is left as it is until its attempt is over, so that a second start finds it lost too.
   * @param current - the attempt that the chain leads to, or null before the founding, when nothing was said yet
   * @throws FilesError
   */
  static async open(files: Files, path: string, current: AttemptId | null): Promise<JournalStore> {
    const bytes = await files.read(path)
    let entries: JournalEntry[] = []
    let reason = bytes === null ? `${path} is missing` : null
    try {
      if (bytes !== null) entries = decodeJournal(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    } catch (error) {
      reason = `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`
    }
    const lost = reason !== null && current !== null ? { during: current, reason } : null
    const store = new JournalStore(files, path, entries, lost)
    if (lost === null) await store.#rewrite()
    return store
  }

  entriesOf({ round, attempt }: AttemptId): JournalEntry[] {
    return this.#entries.filter(entry => entry.round === round && entry.attempt === attempt)
  }

  /** Why it is unknown what this peer said in an attempt before it was started; null if it is known. */
  lossOf({ round, attempt }: AttemptId): string | null {
    if (this.#lost === null) return null
    const { during, reason } = this.#lost
    return during.round === round && during.attempt === attempt ? reason : null
  }

  /** On the disk when it returns. @throws FilesError; after that nothing more is written */
  async append(entry: JournalEntry): Promise<void> {
    if (this.#failed !== null) throw this.#failed
    try {
      await this.#files.append(this.#path, new TextEncoder().encode(encodeJournalEntry(entry)))
    } catch (error) {
      this.#failed = error
      throw error
    }
    this.#entries.push(entry)
  }

  /** Lets go of what was said in attempts before `current`: a link has closed them. @throws FilesError */
  async prune(current: AttemptId): Promise<void> {
    const over = this.#lost !== null && isBefore(this.#lost.during, current)
    const kept = this.#entries.filter(entry => !isBefore(entry, current))
    if (kept.length === this.#entries.length && !over) return
    this.#entries = kept
    await this.#rewrite()
    if (over) this.#lost = null
  }

  async #rewrite(): Promise<void> {
    await this.#files.write(
      this.#path,
      new TextEncoder().encode(this.#entries.map(encodeJournalEntry).join(''))
    )
  }
}
