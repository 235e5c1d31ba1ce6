import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { KernelThread, KernelThreadStart } from '../backend/wasm/kernel-thread.ts'

/**
 * A thread for the kernels of the backend wasm. It does not keep the process alive.
 * @param workerUrl - another entry point than kernel-threads-worker, for tests of what happens when a thread ends
 */
export function spawnKernelThread(start: KernelThreadStart, workerUrl = ownWorkerUrl()): KernelThread {
  const worker = new Worker(workerUrl, { workerData: start })
  let cause: Error | null = null
  worker.on('error', error => {
    cause = error instanceof Error ? error : new Error(String(error))
  })
  const ended = once(worker, 'exit').then(([exitCode]) =>
    cause === null && exitCode !== 0 ? new Error(`it ended with exit code ${exitCode}`) : cause
  )
  const started = Promise.race([
    once(worker, 'message').then(() => worker.unref()),
    ended.then(reason => {
      throw reason ?? new Error('it ended before it served')
    })
  ])
  return {
    started: started.then(() => {}),
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
