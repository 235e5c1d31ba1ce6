/**
 * The chain of one run and the state after its last link, in memory, as far as a coordinator could get and check them. It
 * follows what the members say of their chains, and gives up whatever does not hold.
 */
import { encodedStateLength } from '../aggregation/replicated-state.ts'
import type { BlobExchange } from '../protocols/blob-exchange.ts'
import { BLOB_PROTOCOL, encodeBlobRequest } from '../protocols/blob-messages.ts'
import type { ChainTip } from '../protocols/chain-tip.ts'
import { equalBytes } from '../protocols/codec.ts'
import {
  CACHE_FOLLOW_MS,
  CACHED_RECORDS_MAX,
  FRAME_BYTES,
  MEMBERS_MAX,
  REQUEST_TIMEOUT_MS
} from '../protocols/limits.ts'
import { ChainRequest } from '../protocols/messages.js'
import type { Clock, Network, PeerId } from '../protocols/ports.ts'
import { CHAIN_PROTOCOL } from '../protocols/run-protocols.ts'
import type { ChainWitness } from './chain-witness.ts'

export interface RunCacheInit {
  readonly network: Network
  readonly clock: Clock
  readonly witness: ChainWitness
  /** One for all runs: it serves what it pulls. */
  readonly blobs: BlobExchange
  /**
   * Asked before bytes are taken; what is granted is held until the cache lets go of it.
   * @returns false if there is no room for it
   */
  readonly reserve: (bytes: number) => boolean
  readonly release: (bytes: number) => void
  readonly log: (message: string) => void
}

/** Someone whose chain did not hold, or was not longer after all, is not asked again for this long. */
const SHUN_MS = 60_000

interface Claim {
  readonly height: number
  readonly notBeforeMs: number
}

export class RunCache {
  readonly #init: RunCacheInit
  readonly #records: Uint8Array[] = []
  /** Who says that it has a longer chain. */
  readonly #claims = new Map<PeerId, Claim>()
  readonly #over = new AbortController()
  #tip: ChainTip | null = null
  /** The state that is held; null if there is none to hold. */
  #state: { readonly hash: Uint8Array; readonly bytes: number } | null = null
  #recordBytes = 0
  #working = false
  #cancelFollow: (() => void) | null = null

  constructor(init: RunCacheInit) {
    this.#init = init
  }

  get tip(): ChainTip | null {
    return this.#tip
  }

  /** Everything that a peer needs to come up to the tip is here. */
  get isWhole(): boolean {
    const tip = this.#tip
    if (tip === null) return false
    // Before the first result every peer makes the state for itself.
    return tip.completedRounds === 0 || (this.#state !== null && equalBytes(this.#state.hash, tip.stateHash))
  }

  get bytes(): number {
    return this.#recordBytes + (this.#state?.bytes ?? 0)
  }

  /** The address of the state that is held. */
  holds(address: Uint8Array): boolean {
    return this.#state !== null && equalBytes(this.#state.hash, address)
  }

  /** Founding list first if the height is 0. */
  *records(fromHeight: number): Generator<Uint8Array> {
    // Not a copy of the list: what is appended meanwhile may be sent too.
    for (let height = fromHeight; height < this.#records.length; height++) yield this.#records[height]!
  }

  /** A peer says how long its chain is. */
  heard(peer: PeerId, height: number): void {
    const known = this.#claims.get(peer)
    if (this.#over.signal.aborted || height < this.#wantedHeight()) return
    if (known === undefined && this.#claims.size >= MEMBERS_MAX) return
    this.#claims.set(peer, { height, notBeforeMs: known?.notBeforeMs ?? 0 })
    this.#schedule()
  }

  close(): void {
    this.#over.abort(new Error('the run is listed no more'))
    this.#cancelFollow?.()
    this.#dropState()
    this.#init.release(this.#recordBytes)
    this.#recordBytes = 0
    this.#records.length = 0
    this.#claims.clear()
    this.#tip = null
  }

  /** The least height that has something for us. */
  #wantedHeight(): number {
    const height = this.#tip?.height ?? -1
    return this.isWhole || this.#tip === null ? height + 1 : height
  }

  #schedule(): void {
    if (this.#cancelFollow !== null || this.#working || this.#over.signal.aborted) return
    this.#cancelFollow = this.#init.clock.after(CACHE_FOLLOW_MS, () => {
      this.#cancelFollow = null
      this.#working = true
      void this.#follow().finally(() => {
        this.#working = false
        if (this.#next() !== null) this.#schedule()
      })
    })
  }

