// A training thread that ends on a job with seed 13; otherwise the real one.
import { parentPort } from 'node:worker_threads'
import type { TrainerRequest } from '../../node/platform/trainer-messages.ts'

parentPort!.on('message', ({ task }: TrainerRequest) => {
  if (task.kind === 'train' && task.job?.seed === 13) process.exit(3)
})
await import('../../node/platform/trainer-worker.ts')
