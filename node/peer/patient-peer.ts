/**
 * A peer that outlives a full disk. What it could not write it has not said; so it lets go of everything, as in a crash, and
 * stands aside. Once there is space it starts again from its folder, which opens wherever a write has failed.
 */

import { fromHex } from '../../protocols/hex.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { createPeer } from '../peer.ts'
import type { AuthorCommand, Ordered } from './author-commands.ts'
import { addBytes, NO_BYTES, type RoundBytes } from './byte-account.ts'
import { PeerError } from './errors.ts'
import type {
  DiskFull,
  Peer,
  PeerConfig,
  PeerEvent,
  PeerPorts,
  PeerResult,
  PeerStatus
} from './peer-types.ts'
import { runFolder } from './run-disk.ts'
import { sleep } from './waiting.ts'

/** What the peer cannot find out through its files. */
export interface DiskSpace {
  /** Of the disk that the files are on; null where the system does not say. */
  freeBytes(): Promise<number | null>
}

/** A disk that is full for a moment only (another program's temporary file) costs little more than that moment. */
const RETRY_MIN_MS = 5_000

/** Somebody who has just made room waits at most this long. */
const RETRY_MAX_MS = 60_000

/** Chain, journal, manifest and evidence of some rounds. */
const SMALL_FILES_BYTES = 256 * 1024

/** A state has adapter and two moments; beside it the adapter in its own files, and under random-k what is left over. */
const VECTORS = 5

/** @throws as createPeer */
export function createPatientPeer(ports: PeerPorts, config: PeerConfig, space: DiskSpace): Peer {
  return new PatientPeer(ports, config, space)
}

/** Whether a peer has stopped for want of space. */
function isForSpace(error: unknown): error is PeerError {
  return error instanceof PeerError && error.code === 'STORE_FAILED' && error.data['code'] === 'NO_SPACE'
}

class PatientPeer implements Peer {
  readonly finished: Promise<PeerResult>
  readonly #ports: PeerPorts
  readonly #config: PeerConfig
  readonly #space: DiskSpace
  readonly #settle: { resolve(result: PeerResult): void; reject(error: Error): void }
  readonly #listeners = new Set<(event: PeerEvent) => void>()
  readonly #over = new AbortController()
  /** Its present life. */
  #peer: Peer
  /** Of its earlier lives. */
  #bytesBefore: RoundBytes = NO_BYTES
  #full: DiskFull | null = null
  #starting: Promise<void> | null = null

  constructor(ports: PeerPorts, config: PeerConfig, space: DiskSpace) {
    this.#ports = ports
    this.#config = config
    this.#space = space
    const { promise, resolve, reject } = Promise.withResolvers<PeerResult>()
    this.finished = promise
    promise.catch(() => {})
    this.#settle = { resolve, reject }
    this.#peer = this.#newLife()
  }

  start(): Promise<void> {
    this.#starting ??= this.#live()
    return this.#starting
  }

  async stop(): Promise<void> {
    this.#over.abort()
    await this.#peer.stop()
    this.#settle.reject(new PeerError('STOPPED', {}, STOPPED))
  }

