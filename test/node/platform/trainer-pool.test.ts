import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type NamedTensor, writeSafetensors } from '../../../node/model/safetensors.ts'
import {
  openTrainerPool,
  type TrainerPool,
  type TrainerPoolOptions
} from '../../../node/platform/trainer-pool.ts'
import { TrainError, type TrainErrorCode } from '../../../node/train/errors.ts'
import { localTrainer } from '../../../node/train/local-trainer.ts'
import type { Trainer, TrainJob } from '../../../node/train/trainer.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny, tinyConfig, tinyLora, tinyShard, tinyWeights } from '../../support/tiny-model.ts'

const evaluation = { sequenceLength: 8, batchSize: 4 }
const modelFolder = mkdtempSync(join(tmpdir(), 'fedpeft-pool-'))
const options: TrainerPoolOptions = {
  modelFolder,
  config: tinyConfig,
  baseModelSha256: 'ab'.repeat(32),
  adapter: tinyLora,
  initialisationSeed: 5,
  backend: { name: 'wasm', threads: 1 },
  evaluation
}

function writeWeights(weights: ReadonlyMap<string, NamedTensor>): void {
  writeFileSync(join(modelFolder, 'model.safetensors'), writeSafetensors(weights))
}

function jobFor(trainer: Trainer, change: Partial<TrainJob> = {}): TrainJob {
  return {
    adapter: trainer.initialAdapter(),
    factors: ['A', 'B'],
    steps: 3,
    batchSize: 2,
    sequenceLength: 8,
    learningRate: 0.01,
    weightDecay: 0,
    gradientClipNorm: 1,
    seed: 1,
    ...change
  }
}

/** More steps than any test waits for. */
const endless = 10_000_000

async function failure(promise: Promise<unknown>): Promise<TrainError> {
  try {
    await promise
  } catch (error) {
    expect(error).to.be.instanceOf(TrainError)
    return error as TrainError
  }
  throw new Error('the job did not fail')
}

async function expectCode(promise: Promise<unknown>, code: TrainErrorCode): Promise<void> {
  expect((await failure(promise)).code).to.equal(code)
}

/** Starts a job that never ends by itself, and waits until it is running. */
async function running(trainer: Trainer, signal?: AbortSignal): Promise<{ done: Promise<unknown> }> {
  const started = Promise.withResolvers<void>()
  const done = trainer.train(jobFor(trainer, { steps: endless }), () => started.resolve(), signal)
  done.catch(() => {})
  await started.promise
  return { done }
}

