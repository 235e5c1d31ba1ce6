import { SHARE_ENV, Worker } from 'node:worker_threads'
import { BackendError } from '../backend/errors.ts'
import type { TokenizedShard } from '../train/dataset.ts'
import { TrainError } from '../train/errors.ts'
import type { EvaluateResult, TrainResult } from '../train/trainer.ts'
import { abortJob, type JobControl } from './job-control.ts'
import { isSolitary } from './open-backend.ts'
import type {
  BackendReport,
  TrainerNotice,
  TrainerReply,
  TrainerRequest,
  TrainerTask,
  TrainerThreadData
} from './trainer-messages.ts'

export interface TrainerThreadsOptions {
  readonly threadData: TrainerThreadData
  /** The most threads. A backend that a process can have only once is used by one. */
  readonly trainers: number
  readonly workerUrl?: URL
}

/** Who hears of a job while it is done. */
export interface JobListener {
  onStep?(steps: number, loss: number): void
  onNotice?(notice: TrainerNotice): void
}

interface PendingJob {
  readonly request: TrainerRequest
  readonly listener: JobListener
  resolve(result: TrainResult | EvaluateResult): void
  reject(error: TrainError | BackendError): void
}

interface Thread {
  readonly worker: Worker
  job: PendingJob | null
  isReady: boolean
}

/** Hands jobs to threads in order, and replaces threads that end. */
export class TrainerThreads {
  private readonly workerUrl: URL
  private readonly threadData: TrainerThreadData
  /** One until the first has told its backend. */
  private threadsMax = 1
  private readonly trainers: number
  private readonly threads = new Set<Thread>()
  private readonly queue: PendingJob[] = []
  private readonly firstOpened = Promise.withResolvers<BackendReport>()
  private readonly firstBackend = Promise.withResolvers<BackendReport>()
  private nextId = 0
  private isClosed = false

  constructor({ threadData, trainers, workerUrl }: TrainerThreadsOptions) {
    this.trainers = trainers
    this.workerUrl = workerUrl ?? ownWorkerUrl()
    this.threadData = threadData
    // Nobody has to ask for the backend.
    this.firstBackend.promise.catch(() => {})
    this.firstOpened.promise.catch(() => {})
    this.startThread()
  }

  /** As `backend`, before the model is read: what can be said already need not wait for it. */
  openedBackend(): Promise<BackendReport> {
    return this.firstOpened.promise
  }

  /** What the threads compute with, once the first one is up. */
  backend(): Promise<BackendReport> {
    return this.firstBackend.promise
  }

  run(
    task: TrainerTask,
    shard: TokenizedShard,
    control: JobControl,
    listener: JobListener = {},
    signal?: AbortSignal
  ): Promise<TrainResult | EvaluateResult> {
    if (this.isClosed) return Promise.reject(closedError())
    if (signal?.aborted === true) return Promise.reject(abortedError())
    const { promise, resolve, reject } = Promise.withResolvers<TrainResult | EvaluateResult>()
    const pending: PendingJob = {
      request: { id: this.nextId++, task, shard, control },
      listener,
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
    this.refuse(closedError())
    const threads = [...this.threads]
    this.threads.clear()
    for (const { job } of threads) job?.reject(closedError())
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
  }

  private abort(pending: PendingJob): void {
    abortJob(pending.request.control)
    const waiting = this.queue.indexOf(pending)
    if (waiting < 0) return
    this.queue.splice(waiting, 1)
    pending.reject(abortedError())
  }

  private startThread(): void {
    const worker = new Worker(this.workerUrl, {
      workerData: this.threadData,
      // TensorFlow reads settings from the environment of the process.
      env: SHARE_ENV,
      // What is read back after each step dies young; with room it would pile up to some hundred megabytes.
      resourceLimits: { maxYoungGenerationSizeMb: 8 }
    })
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
    if (reply.kind === 'opened') {
      this.firstOpened.resolve(reply.backend)
      return
    }
    if (reply.kind === 'ready') {
      thread.isReady = true
      this.firstOpened.resolve(reply.backend)
      this.onBackend(reply.backend)
      return
    }
    if (reply.kind === 'unavailable') {
      this.onUnavailable(thread, new BackendError(reply.code, reply.data, reply.message))
      return
    }
    const { job } = thread
    if (job === null || job.request.id !== reply.id) return
    if (reply.kind === 'notice') {
      job.listener.onNotice?.(reply.notice)
      return
    }
    if (reply.kind === 'step') {
      job.listener.onStep?.(reply.steps, reply.loss)
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
    this.refuse(error)
    for (const { reject } of this.queue.splice(0)) reject(error)
  }

  private refuse(error: Error): void {
    this.firstOpened.reject(error)
    this.firstBackend.reject(error)
  }

  private onExit(thread: Thread, cause: unknown, exitCode: number): void {
    if (!this.threads.delete(thread) || this.isClosed) return
    const failure = workerError(cause, exitCode)
    if (thread.job !== null) thread.job.reject(failure)
    else if (!thread.isReady) {
      // It could not even start: another would not either, so the job it was started for must not wait for ever.
      this.refuse(failure)
      this.queue.shift()?.reject(failure)
    }
    this.dispatch()
  }
}

/** From source under Node's type stripping, or compiled. */
function ownWorkerUrl(): URL {
  return new URL(`./trainer-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
}

export function closedError(): TrainError {
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
