import { availableParallelism } from 'node:os'
import { SHARE_ENV, Worker } from 'node:worker_threads'
import { seededRandom } from '../../aggregation/random.ts'
import { BackendError } from '../backend/errors.ts'
import type { ModelConfig } from '../model/model-config.ts'
import { adapterConfigJson } from '../peft/adapter-config.ts'
import { adapterOf } from '../peft/adapter-of.ts'
import type { AdapterSettings } from '../peft/adapter-settings.ts'
import type { TokenizedShard } from '../train/dataset.ts'
import { TrainError } from '../train/errors.ts'
import type { EvaluationWindows } from '../train/evaluate.ts'
import type { ExampleMarks } from '../train/token-text.ts'
import type { EvaluateResult, Trainer, TrainResult } from '../train/trainer.ts'
import { type BackendRequest, isSolitary } from './open-backend.ts'
import type {
  BackendReport,
  TrainerReply,
  TrainerRequest,
  TrainerTask,
  TrainerThreadData
} from './trainer-messages.ts'

export interface TrainerPoolOptions {
  /** In Hugging Face layout; every thread reads it. */
  readonly modelFolder: string
  readonly config: ModelConfig
  readonly baseModelSha256: string
  readonly adapter: AdapterSettings
  /** Seed of the first adapter; the same for every peer of a run. */
  readonly initialisationSeed: number
  /**
   * Threads that train side by side, each with its own copy of the model; by default one per core. A backend that a
   * process can have only once is used by one.
   */
  readonly trainers?: number
  /** `auto` by default, with the cores that there are shared among the trainers. */
  readonly backend?: Omit<BackendRequest, 'trainers'>
  /** By default 8 windows at once of 128 tokens, or of as many as the model allows. */
  readonly evaluation?: EvaluationWindows
  /** Another entry point than trainer-worker, for tests of what happens when a thread ends. */
  readonly workerUrl?: URL
}

export interface TrainerPool {
  /** A trainer on one client's data. All trainers of a pool share its threads; jobs wait their turn in order. */
  open(shard: TokenizedShard): Trainer
  /** What the threads compute with, once the first one is up. @throws BackendError UNAVAILABLE; TrainError WORKER_FAILED, CLOSED */
  backend(): Promise<BackendReport>
  /** Ends the threads at once; unfinished jobs fail with TrainError CLOSED. */
  close(): Promise<void>
}

interface PendingJob {
  readonly request: TrainerRequest
  readonly onProgress: (steps: number, loss: number) => void
  resolve(result: TrainResult | EvaluateResult): void
  reject(error: TrainError | BackendError): void
}

interface Thread {
  readonly worker: Worker
  job: PendingJob | null
  isReady: boolean
}

/**
 * Starts threads that train and measure adapters of one frozen model off the main thread.
 * @throws PeftError UNKNOWN_TARGET, BAD_SETTING
 */
export function openTrainerPool(options: TrainerPoolOptions): TrainerPool {
  const { config, initialisationSeed, baseModelSha256 } = options
  const adapter = adapterOf(config, options.adapter)
  const { layout } = adapter
  const threads = new ThreadPool(options)
  return {
    open(shard) {
      const shared = sharedShard(shard)
      let isClosed = false
      const run = (
        task: TrainerTask,
        onProgress?: (steps: number, loss: number) => void,
        signal?: AbortSignal
      ) => (isClosed ? Promise.reject(closedError()) : threads.run(task, shared, onProgress, signal))
      return {
        layout,
        adapterKind: adapter.settings.kind,
        adapterConfigJson: baseModel => adapterConfigJson(adapter.settings, config, baseModel),
        baseModelSha256,
        initialAdapter: () => adapter.initial(seededRandom(initialisationSeed)),
        train: (job, onProgress, signal) =>
          run({ kind: 'train', job }, onProgress, signal) as Promise<TrainResult>,
        evaluate: job => run({ kind: 'evaluate', job }) as Promise<EvaluateResult>,
        async close() {
          isClosed = true
        }
      }
    },
    backend: () => threads.backend(),
    close: () => threads.close()
  }
}

/** Hands jobs to threads in order, and replaces threads that end. */
class ThreadPool {
  private readonly workerUrl: URL
  private readonly threadData: TrainerThreadData
  /** One until the first has told its backend. */
  private threadsMax = 1
  private readonly trainers: number
  private readonly threads = new Set<Thread>()
  private readonly queue: PendingJob[] = []
  private readonly firstBackend = Promise.withResolvers<BackendReport>()
  private nextId = 0
  private isClosed = false

  constructor(options: TrainerPoolOptions) {
    const { config, modelFolder, adapter, trainers = availableParallelism() } = options
    this.trainers = trainers
    this.workerUrl = options.workerUrl ?? ownWorkerUrl()
    const evaluation = options.evaluation ?? {
      sequenceLength: Math.min(128, config.maxPositions),
      batchSize: 8
    }
    const backend = { name: 'auto' as const, modelWidth: config.hiddenSize, ...options.backend, trainers }
    this.threadData = { backend, modelFolder, config, adapter, evaluation }
    // Nobody has to ask for the backend.
    this.firstBackend.promise.catch(() => {})
    this.startThread()
  }

  backend(): Promise<BackendReport> {
    return this.firstBackend.promise
  }