  /** Who says most, of those that are not shunned. */
  #next(): PeerId | null {
    const nowMs = this.#init.clock.nowMs()
    const wanted = this.#wantedHeight()
    let best: { readonly peer: PeerId; readonly height: number } | null = null
    for (const [peer, { height, notBeforeMs }] of this.#claims) {
      if (height < wanted && notBeforeMs <= nowMs) this.#claims.delete(peer)
      else if (notBeforeMs <= nowMs && height >= wanted && height > (best?.height ?? -1))
        best = { peer, height }
    }
    return best?.peer ?? null
  }

  async #follow(): Promise<void> {
    const peer = this.#next()
    if (peer === null) return
    const { log, clock } = this.#init
    const before = this.#tip
    try {
      await this.#pullRecords(peer)
      if (!this.isWhole) await this.#pullState(peer)
    } catch (error) {
      if (this.#over.signal.aborted) return
      log(`cannot follow a run through ${peer}: ${error instanceof Error ? error.message : String(error)}`)
    }
    // It had nothing more, or something that does not hold: the others first.
    if (this.#tip === before || !this.isWhole)
      this.#claims.set(peer, { height: -1, notBeforeMs: clock.nowMs() + SHUN_MS })
  }

  /** @throws ProtocolError BAD_LINK and others; NetworkError */
  async #pullRecords(from: PeerId): Promise<void> {
    const { network, witness, reserve } = this.#init
    const fromHeight = this.#tip === null ? 0 : this.#tip.height + 1
    const body = ChainRequest.encode({ run: witness.id, fromHeight })
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: FRAME_BYTES }
    for await (const frame of network.request(from, CHAIN_PROTOCOL, body, options)) {
      const tip = witness.next(this.#tip, frame)
      if (this.#over.signal.aborted) return
      if (this.#records.length >= CACHED_RECORDS_MAX || !reserve(frame.length))
        throw new Error(`no room for link ${tip.height}`)
      this.#recordBytes += frame.length
      this.#records.push(frame.slice())
      this.#tip = tip
    }
  }

  /** @throws ProtocolError BLOB_UNAVAILABLE, BLOB_WRONG_LENGTH, BLOB_TOO_LARGE; NetworkError */
  async #pullState(from: PeerId): Promise<void> {
    const { blobs, network, reserve, release } = this.#init
    const hash = this.#tip?.stateHash
    if (hash === undefined) return
    const lengthBytes = await this.#askLength(from, hash)
    if (lengthBytes === null) throw new Error('it does not have the state, or it is none')
    // Before the old one is let go: while the new one comes, who comes back finds the old one.
    if (!reserve(lengthBytes)) throw new Error(`no room for a state of ${lengthBytes} bytes`)
    try {
      const holders = (): PeerId[] => [from, ...network.peers().filter(peer => peer !== from)]
      await blobs.pull(hash, lengthBytes, holders, this.#over.signal)
    } catch (error) {
      release(lengthBytes)
      throw error
    }
    if (this.#over.signal.aborted) {
      blobs.drop(hash)
      release(lengthBytes)
      return
    }
    this.#dropState()
    this.#state = { hash, bytes: lengthBytes }
  }

  /** Its first chunk says how long it is; if that is a lie, the pull fails. */
  async #askLength(from: PeerId, address: Uint8Array): Promise<number | null> {
    const body = encodeBlobRequest({ address, wanted: 'chunks', firstChunk: 0, chunks: 1 })
    const options = { timeoutMs: REQUEST_TIMEOUT_MS, maxFrameBytes: FRAME_BYTES }
    for await (const frame of this.#init.network.request(from, BLOB_PROTOCOL, body, options))
      return encodedStateLength(frame)
    return null
  }

  #dropState(): void {
    if (this.#state === null) return
    this.#init.blobs.drop(this.#state.hash)
    this.#init.release(this.#state.bytes)
    this.#state = null
  }
}
