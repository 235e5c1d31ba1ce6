/**
 * One run of a pull: which holder is asked for which chunks, until all are here or nobody has more. A short blob is asked
 * for in order, half a window from each of two holders at a time. A longer one is asked for rarest first, by what the
 * holders say that they have.
 */

import { type Availability, availabilityOf } from './blob-availability.ts'
import { BlobHolder } from './blob-holder.ts'
import { BlobLie, isProven, type OnBlobOffence } from './blob-offences.ts'
import type { BlobPull, ChunkRun } from './blob-pull.ts'
import {
  askHaveMap,
  bytesHere,
  hasShortList,
  NotHeld,
  pullChunks,
  pullHashPages,
  type RequestPorts
} from './blob-request.ts'
import { NetworkError, ProtocolError } from './errors.ts'
import { FilesError } from './files-error.ts'
import { toHex } from './hex.ts'
import {
  ASK_AGAIN_MS,
  CHUNK_BYTES,
  CHUNKS_WITHOUT_MAP,
  HAVE_MAP_AGE_MS,
  HOLDERS_AT_ONCE,
  HOLDERS_MAPPED,
  PARTIAL_PATIENCE_MS,
  RUN_CHUNKS,
  RUN_MS,
  STEAL_AFTER_MS,
  WINDOW_BYTES,
  WINDOW_CHUNKS
} from './limits.ts'
import type { Clock, Network, PeerId } from './ports.ts'

export interface BlobRunPorts {
  readonly network: Pick<Network, 'request'>
  readonly clock: Clock
  readonly onOffence: OnBlobOffence
  /** After each chunk. */
  readonly onProgress?: (doneBytes: number) => void
}

/** Chunks that are asked for at a time, of all holders together. */
const CHUNKS_IN_FLIGHT = WINDOW_BYTES / CHUNK_BYTES

/** Two at a time hide the time that a request takes to get there. */
const REQUESTS_MIN = 2

/** Broken promises of a have-map before a holder is set aside: a blob may be dropped at any moment. */
const FALSE_MAPS_MAX = 1

interface OpenRequest {
  readonly holder: BlobHolder
  readonly run: ChunkRun
  readonly stop: AbortController
  readonly startedMs: number
  progressMs: number
  chunks: number
  /** Its chunks are asked for elsewhere as well. */
  isStolen: boolean
}

export class BlobRun {
  readonly #ports: BlobRunPorts
  readonly #pull: BlobPull
  readonly #known: () => readonly PeerId[]
  readonly #signal: AbortSignal
  readonly #holders = new Map<PeerId, BlobHolder>()
  readonly #failed: Map<PeerId, string>
  /** When those who had nothing are asked again. */
  readonly #againMs = new Map<PeerId, number>()
  readonly #open = new Set<OpenRequest>()
  readonly #isMapped: boolean
  #counted: Availability | null = null
  #countedMaps: ReadonlyArray<BlobHolder['map']> = []
  #fatal: unknown = null
  #lastProgressMs: number
  #wake = (): void => {}
  #isAwake = false

  /** @param known - the holders, in the order in which they are asked; asked again at every turn */
  constructor(ports: BlobRunPorts, pull: BlobPull, known: () => readonly PeerId[], signal: AbortSignal) {
    this.#ports = ports
    this.#pull = pull
    this.#known = known
    this.#signal = signal
    this.#failed = new Map(pull.liars)
    this.#isMapped = pull.have.size > CHUNKS_WITHOUT_MAP
    this.#lastProgressMs = ports.clock.nowMs()
  }