  async reconfigure(members: readonly PeerId[]): Promise<void> {
    if (this.#full !== null) throw new PeerError('NOT_PAUSED', {}, this.#full.message)
    await this.#peer.reconfigure(members)
  }

  async order(command: AuthorCommand): Promise<Ordered> {
    if (this.#full !== null) throw new PeerError('NOT_NOW', {}, this.#full.message)
    return this.#peer.order(command)
  }

  on(listen: (event: PeerEvent) => void): () => void {
    const entry = (event: PeerEvent): void => listen(event)
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  status(): PeerStatus {
    const status = this.#peer.status()
    const bytes = addBytes(this.#bytesBefore, status.bytes)
    if (this.#full === null || this.#over.signal.aborted) return { ...status, bytes }
    return { ...status, bytes, condition: 'paused-disk-full', diskFull: this.#full }
  }

  adapter(): Float32Array {
    return this.#peer.adapter()
  }

  #newLife(): Peer {
    const peer = createPeer(this.#ports, this.#config)
    peer.on(event => {
      // Told as what it is: a pause.
      if (event.type !== 'error' || !isForSpace(event.error)) this.#emit(event)
    })
    return peer
  }

  /** From a start to the end, or to the next pause. @throws as Peer.start, but for want of space */
  async #live(): Promise<void> {
    const peer = this.#peer
    try {
      await peer.start()
    } catch (error) {
      if (!isForSpace(error)) {
        this.#settle.reject(error as Error)
        throw error
      }
    }
    peer.finished.then(this.#settle.resolve, error => {
      if (isForSpace(error) && !this.#over.signal.aborted) void this.#waitForSpace(error)
      else this.#settle.reject(error)
    })
  }

  async #waitForSpace(first: PeerError): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#over
    const sinceMs = clock.nowMs()
    let error = first
    for (let retryMs = RETRY_MIN_MS; ; retryMs = Math.min(2 * retryMs, RETRY_MAX_MS)) {
      const isNews = this.#full === null
      this.#full = await this.#found(error, sinceMs)
      if (signal.aborted) return
      if (isNews) this.#emit({ type: 'disk-full', ...this.#full })
      await sleep(clock, retryMs, signal)
      if (signal.aborted) return
      if (!(await this.#hasSpace())) continue
      this.#bytesBefore = addBytes(this.#bytesBefore, this.#peer.status().bytes)
      this.#peer = this.#newLife()
      const begun = await this.#tryAgain()
      if (begun === null) return
      error = begun
      log(`still no space: ${error.message}`)
    }
  }

  /** @returns null if it lives, or is over for another reason; else what it lacked space for */
  async #tryAgain(): Promise<PeerError | null> {
    const peer = this.#peer
    const { signal } = this.#over
    try {
      await peer.start()
    } catch (error) {
      if (isForSpace(error) && !signal.aborted) return error
      this.#settle.reject(error as Error)
      return null
    }
    const pausedMs = this.#ports.clock.nowMs() - this.#full!.sinceMs
    this.#full = null
    this.#emit({ type: 'disk-ready', pausedMs })
    this.#starting = this.#live()
    return null
  }

  async #found({ message, data }: PeerError, sinceMs: number): Promise<DiskFull> {
    const { path, neededBytes } = data
    return {
      path: String(path),
      message: message.replace(/\. The peer has stopped;.*$/, ''),
      freeBytes: await this.#space.freeBytes(),
      neededBytes: Math.max(this.#needBytes, typeof neededBytes === 'number' ? neededBytes : 0),
      sinceMs
    }
  }

  /** To go on for a round or two. */
  get #needBytes(): number {
    return VECTORS * 4 * this.#ports.trainer.layout.length + SMALL_FILES_BYTES
  }

  /** Finds out by writing as much, as a quota shows in no figure of the disk. Nothing of it stays. */
  async #hasSpace(): Promise<boolean> {
    const { files, crypto } = this.#ports
    const { neededBytes } = this.#full!
    const freeBytes = await this.#space.freeBytes()
    if (freeBytes !== null && freeBytes < neededBytes) return false
    // Zeros would take no space where the file system compresses.
    const part = crypto.randomBytes(SMALL_FILES_BYTES)
    const allThere = new Error('all of it could be written')
    const parts = async function* (): AsyncGenerator<Uint8Array> {
      for (let done = 0; done < neededBytes; done += part.length) {
        yield part.subarray(0, Math.min(part.length, neededBytes - done))
      }
      // Before it takes the place of anything.
      throw allThere
    }
    const folder = runFolder(fromHex(this.#peer.status().run)!)
    const refusal = await files.writeParts(`${folder}/space`, parts()).catch((error: unknown) => error)
    return refusal === allThere
  }

  #emit(event: PeerEvent): void {
    for (const listen of [...this.#listeners]) {
      try {
        listen(event)
      } catch (error) {
        this.#ports.log(`a listener threw: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
}

const STOPPED = 'the peer was stopped before the run was over: start it again with the same folder to go on'
