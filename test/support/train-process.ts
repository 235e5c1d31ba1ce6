// Trains a tiny model in a process of its own, leaving checkpoints, and writes a line of JSON after each step and at the
// end. Arguments: the folder of the model and of the checkpoints, the backend, and steps of a job and between checkpoints.
import { join } from 'node:path'
import type { BackendName } from '../../node/backend/backend.ts'
import { openTrainerPool } from '../../node/platform/trainer-pool.ts'
import { tinyConfig, tinyLora, tinyShard } from './tiny-model.ts'

const [folder, backend, steps, every] = process.argv.slice(2) as [string, BackendName, string, string]
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const pool = openTrainerPool({
  modelFolder: folder,
  config: tinyConfig,
  baseModelSha256: 'ab'.repeat(32),
  adapter: tinyLora,
  initialisationSeed: 5,
  backend: { name: backend, threads: 1 },
  trainers: 1,
  onNotice: print
})
const place = { root: join(folder, 'peer'), folder: 'runs/1/training' }
const trainer = pool.open(tinyShard(), { keep: { place, every: { steps: Number(every) } } })
const job = {
  adapter: trainer.initialAdapter(),
  factors: ['A', 'B'] as const,
  steps: Number(steps),
  batchSize: 2,
  sequenceLength: 8,
  learningRate: 0.01,
  warmupSteps: 3,
  schedule: 'cosine' as const,
  weightDecay: 0.01,
  gradientClipNorm: 1,
  seed: 1
}
const result = await trainer.train(job, (step, loss) => print({ step, loss }))
print({ adapter: Buffer.from(result.adapter.buffer).toString('hex'), meanLoss: result.meanLoss })
await pool.close()