  /**
   * Ends when all chunks are in the sink. Those that came stay when it fails, and the next run asks for the others.
   * @throws ProtocolError BLOB_UNAVAILABLE, BLOB_WRONG_LENGTH; FilesError; the signal's reason
   */
  async done(): Promise<void> {
    const onAbort = (): void => this.#stir()
    this.#signal.addEventListener('abort', onAbort, { once: true })
    try {
      while (!this.#pull.isComplete) {
        this.#signal.throwIfAborted()
        if (this.#fatal !== null) throw this.#fatal
        const candidates = this.#candidates()
        this.#askMaps(candidates)
        while (this.#startOne(candidates));
        if (!this.#isAwake && this.#open.size === 0 && !this.#mayHope(candidates)) throw this.#unavailable()
        await this.#change(candidates)
      }
    } finally {
      this.#signal.removeEventListener('abort', onAbort)
      for (const { stop } of this.#open) stop.abort(new Error('the pull is over'))
    }
  }

  #candidates(): BlobHolder[] {
    const peers = this.#known().filter(peer => !this.#isAside(peer))
    return (this.#isMapped ? peers.slice(0, HOLDERS_MAPPED) : peers).map(peer => {
      const known = this.#holders.get(peer)
      if (known !== undefined) return known
      const holder = new BlobHolder(peer)
      this.#holders.set(peer, holder)
      return holder
    })
  }

  #isAside(peer: PeerId): boolean {
    const againMs = this.#againMs.get(peer)
    if (againMs !== undefined && this.#ports.clock.nowMs() >= againMs) {
      this.#againMs.delete(peer)
      this.#failed.delete(peer)
      this.#holders.delete(peer)
    }
    return this.#failed.has(peer)
  }

  /** Of holders that were not asked yet, or have a part and may have more by now. */
  #askMaps(candidates: readonly BlobHolder[]): void {
    if (!this.#isMapped) return
    const nowMs = this.#ports.clock.nowMs()
    for (const holder of candidates) {
      const isDue = holder.map === null || (holder.isPartial && nowMs - holder.mappedAtMs >= HAVE_MAP_AGE_MS)
      if (isDue && !holder.isMapAsked) void this.#askMap(holder)
    }
  }

  async #askMap(holder: BlobHolder): Promise<void> {
    holder.isMapAsked = true
    const stop = new AbortController()
    try {
      const map = await askHaveMap(this.#requestOf(holder, stop.signal))
      holder.map = map ?? 'all'
    } catch (error) {
      this.#take(holder, error)
    } finally {
      holder.isMapAsked = false
      holder.mappedAtMs = this.#ports.clock.nowMs()
      this.#stir()
    }
  }

  /** Starts the best request there is. @returns false if there is none to be made now */
  #startOne(candidates: readonly BlobHolder[]): boolean {
    if (this.#pull.isComplete || this.#fatal !== null) return false
    const isListMissing = this.#pull.hashes === null
    const lanes = isListMissing ? 1 : this.#lanes(candidates)
    if (this.#open.size >= lanes) return false
    const inFlight = [...this.#open].reduce(
      (sum, { run, chunks }) => sum + Math.min(WINDOW_CHUNKS, run.count - chunks),
      0
    )
    const most = Math.min(WINDOW_CHUNKS, Math.floor(CHUNKS_IN_FLIGHT / lanes), CHUNKS_IN_FLIGHT - inFlight)
    const found = isListMissing ? this.#listRequest(candidates) : this.#chunkRequest(candidates, most)
    if (found === null) return false
    void this.#request(found.holder, found.run)
    return true
  }

  #lanes(candidates: readonly BlobHolder[]): number {
    const usable = candidates.filter(({ map }) => map !== null).length
    return this.#isMapped ? Math.min(HOLDERS_AT_ONCE, Math.max(REQUESTS_MIN, usable)) : REQUESTS_MIN
  }

  #listRequest(candidates: readonly BlobHolder[]): { holder: BlobHolder; run: ChunkRun } | null {
    // Of a long blob the map comes first: a list in pages needs to know how long it is.
    // Whoever has no chunk yet has no list either.
    const hasList = ({ map }: BlobHolder): boolean => map === 'all' || (map !== null && map.count > 0)
    const holder = candidates.find(candidate => !this.#isMapped || hasList(candidate))
    if (holder === undefined) return null
    const run = this.#isMapped ? null : this.#pull.firstFree(WINDOW_CHUNKS)
    return { holder, run: run ?? { first: 0, count: 0 } }
  }

  #chunkRequest(
    candidates: readonly BlobHolder[],
    most: number
  ): { holder: BlobHolder; run: ChunkRun } | null {
    if (most < 1) return null
    const rate = ({ bytesPerMs }: BlobHolder): number => (this.#isMapped ? bytesPerMs : 0)
    const byLoad = [...candidates].sort(
      (a, b) => a.busy - b.busy || (rate(a) < rate(b) ? 1 : rate(a) > rate(b) ? -1 : 0)
    )
    const availability = this.#isMapped ? this.#availability(candidates) : null
    for (const holder of byLoad) {
      const run = this.#freeRun(holder, availability, most < WINDOW_CHUNKS ? most : longestRun(holder))
      if (run !== null) return { holder, run }
    }
    return this.#steal(byLoad, most)
  }

  #freeRun(holder: BlobHolder, availability: Availability | null, most: number): ChunkRun | null {
    if (availability === null) return this.#pull.firstFree(most)
    if (holder.map === null) return null
    return this.#pull.rarest(holder.map, availability, most)
  }

