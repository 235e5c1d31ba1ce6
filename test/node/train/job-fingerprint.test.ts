import { expect } from 'chai'
import { adapterOf } from '../../../node/peft/adapter-of.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import type { TokenizedShard } from '../../../node/train/dataset.ts'
import { type JobSetting, jobFingerprint, shardDigest } from '../../../node/train/job-fingerprint.ts'
import type { TrainJob } from '../../../node/train/trainer.ts'
import { tinyConfig, tinyLora, tinyShard } from '../../support/tiny-model.ts'

const { sha256 } = nodeCrypto()
const { layout } = adapterOf(tinyConfig, tinyLora)

const setting: JobSetting = {
  baseModelSha256: 'ab'.repeat(32),
  adapter: tinyLora,
  backend: 'wasm',
  plan: { microBatchSize: 2, mode: 'record' }
}
const job: TrainJob = {
  adapter: new Float32Array(layout.length),
  factors: ['A', 'B'],
  steps: 3,
  batchSize: 2,
  sequenceLength: 8,
  learningRate: 0.01,
  weightDecay: 0,
  gradientClipNorm: 1,
  seed: 1
}

describe('the fingerprint of a job', () => {
  const shard = shardDigest(tinyShard(), sha256)
  const of = (change: Partial<TrainJob> = {}, other: Partial<JobSetting> = {}, data = shard): string =>
    jobFingerprint({ ...setting, ...other }, { ...job, ...change }, data, sha256)

  it('is another one when anything differs that the result depends on', () => {
    const moved = job.adapter.slice()
    moved[3] = 1e-30
    const changes: Array<Partial<TrainJob>> = [
      {},
      { adapter: moved },
      { factors: ['B'] },
      { steps: 4 },
      { batchSize: 3 },
      { sequenceLength: 9 },
      { learningRate: 0.010000001 },
      { warmupSteps: 1 },
      { schedule: 'cosine' },
      { optimizer: { name: 'sgd', momentum: 0.9 } },
      { optimizer: { name: 'adamw', epsilon: 1e-4 } },
      { weightDecay: 0.1 },
      { gradientClipNorm: 2 },
      { proximalMu: 0.1 },
      { seed: 2 },
      { earlyStop: { evaluateEverySteps: 1, patience: 1, holdOutFraction: 0.1 } }
    ]
    const settings: Array<Partial<JobSetting>> = [
      { baseModelSha256: 'cd'.repeat(32) },
      { adapter: { ...tinyLora, alpha: 5 } },
      { backend: 'cpu' },
      { plan: { microBatchSize: 1, mode: 'record' } },
      { plan: { microBatchSize: 2, mode: 'checkpoint' } }
    ]
    const all = [
      ...changes.map(change => of(change)),
      ...settings.map(other => of({}, other)),
      of({}, {}, shardDigest(tinyShard(2), sha256))
    ]
    expect(new Set(all).size).to.equal(all.length)
  })

  it('is the same for the same job, whether defaults are written out or not', () => {
    const written = {
      warmupSteps: 0,
      schedule: 'constant' as const,
      optimizer: { name: 'adamw' as const },
      proximalMu: 0
    }
    expect(of(written)).to.equal(of())
    expect(of()).to.match(/^[0-9a-f]{64}$/)
  })
})

describe('the digest of a shard', () => {
  const { train, heldOut, heldOutTokenBytes, description } = tinyShard()
  const marks = { starts: Int32Array.of(0, 10), counts: new Uint8Array(train.length).fill(1) }
  const digest = (change: Partial<TokenizedShard>): string =>
    shardDigest({ train, heldOut, heldOutTokenBytes, description, ...change }, sha256)

  it('is that of what is trained on: tokens, where examples begin, which tokens count', () => {
    const uncounted = { ...marks, counts: marks.counts.slice().fill(0, 3, 4) }
    const digests = [
      digest({}),
      digest({ train: train.map((id, i) => (i === 5 ? id + 1 : id)) }),
      digest({ trainExamples: marks }),
      digest({ trainExamples: { ...marks, starts: Int32Array.of(0, 11) } }),
      digest({ trainExamples: uncounted })
    ]
    expect(new Set(digests).size).to.equal(digests.length)
    expect(digest({ heldOut: heldOut.slice(1), description: 'other' })).to.equal(digest({}))
  })
})