describe('openTrainerPool', () => {
  const backend = useBackend('wasm')
  before(() => writeWeights(tinyWeights()))
  after(() => rmSync(modelFolder, { recursive: true }))

  describe('with two threads', () => {
    let pool: TrainerPool
    let trainer: Trainer
    before(() => {
      pool = openTrainerPool({ ...options, trainers: 2 })
      trainer = pool.open(tinyShard())
    })
    after(() => pool.close())

    it('says what it computes with', async () => {
      const { name, description, threads } = backend()
      expect(await pool.backend()).to.deep.equal({ name, description, threads, notes: [] })
    })

    it('gives the same bytes on every thread as on this one', async () => {
      const model = await openTiny(backend())
      const settings = { baseModelSha256: options.baseModelSha256, initialisationSeed: 5, evaluation }
      const local = localTrainer(model, tinyShard(), settings)
      expect(trainer.initialAdapter()).to.deep.equal(local.initialAdapter())
      expect(trainer.layout).to.deep.equal(local.layout)
      expect(trainer.baseModelSha256).to.equal(local.baseModelSha256)
      const expected = await local.train(jobFor(local))
      // Four at once on two threads: both get some.
      const results = await Promise.all([1, 2, 3, 4].map(() => trainer.train(jobFor(trainer))))
      for (const result of results) {
        expect(result.seconds).to.be.above(0)
        expect({ ...result, seconds: null }).to.deep.equal(expected)
      }
      for (const adapter of [null, expected.adapter]) {
        for (const split of ['heldOut', 'train'] as const) {
          const job = { adapter, split }
          const { seconds, ...measure } = await trainer.evaluate(job)
          expect({ ...measure, seconds: null }).to.deep.equal(await local.evaluate(job))
          expect(seconds).to.be.at.least(0)
        }
      }
      model.base.dispose()
    })

    it('trains each client on its own data', async () => {
      const other = pool.open(tinyShard(2))
      const [mine, theirs] = await Promise.all([trainer.train(jobFor(trainer)), other.train(jobFor(other))])
      expect(mine.adapter).not.to.deep.equal(theirs.adapter)
    })

    it('tells of every step', async () => {
      const seen: Array<[number, number]> = []
      const result = await trainer.train(jobFor(trainer, { steps: 5 }), (steps, loss) =>
        seen.push([steps, loss])
      )
      expect(seen.map(([steps]) => steps)).to.deep.equal([1, 2, 3, 4, 5])
      expect(seen.at(-1)![1]).to.equal(result.lastLoss)
    })

    it('stops a running job, and goes on with the next', async () => {
      const abort = new AbortController()
      const { done } = await running(trainer, abort.signal)
      abort.abort()
      const error = await failure(done)
      expect(error.code).to.equal('ABORTED')
      expect(error.data['steps']).to.be.at.least(1)
      expect((await trainer.train(jobFor(trainer))).steps).to.equal(3)
    })

    it('takes back a job that waits, and does not begin one whose signal is set', async () => {
      const stop = new AbortController()
      const busy = [await running(trainer, stop.signal), await running(trainer, stop.signal)]
      const abort = new AbortController()
      const waiting = trainer.train(jobFor(trainer), undefined, abort.signal)
      abort.abort()
      await expectCode(waiting, 'ABORTED')
      await expectCode(trainer.train(jobFor(trainer), undefined, abort.signal), 'ABORTED')
      stop.abort()
      await Promise.allSettled(busy.map(({ done }) => done))
    })

    it('passes on what is wrong with a job', async () => {
      const error = await failure(trainer.train(jobFor(trainer, { sequenceLength: 99 })))
      expect(error.code).to.equal('BAD_JOB')
      expect(error.message).to.match(/sequenceLength is 99, expected at most 32/)
      expect(error.data).to.deep.include({ field: 'sequenceLength', got: 99 })
      await expectCode(trainer.evaluate({ adapter: new Float32Array(1), split: 'heldOut' }), 'BAD_JOB')
    })

    it('does no more jobs of a trainer that was closed', async () => {
      const closed = pool.open(tinyShard())
      await closed.close()
      await expectCode(closed.train(jobFor(closed)), 'CLOSED')
      expect((await trainer.train(jobFor(trainer))).steps).to.equal(3)
    })
  })

  describe('when things go wrong', () => {
    it('fails the job of a thread that ends, and does the next on a new one', async () => {
      const workerUrl = new URL('../../support/crashing-worker.ts', import.meta.url)
      const pool = openTrainerPool({ ...options, trainers: 1, workerUrl })
      const trainer = pool.open(tinyShard())
      const [exited, thrown, fine] = await Promise.allSettled([
        trainer.train(jobFor(trainer, { seed: 13 })),
        // A fault of the program: no TrainError, so the thread is not trusted any more.
        trainer.train(jobFor(trainer, { factors: null as unknown as [] })),
        trainer.train(jobFor(trainer))
      ])
      expect(exited).to.have.nested.property('reason.code', 'WORKER_FAILED')
      expect(exited)
        .to.have.nested.property('reason.message')
        .that.matches(/exit code 3/)
      expect(thrown)
        .to.have.nested.property('reason.message')
        .that.matches(/training thread failed: .*null/)
      expect(fine).to.have.nested.property('value.steps', 3)
      await pool.close()
    })

    it('fails the job if no thread can start, with the cause', async () => {
      const weights = tinyWeights()
      weights.delete('model.norm.weight')
      writeWeights(weights)
      const pool = openTrainerPool({ ...options, trainers: 1 })
      const trainer = pool.open(tinyShard())
      const error = await failure(trainer.train(jobFor(trainer)))
      expect(error.code).to.equal('WORKER_FAILED')
      expect(error.message).to.match(/tensor model\.norm\.weight is missing/)
      await expectCode(pool.backend(), 'WORKER_FAILED')
      await pool.close()
      writeWeights(tinyWeights())
    })

    it('ends running and waiting jobs when it is closed', async () => {
      const pool = openTrainerPool({ ...options, trainers: 1 })
      const trainer = pool.open(tinyShard())
      const { done } = await running(trainer)
      const waiting = trainer.evaluate({ adapter: null, split: 'heldOut' })
      const outcomes = Promise.all([expectCode(done, 'CLOSED'), expectCode(waiting, 'CLOSED')])
      await pool.close()
      await outcomes
      await expectCode(trainer.train(jobFor(trainer)), 'CLOSED')
    })
  })
})
