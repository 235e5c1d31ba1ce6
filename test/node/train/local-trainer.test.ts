import { expect } from 'chai'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { type CheckpointNotice, CheckpointStore } from '../../../node/train/checkpoint-store.ts'
import { TrainError } from '../../../node/train/errors.ts'
import { localTrainer } from '../../../node/train/local-trainer.ts'
import type { Trainer, TrainJob } from '../../../node/train/trainer.ts'
import { type MemoryFiles, memoryFiles } from '../../../sim/memory-files.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny, tinyShard } from '../../support/tiny-model.ts'

const { sha256 } = nodeCrypto()
const common = {
  baseModelSha256: 'ab'.repeat(32),
  initialisationSeed: 5,
  evaluation: { sequenceLength: 8, batchSize: 4 }
}

describe('a trainer on this thread', () => {
  const backend = useBackend()

  /** As after a restart: nothing is shared but the disk. */
  async function open(files?: MemoryFiles): Promise<{ trainer: Trainer; notices: CheckpointNotice[] }> {
    const model = await openTiny(backend())
    const notices: CheckpointNotice[] = []
    const tell = (notice: CheckpointNotice): void => void notices.push(notice)
    const keep = files && {
      store: new CheckpointStore({ files, folder: 'training', sha256, tell }),
      every: { steps: 2 },
      sha256
    }
    return { trainer: localTrainer(model, tinyShard(), { ...common, ...(keep && { keep }) }), notices }
  }

  const jobFor = (trainer: Trainer, change: Partial<TrainJob> = {}): TrainJob => ({
    adapter: trainer.initialAdapter(),
    factors: ['A', 'B'],
    steps: 9,
    batchSize: 2,
    sequenceLength: 8,
    learningRate: 0.01,
    weightDecay: 0,
    gradientClipNorm: 1,
    seed: 1,
    ...change
  })

  it('goes on with a job that it was stopped in, and only with that', async () => {
    const files = memoryFiles()
    const { trainer: first } = await open(files)
    const job = jobFor(first)
    const stop = new AbortController()
    const onStep = (steps: number): void => {
      if (steps === 5) stop.abort()
    }
    const error = await first.train(job, onStep, stop.signal).catch(error => error)
    expect(error).to.be.instanceOf(TrainError).and.to.have.property('code', 'ABORTED')

    const { trainer: second, notices } = await open(files)
    expect(await second.checkpoints!.stepsOf(job)).to.equal(5)
    expect(await second.checkpoints!.stepsOf(jobFor(second, { seed: 2 }))).to.equal(0)
    const steps: number[] = []
    const result = await second.train(job, step => steps.push(step))
    expect(steps).to.deep.equal([6, 7, 8, 9])
    expect(notices.map(({ kind }) => kind)).to.deep.equal(['resumed'])
    const { trainer: plain } = await open()
    expect(result).to.deep.equal(await plain.train(job))
    expect(plain.checkpoints).to.equal(undefined)

    expect(await second.checkpoints!.keepOnly([job])).to.equal(0)
    expect(await second.checkpoints!.keepOnly([])).to.be.above(0)
    expect(await second.checkpoints!.stepsOf(job)).to.equal(0)
  })
})
