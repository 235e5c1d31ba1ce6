import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { wasmFolder } from '../../../node/platform/wasm-folder.ts'

const workerUrl = new URL('../../support/backend-worker.ts', import.meta.url)

/** What `openBackend` chose on a fresh thread, and 1 + 1, 2 + 1 computed with it. */
async function opened(folder: string): Promise<unknown> {
  // tfjs writes of a failure to standard error by itself: keep that out of the test's output.
  const worker = new Worker(workerUrl, { workerData: folder, stderr: true })
  const [message] = await once(worker, 'message')
  await worker.terminate()
  return message
}

describe('openBackend', () => {
  it('opens wasm', async () => {
    const choice = { name: 'wasm', fallbackReason: null }
    expect(await opened(wasmFolder())).to.deep.equal({ choice, sum: [2, 3] })
  })

  it('falls back to plain JavaScript and says why', async () => {
    const fallbackReason = 'the WebAssembly files in /nowhere/ could not be loaded'
    expect(await opened('/nowhere/')).to.deep.equal({ choice: { name: 'cpu', fallbackReason }, sum: [2, 3] })
  })
})
