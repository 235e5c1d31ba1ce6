import { BackendError } from '../errors.ts'
import { failedAt, openAt, stopAt } from './kernel-control.ts'
import type { KernelThread, KernelThreadStart, SpawnKernelThread } from './kernel-thread.ts'
import type { WasmMemory } from './web-assembly.ts'

/** The threads besides the calling one. */
export class ThreadTeam {
  readonly #words: Int32Array
  readonly #threads: readonly KernelThread[]
  #failure: unknown = null
  #isClosing = false

  private constructor(memory: WasmMemory, threads: readonly KernelThread[]) {
    this.#words = new Int32Array(memory.buffer, 0, 256)
    this.#threads = threads
    for (const { ended } of threads) {
      ended.then(reason => {
        if (!this.#isClosing) this.#failure ??= reason ?? new Error('it ended of itself')
      })
    }
  }

  /** @throws BackendError THREAD_FAILED, after ending those that did start */
  static async start(starts: readonly KernelThreadStart[], spawn: SpawnKernelThread): Promise<ThreadTeam> {
    const threads = starts.map(start => spawn(start))
    const team = new ThreadTeam(starts[0]!.memory, threads)
    const outcomes = await Promise.allSettled(threads.map(({ started }) => started))
    const failed = outcomes.find(outcome => outcome.status === 'rejected')
    if (failed === undefined) return team
    await team.close()
    throw threadFailed('could not start', failed.reason)
  }

  /** @throws BackendError THREAD_FAILED */
  check(): void {
    if (this.#failure === null && Atomics.load(this.#words, failedAt / 4) === 0) return
    throw threadFailed('ended in the middle of its work', this.#failure ?? 'a kernel trapped')
  }

  async close(): Promise<void> {
    this.#isClosing = true
    Atomics.store(this.#words, stopAt / 4, 1)
    // Another value than any that a thread may be about to sleep on.
    Atomics.store(this.#words, openAt / 4, -1)
    Atomics.notify(this.#words, openAt / 4)
    await Promise.all(this.#threads.map(thread => thread.close()))
  }
}

function threadFailed(what: string, cause: unknown): BackendError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `a kernel thread of the backend wasm ${what}: ${reason}. What it worked on is lost: open the backend anew, or with one thread`
  return new BackendError('THREAD_FAILED', { reason }, message, { cause })
}
