import { Worker } from 'node:worker_threads'
import type { KernelThread, KernelThreadStart } from '../backend/wasm/kernel-thread.ts'

/**
 * A thread for the kernels of the backend wasm. It does not keep the process alive.
 * @param workerUrl - another entry point than kernel-threads-worker, for tests of what happens when a thread ends
 */
export function spawnKernelThread(start: KernelThreadStart, workerUrl = ownWorkerUrl()): KernelThread {
  const worker = new Worker(workerUrl, { workerData: start })
  const { promise: ended, resolve: end } = Promise.withResolvers<Error | null>()
  let cause: Error | null = null
  worker.on('error', error => {
    cause = error instanceof Error ? error : new Error(String(error))
  })
  worker.on('exit', exitCode => {
    if (cause === null && exitCode !== 0) cause = new Error(`it ended with exit code ${exitCode}`)
    end(cause)
  })
  const { promise: served, resolve: serve } = Promise.withResolvers<void>()
  worker.once('message', () => {
    worker.unref()
    serve()
  })
  const failed = ended.then(reason => {
    throw reason ?? new Error('it ended before it served')
  })
  return {
    started: Promise.race([served, failed]),
    ended,
    async close() {
      // Whoever waits for its end shall not wait in vain because the process found nothing to do.
      worker.ref()
      await ended
    }
  }
}

/** From source under Node's type stripping, or compiled. */
function ownWorkerUrl(): URL {
  return new URL(`./kernel-threads-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
}
