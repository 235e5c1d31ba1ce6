/**
 * The replicated state of one peer: the current one, the one before it, and what a round under way may lead to. All
 * of them are served as blobs, so that whoever falls behind finds them.
 */
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import { decodeState, encodeState, type ReplicatedState } from '../../aggregation/replicated-state.ts'
import type { BlobExchange } from '../../protocols/blob-exchange.ts'
import { equalBytes } from '../../protocols/codec.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { toHex } from '../../protocols/hex.ts'
import type { PeerId } from '../../protocols/ports.ts'
import type { StateStore } from './state-store.ts'

interface KeptState {
  readonly hash: Uint8Array
  readonly state: ReplicatedState
  readonly bytes: Uint8Array
}

export class StateKeeper {
  readonly #blobs: BlobExchange
  readonly #store: StateStore
  readonly #layout: AdapterLayout
  readonly #initial: KeptState
  readonly #candidates = new Map<string, KeptState>()
  /** Known to be on the disk. */
  readonly #stored = new Set<string>()
  #current: KeptState
  #previous: KeptState | null = null

  /** @param initial - before the first round; it can always be made again, so it is on no disk */
  constructor(blobs: BlobExchange, store: StateStore, layout: AdapterLayout, initial: ReplicatedState) {
    this.#blobs = blobs
    this.#store = store
    this.#layout = layout
    this.#initial = this.#serve(encodeState(initial))
    this.#current = this.#initial
  }

  get state(): ReplicatedState {
    return this.#current.state
  }

  get hash(): Uint8Array {
    return this.#current.hash
  }

  /**
   * Keeps a state that may become the next one, and serves it.
   * @returns its hash
   * @throws AggregationError BAD_STATE
   */
  offer(state: ReplicatedState): Uint8Array {
    const kept = this.#serve(encodeState(state))
    this.#candidates.set(toHex(kept.hash), kept)
    return kept.hash
  }

  /** True if the state of that hash is here, in memory or on the disk. @throws FilesError */
  async has(hash: Uint8Array): Promise<boolean> {
    if (this.#find(hash) !== null) return true
    const bytes = await this.#store.read(hash)
    if (bytes === null) return false
    this.#candidates.set(toHex(hash), this.#serve(bytes))
    this.#stored.add(toHex(hash))
    return true
  }

  /**
   * Gets a state by its hash from any of the holders.
   * @throws ProtocolError BLOB_UNAVAILABLE; AggregationError BAD_STATE if what has this hash is no state of this run
   */
  async pull(hash: Uint8Array, holders: () => PeerId[], signal: AbortSignal): Promise<void> {
    const bytes = await this.#pullBytes(hash, holders, signal)
    try {
      this.#candidates.set(toHex(hash), this.#serve(bytes))
    } catch (error) {
      this.#blobs.drop(hash)
      throw error
    }
  }

  /**
   * A state's length follows from how many vectors it has: one, and up to two moments. The link does not say how
   * many, so the lengths are tried, the one that this peer has now first.
   */
  async #pullBytes(hash: Uint8Array, holders: () => PeerId[], signal: AbortSignal): Promise<Uint8Array> {
    const vectorBytes = 4 * this.#layout.length
    const plainBytes = this.#initial.bytes.length
    const lengths = [
      this.#current.bytes.length,
      plainBytes + 2 * vectorBytes,
      plainBytes + vectorBytes,
      plainBytes
    ]
    let failure: unknown
    for (const length of new Set(lengths)) {
      try {
        return await this.#blobs.pull(hash, length, holders, signal)
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code !== 'BLOB_WRONG_LENGTH') throw error
        failure = error
      }
    }
    throw failure
  }

  /**
   * Writes a state that `has` or `offer` or `pull` made known: to be called before this peer votes for it, and before
   * the link that names it is written.
   * @throws FilesError
   */
  async write(hash: Uint8Array): Promise<void> {
    const key = toHex(hash)
    if (equalBytes(hash, this.#initial.hash) || this.#stored.has(key)) return
    await this.#store.write(hash, this.#known(hash).bytes)
    this.#stored.add(key)
  }

  /** Makes a known state the current one after a start. What else is on the disk may have been voted for: it stays. */
  resume(hash: Uint8Array): void {
    this.#current = this.#known(hash)
  }

  /** Makes a known state the current one, and lets go of all but it and the one before it. @throws FilesError */
  async adopt(hash: Uint8Array): Promise<void> {
    const next = this.#known(hash)
    if (!equalBytes(hash, this.#current.hash)) {
      this.#previous = this.#current
      this.#current = next
    }
    const kept = [this.#current, ...(this.#previous === null ? [] : [this.#previous])]
    const keptHashes = new Set(kept.map(({ hash }) => toHex(hash)))
    for (const [key, candidate] of this.#candidates)
      if (!keptHashes.has(key)) this.#blobs.drop(candidate.hash)
    this.#candidates.clear()
    for (const state of kept) this.#candidates.set(toHex(state.hash), state)
    for (const key of this.#stored) if (!keptHashes.has(key)) this.#stored.delete(key)
    await this.#store.keepOnly(kept.map(({ hash }) => hash))
  }

  #known(hash: Uint8Array): KeptState {
    const found = this.#find(hash)
    if (found === null) throw new RangeError(`state ${toHex(hash)} is not known here`)
    return found
  }

  #find(hash: Uint8Array): KeptState | null {
    const candidate = this.#candidates.get(toHex(hash))
    if (candidate !== undefined) return candidate
    return [this.#current, this.#initial].find(kept => equalBytes(kept.hash, hash)) ?? null
  }

  /** @throws AggregationError BAD_STATE */
  #serve(bytes: Uint8Array): KeptState {
    const state = decodeState(bytes, this.#layout.length)
    return { state, bytes, hash: this.#blobs.put(bytes) }
  }
}
