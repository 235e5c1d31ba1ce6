// A thread for masks that ends on a part of 20-bit lanes; otherwise the real one.
import { parentPort } from 'node:worker_threads'
import type { MaskRequest } from '../../node/platform/mask-messages.ts'

parentPort!.on('message', (request: MaskRequest) => {
  if (request !== 'end' && request.ringBits === 20) process.exit(3)
})
await import('../../node/platform/mask-worker.ts')