  /** What a slow holder owes, from one that is idle. */
  #steal(byLoad: readonly BlobHolder[], most: number): { holder: BlobHolder; run: ChunkRun } | null {
    const nowMs = this.#ports.clock.nowMs()
    for (const open of this.#open) {
      if (open.isStolen || nowMs - open.progressMs < STEAL_AFTER_MS) continue
      const first = open.run.first + open.chunks
      const count = Math.min(most, open.run.count - open.chunks)
      if (count < 1) continue
      const holder = byLoad.find(
        other =>
          other !== open.holder &&
          other.busy === 0 &&
          (!this.#isMapped || other.map === 'all' || other.map?.has(first) === true)
      )
      if (holder === undefined) continue
      open.isStolen = true
      return { holder, run: { first, count } }
    }
    return null
  }

  async #request(holder: BlobHolder, run: ChunkRun): Promise<void> {
    const { clock } = this.#ports
    const pull = this.#pull
    const stop = new AbortController()
    const nowMs = clock.nowMs()
    const open = { holder, run, stop, startedMs: nowMs, progressMs: nowMs, chunks: 0, isStolen: false }
    this.#open.add(open)
    holder.busy++
    pull.ask(run)
    const ports = this.#requestOf(holder, stop.signal)
    const { map } = holder
    try {
      const isFirst = pull.hashes === null
      if (isFirst && this.#isMapped) await this.#pullList(ports, holder)
      else {
        let isList = isFirst
        await pullChunks(ports, run, () => {
          this.#progress(open, !isList)
          isList = false
        })
      }
      if (run.count > 0) holder.gave(run.count * CHUNK_BYTES, clock.nowMs() - nowMs)
    } catch (error) {
      if (!stop.signal.aborted) this.#take(holder, error, map)
    } finally {
      pull.unask(run)
      holder.busy--
      this.#open.delete(open)
      this.#stir()
    }
  }

