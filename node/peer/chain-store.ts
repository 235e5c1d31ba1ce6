/** The chain of a run on the disk: the founding list, then the links. Every record is checked when it is opened. */
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { extendChain, foundChain } from '../../protocols/chain.ts'
import type { ChainTip, RunContext } from '../../protocols/chain-tip.ts'
import type { Files } from '../../protocols/ports.ts'
import { PeerError } from './errors.ts'
import { encodeRecord, placeOf, type RecordPlace, readRecords } from './record-log.ts'

export class ChainStore {
  readonly #files: Files
  readonly #path: string
  readonly #crypto: CryptoSuite
  /** By height: the founding list is at 0. */
  readonly #places: RecordPlace[]
  #bytes: number
  #tip: ChainTip | null
  #failed: unknown = null

  private constructor(
    files: Files,
    path: string,
    crypto: CryptoSuite,
    places: RecordPlace[],
    tip: ChainTip | null
  ) {
    this.#files = files
    this.#path = path
    this.#crypto = crypto
    this.#places = places
    this.#bytes = places.reduce((_, { offset, length }) => offset + length, 0)
    this.#tip = tip
  }

  /**
   * Opens the chain, cutting off a record that a crash left unfinished.
   * @param onCut - told how many bytes were cut, in words
   * @throws PeerError BROKEN_STORE if a whole record does not follow from those before it; FilesError
   */
  static async open(
    files: Files,
    path: string,
    run: RunContext,
    crypto: CryptoSuite,
    onCut: (message: string) => void
  ): Promise<ChainStore> {
    const file = (await files.read(path)) ?? new Uint8Array(0)
    const { places, goodBytes } = readRecords(file, crypto.sha256)
    if (goodBytes < file.length) {
      await files.write(path, file.subarray(0, goodBytes))
      const kept = places.length === 0 ? 'nothing before it' : `the chain up to link ${places.length - 1}`
      onCut(`${path}: cut off ${file.length - goodBytes} bytes of an unfinished record; kept ${kept}`)
    }
    const tip = places.reduce<ChainTip | null>((before, { offset, length }, height) => {
      try {
        const bytes = file.slice(offset, offset + length)
        return before === null ? foundChain(bytes, run, crypto) : extendChain(before, bytes, run, crypto).tip
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        const message = `${path}: record ${height} does not hold: ${reason}. Delete this file to fetch the chain from the others`
        throw new PeerError('BROKEN_STORE', { path, reason, height }, message, { cause })
      }
    }, null)
    return new ChainStore(files, path, crypto, places, tip)
  }

  /** Where the chain stands; null before the founding. */
  get tip(): ChainTip | null {
    return this.#tip
  }

  /**
   * Writes records that follow the tip, founding list or links, and is on the disk when it returns.
   * @param tip - after the last of them; the caller has checked them all
   * @throws FilesError; after that nothing more is written, as an unfinished record may lie at the end
   */
  async append(records: readonly Uint8Array[], tip: ChainTip): Promise<void> {
    if (this.#failed !== null) throw this.#failed
    if (tip.height !== this.#places.length + records.length - 1) {
      throw new RangeError(
        `expected the tip after ${this.#places.length + records.length} records, got height ${tip.height}`
      )
    }
    const encoded = records.map(record => encodeRecord(record, this.#crypto.sha256))
    const bytes = new Uint8Array(encoded.reduce((sum, { length }) => sum + length, 0))
    const places: RecordPlace[] = []
    let at = 0
    for (const [i, record] of encoded.entries()) {
      bytes.set(record, at)
      places.push(placeOf(this.#bytes + at, records[i]!.length))
      at += record.length
    }
    try {
      await this.#files.append(this.#path, bytes)
    } catch (error) {
      this.#failed = error
      throw error
    }
    this.#places.push(...places)
    this.#bytes += bytes.length
    this.#tip = tip
  }

  /** The records from a height on, founding list first if it is 0. */
  async *records(fromHeight: number): AsyncGenerator<Uint8Array> {
    for (let height = fromHeight; height < this.#places.length; height++) {
      const { offset, length } = this.#places[height]!
      yield await this.#files.readRange(this.#path, offset, length)
    }
  }
}