  run(
    task: TrainerTask,
    shard: TokenizedShard,
    onProgress: (steps: number, loss: number) => void = () => {},
    signal?: AbortSignal
  ): Promise<TrainResult | EvaluateResult> {
    if (this.isClosed) return Promise.reject(closedError())
    if (signal?.aborted === true) return Promise.reject(abortedError())
    const { promise, resolve, reject } = Promise.withResolvers<TrainResult | EvaluateResult>()
    const abort = new Int32Array(new SharedArrayBuffer(4))
    const pending: PendingJob = {
      request: { id: this.nextId++, task, shard, abort },
      onProgress,
      resolve,
      reject
    }
    const onAbort = () => this.abort(pending)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.queue.push(pending)
    this.dispatch()
    return promise.finally(() => signal?.removeEventListener('abort', onAbort))
  }

  async close(): Promise<void> {
    this.isClosed = true
    for (const { reject } of this.queue.splice(0)) reject(closedError())
    this.firstBackend.reject(closedError())
    const threads = [...this.threads]
    this.threads.clear()
    for (const { job } of threads) job?.reject(closedError())
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
  }

  private abort(pending: PendingJob): void {
    Atomics.store(pending.request.abort, 0, 1)
    const waiting = this.queue.indexOf(pending)
    if (waiting < 0) return
    this.queue.splice(waiting, 1)
    pending.reject(abortedError())
  }

  private startThread(): void {
    // TensorFlow reads settings from the environment of the process.
    const worker = new Worker(this.workerUrl, { workerData: this.threadData, env: SHARE_ENV })
    const thread: Thread = { worker, job: null, isReady: false }
    let cause: unknown = null
    worker.on('message', (reply: TrainerReply) => this.onReply(thread, reply))
    worker.on('error', error => {
      cause = error
    })
    worker.on('exit', exitCode => this.onExit(thread, cause, exitCode))
    this.threads.add(thread)
  }

  private dispatch(): void {
    while (this.threads.size < Math.min(this.threadsMax, this.queue.length)) this.startThread()
    for (const thread of this.threads) {
      if (!thread.isReady || thread.job !== null) continue
      const pending = this.queue.shift()
      if (pending === undefined) return
      thread.job = pending
      thread.worker.postMessage(pending.request)
    }
  }

  private onReply(thread: Thread, reply: TrainerReply): void {
    // One that was under way when the pool was closed.
    if (this.isClosed) return
    if (reply.kind === 'ready') {
      thread.isReady = true
      this.onBackend(reply.backend)
      return
    }
    if (reply.kind === 'unavailable') {
      this.onUnavailable(thread, new BackendError(reply.code, reply.data, reply.message))
      return
    }
    const { job } = thread
    if (job === null || job.request.id !== reply.id) return
    if (reply.kind === 'step') {
      job.onProgress(reply.steps, reply.loss)
      return
    }
    thread.job = null
    if (reply.kind === 'done') job.resolve(reply.result)
    else job.reject(new TrainError(reply.code, reply.data, reply.message))
    this.dispatch()
  }

  private onBackend(backend: BackendReport): void {
    this.threadsMax = isSolitary(backend.name) ? 1 : this.trainers
    while (this.threads.size < this.threadsMax) this.startThread()
    this.firstBackend.resolve(backend)
    this.dispatch()
  }

  private onUnavailable(thread: Thread, error: BackendError): void {
    this.threads.delete(thread)
    if (this.threads.size > 0) {
      // There is room for no more.
      this.threadsMax = this.threads.size
      return
    }
    this.firstBackend.reject(error)
    for (const { reject } of this.queue.splice(0)) reject(error)
  }

  private onExit(thread: Thread, cause: unknown, exitCode: number): void {
    if (!this.threads.delete(thread) || this.isClosed) return
    const failure = workerError(cause, exitCode)
    if (thread.job !== null) thread.job.reject(failure)
    else if (!thread.isReady) {
      // It could not even start: another would not either, so the job it was started for must not wait for ever.
      this.firstBackend.reject(failure)
      this.queue.shift()?.reject(failure)
    }
    this.dispatch()
  }
}

/** From source under Node's type stripping, or compiled. */
function ownWorkerUrl(): URL {
  return new URL(`./trainer-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
}

function sharedShard(shard: TokenizedShard): TokenizedShard {
  const share = (values: Int32Array) => {
    const shared = new Int32Array(new SharedArrayBuffer(values.byteLength))
    shared.set(values)
    return shared
  }
  const shareMarks = ({ starts, counts }: ExampleMarks) => {
    const shared = new Uint8Array(new SharedArrayBuffer(counts.byteLength))
    shared.set(counts)
    return { starts: share(starts), counts: shared }
  }
  const { train, trainExamples, heldOut, heldOutExamples, heldOutTokenBytes, description } = shard
  return {
    train: share(train),
    ...(trainExamples && { trainExamples: shareMarks(trainExamples) }),
    heldOut: share(heldOut),
    ...(heldOutExamples && { heldOutExamples: shareMarks(heldOutExamples) }),
    heldOutTokenBytes: share(heldOutTokenBytes),
    description
  }
}

function closedError(): TrainError {
  return new TrainError('CLOSED', {}, 'the trainer was closed before the job was done')
}

function abortedError(): TrainError {
  return new TrainError('ABORTED', { steps: 0 }, 'training was stopped before its first step')
}

function workerError(cause: unknown, exitCode: number): TrainError {
  const reason = cause instanceof Error ? cause.message : `it ended with exit code ${exitCode}`
  const message = `the training thread failed: ${reason}. Its job is lost; the next one gets a new thread.`
  return new TrainError('WORKER_FAILED', { reason }, message, { cause })
}