  async #pullList(ports: RequestPorts, { map }: BlobHolder): Promise<void> {
    const pull = this.#pull
    const count = map === null || map === 'all' ? pull.have.size : map.size
    // From a holder that does not know pages, and wherever it is shorter: the list at once.
    if (map === 'all' && hasShortList(pull.lengthBytes))
      await pullChunks(ports, { first: 0, count: 0 }, () => {})
    else await pullHashPages(ports, count)
    this.#lastProgressMs = this.#ports.clock.nowMs()
    this.#ports.onProgress?.(bytesHere(pull))
  }

  #progress(open: OpenRequest, isChunk: boolean): void {
    const nowMs = this.#ports.clock.nowMs()
    open.progressMs = nowMs
    this.#lastProgressMs = nowMs
    // With the hashes known there is work for two.
    if (!isChunk) return this.#stir()
    const chunk = open.run.first + open.chunks++
    this.#ports.onProgress?.(bytesHere(this.#pull))
    if (this.#pull.asked.get(chunk)! > 1)
      for (const other of this.#open) if (other !== open) this.#endIfDone(other)
    if (this.#pull.isComplete) this.#stir()
  }

  /** Of a request whose chunks came from elsewhere: nobody waits for it any more, nor for a slow holder in this run. */
  #endIfDone({ run, holder, stop, isStolen, progressMs }: OpenRequest): void {
    for (let chunk = run.first; chunk < run.first + run.count; chunk++)
      if (!this.#pull.have.has(chunk)) return
    const seconds = Math.round((this.#ports.clock.nowMs() - progressMs) / 1000)
    const detail = `sent nothing for ${seconds} s, and another had it all by then`
    if (isStolen) this.#setAside(holder, new BlobLie('blob-too-slow', detail))
    stop.abort(new Error('its chunks came from elsewhere'))
  }

  /** Takes what went wrong with a holder. @param promised - what it said that it has when it was asked for chunks */
  #take(holder: BlobHolder, error: unknown, promised: BlobHolder['map'] = null): void {
    if (error instanceof ProtocolError || error instanceof FilesError) {
      this.#fatal ??= error
      return
    }
    const isShort = !(error instanceof BlobLie) && !(error instanceof NetworkError)
    if (!isShort || promised === null || promised === 'all') return this.#setAside(holder, error)
    // Another request has found that out already.
    if (holder.map !== promised) return
    // Once it may be a blob that it has dropped since.
    holder.map = null
    if (holder.falseMaps++ < FALSE_MAPS_MAX) return
    const what = error instanceof NotHeld ? 'none' : 'a part'
    this.#setAside(holder, new BlobLie('blob-false-map', `sent ${what} of the chunks that it says it has`))
  }

  #setAside(holder: BlobHolder, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    if (this.#pull.liars.has(holder.peer)) return
    this.#failed.set(holder.peer, reason)
    // A long pull outlasts many a holder's coming: whoever had nothing may have begun to pull since.
    if (error instanceof NotHeld && this.#isMapped)
      this.#againMs.set(holder.peer, this.#ports.clock.nowMs() + ASK_AGAIN_MS)
    if (!(error instanceof BlobLie)) return
    this.#ports.onOffence(holder.peer, error.reason, reason)
    // Slowness may pass, and a map is true again with the next one.
    if (isProven(error.reason)) this.#pull.liars.set(holder.peer, reason)
  }

  #requestOf(holder: BlobHolder, stop: AbortSignal): RequestPorts {
    return { network: this.#ports.network, pull: this.#pull, holder: holder.peer, stop }
  }

  /** Made anew only when a map has changed: it is as long as the blob. */
  #availability(candidates: readonly BlobHolder[]): Availability {
    const maps = candidates.map(({ map }) => map)
    const isSame =
      maps.length === this.#countedMaps.length && maps.every((map, i) => map === this.#countedMaps[i])
    if (this.#counted === null || !isSame) {
      this.#countedMaps = maps
      this.#counted = availabilityOf(maps, this.#pull.have.size)
    }
    return this.#counted
  }

  /** With no request under way: whether one may become possible. */
  #mayHope(candidates: readonly BlobHolder[]): boolean {
    if (candidates.some(({ isMapAsked }) => isMapAsked)) return true
    const waitedMs = this.#ports.clock.nowMs() - this.#lastProgressMs
    return candidates.some(({ isPartial }) => isPartial) && waitedMs < PARTIAL_PATIENCE_MS
  }

  /** Resolves when something has changed, or may have with time. */
  async #change(candidates: readonly BlobHolder[]): Promise<void> {
    const { clock } = this.#ports
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    if (this.#isAwake) resolve()
    const isStealing = this.#pull.hashes !== null && this.#open.size > 0 && candidates.length > 1
    const isGrowing = candidates.some(({ isPartial }) => isPartial)
    const afterMs = isGrowing ? HAVE_MAP_AGE_MS : isStealing ? STEAL_AFTER_MS : null
    const cancel = afterMs === null ? (): void => {} : clock.after(afterMs, resolve)
    await promise
    cancel()
    this.#isAwake = false
  }

  #stir(): void {
    this.#isAwake = true
    this.#wake()
  }

  #unavailable(): ProtocolError {
    const address = toHex(this.#pull.address)
    const reasons = [...this.#failed].map(([peer, reason]) => `${peer}: ${reason}`)
    return new ProtocolError(
      'BLOB_UNAVAILABLE',
      { address, refused: Object.fromEntries(this.#failed) },
      `no holder gave blob ${address.slice(0, 16)} (${reasons.join('; ') || 'nobody is known to hold it'})`
    )
  }
}

/** Chunks for one request that has an answer's whole window to itself. */
function longestRun({ map, bytesPerMs }: BlobHolder): number {
  if (map === null || map === 'all' || !Number.isFinite(bytesPerMs)) return WINDOW_CHUNKS
  return Math.max(WINDOW_CHUNKS, Math.min(RUN_CHUNKS, Math.floor((bytesPerMs * RUN_MS) / CHUNK_BYTES)))
}
