/** Masks made beside the peer's own thread, which goes on answering meanwhile. */
import { availableParallelism } from 'node:os'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { PIECE_BYTES, type PieceSums, wasmPieceSums } from '../../aggregation/lane-sum.ts'
import { checkBodies, type MaskedSum, sumBodies } from '../../aggregation/secure-sum.ts'
import { type Masking, maskingHere } from '../peer/masking.ts'
import { readLaneSumKernel } from './kernel-files.ts'
import { type MaskPart, type MaskReply, type MaskRequest, packMasks } from './mask-messages.ts'
import { nodeCrypto } from './node-crypto.ts'

export interface MaskThreadsOptions {
  /** By default two, or one where there is one core: the other cores belong to whatever else the machine does. */
  readonly threads?: number
  /** Key stream of less than this is made at once: by default 4 MiB, a few milliseconds, about as long as a thread takes to start. */
  readonly smallestBytes?: number
  /** Another entry point than mask-worker, for tests of what happens when a thread ends. */
  readonly workerUrl?: URL
}

/** Added up at a time before this thread answers others: a few milliseconds. */
const SLICE_BYTES = 16 * 1024 * 1024

/** Opens its threads when they are first needed; they do not keep the process alive. To be closed. */
export class MaskThreads implements Masking {
  readonly #pieceSums: PieceSums = wasmPieceSums(readLaneSumKernel())
  readonly #here = maskingHere(nodeCrypto(), this.#pieceSums)
  readonly #threads: Array<MaskThread | null>
  readonly #smallestBytes: number
  readonly #workerUrl: URL
  readonly #over = new AbortController()

  constructor(options: MaskThreadsOptions = {}) {
    const { threads = Math.min(2, availableParallelism()), smallestBytes = 4 * 1024 * 1024 } = options
    this.#threads = Array.from({ length: threads }, () => null)
    this.#smallestBytes = smallestBytes
    this.#workerUrl = options.workerUrl ?? ownWorkerUrl()
  }

  /** @throws as Masking.sum; Error if a thread ended: the next sum starts another */
  async sum(job: MaskedSum, signal: AbortSignal): Promise<Uint8Array | null> {
    const { ringBits, bodies, masks } = job
    const length = bodies[0]?.length ?? 0
    const either = AbortSignal.any([signal, this.#over.signal])
    if (length * masks.length < this.#smallestBytes) return this.#here.sum(job, either)
    const lanes = new SharedArrayBuffer(length)
    const view = new Uint8Array(lanes)
    const packed = packMasks(masks)
    const stop = new SharedArrayBuffer(4)
    const onAbort = (): void => void Atomics.store(new Int32Array(stop), 0, 1)
    either.addEventListener('abort', onAbort, { once: true })
    try {
      await this.#add(job, view, either)
      if (either.aborted) return null
      const parts = this.#cut(length).map(([from, to], i) =>
        this.#thread(i).apply({ ringBits, lanes, from, to, masks: packed, stop })
      )
      // All of them: nobody may write there any more when it is overwritten.
      const outcomes = await Promise.allSettled(parts)
      if (either.aborted) return null
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
      return new Uint8Array(view)
    } finally {
      either.removeEventListener('abort', onAbort)
      view.fill(0)
      new Uint8Array(packed).fill(0)
    }
  }

  /** Ends what is under way, and the threads. */
  async close(): Promise<void> {
    this.#over.abort()
    await Promise.all(this.#threads.map(thread => thread?.close()))
  }

  /** Adding a body up takes no longer than giving it to another thread would. */
  async #add({ ringBits, bodies }: MaskedSum, into: Uint8Array, signal: AbortSignal): Promise<void> {
    const pieces = Math.max(1, Math.floor(SLICE_BYTES / bodies.length / PIECE_BYTES))
    const sliceBytes = pieces * PIECE_BYTES
    checkBodies(bodies, ringBits)
    for (let at = 0; at < into.length && !signal.aborted; at += sliceBytes) {
      const slices = bodies.map(body => body.subarray(at, at + sliceBytes))
      sumBodies(slices, ringBits, this.#pieceSums, into.subarray(at, at + sliceBytes))
      await turn()
    }
  }

  /** Ranges of bytes, about as long as each other. */
  #cut(length: number): Array<readonly [from: number, to: number]> {
    const pieces = Math.ceil(length / PIECE_BYTES)
    const each = Math.ceil(pieces / this.#threads.length) * PIECE_BYTES
    const ranges: Array<readonly [number, number]> = []
    for (let from = 0; from < length; from += each) ranges.push([from, Math.min(length, from + each)])
    return ranges
  }

  #thread(index: number): MaskThread {
    const running = this.#threads[index]
    if (running?.isAlive) return running
    const thread = new MaskThread(this.#workerUrl)
    this.#threads[index] = thread
    return thread
  }
}

class MaskThread {
  isAlive = true
  readonly #worker: Worker
  readonly #ended: Promise<void>
  readonly #waiting = new Map<number, { done(): void; fail(error: Error): void }>()
  #nextId = 0

  constructor(workerUrl: URL) {
    this.#worker = new Worker(workerUrl)
    this.#worker.unref()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ended = promise
    let cause: unknown = null
    this.#worker.on('message', (reply: MaskReply) => this.#take(reply))
    this.#worker.on('error', error => {
      cause = error
    })
    this.#worker.on('exit', exitCode => {
      this.isAlive = false
      const reason = cause instanceof Error ? cause.message : `exit code ${exitCode}`
      for (const { fail } of this.#waiting.values())
        fail(new Error(`a thread that makes masks ended: ${reason}`))
      this.#waiting.clear()
      resolve()
    })
  }

  apply(part: Omit<MaskPart, 'id'>): Promise<void> {
    const id = this.#nextId++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.set(id, { done: resolve, fail: reject })
    // Whoever waits for a mask shall not wait in vain because the process found nothing else to do.
    this.#worker.ref()
    this.#send({ id, ...part })
    return promise
  }

  async close(): Promise<void> {
    this.#worker.ref()
    this.#send('end')
    await this.#ended
  }

  #send(request: MaskRequest): void {
    this.#worker.postMessage(request)
  }

  #take({ id, failure }: MaskReply): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#worker.unref()
    if (failure === null) waiting?.done()
    else waiting?.fail(new Error(`a mask could not be made: ${failure}`))
  }
}

/** From source under Node's type stripping, or compiled. */
function ownWorkerUrl(): URL {
  return new URL(`./mask-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
}
