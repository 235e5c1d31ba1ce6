import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BroadcastChannel } from 'node:worker_threads'
import { expect } from 'chai'
import type { BackendName } from '../../../node/backend/backend.ts'
import { BackendError } from '../../../node/backend/errors.ts'
import { writeSafetensors } from '../../../node/model/safetensors.ts'
import { openTrainerPool, type TrainerPool } from '../../../node/platform/trainer-pool.ts'
import { localTrainer } from '../../../node/train/local-trainer.ts'
import { testBackends, useBackend } from '../../support/test-backends.ts'
import { openTiny, tinyConfig, tinyLora, tinyShard, tinyWeights } from '../../support/tiny-model.ts'

describe("a trainer pool's backend", () => {
  const [name] = testBackends
  const local = useBackend(name)
  const evaluation = { sequenceLength: 8, batchSize: 4 }
  let modelFolder: string
  let pool: TrainerPool | undefined
  before(() => {
    modelFolder = mkdtempSync(join(tmpdir(), 'fedpeft-pool-'))
    writeFileSync(join(modelFolder, 'model.safetensors'), writeSafetensors(tinyWeights()))
  })
  after(() => rmSync(modelFolder, { recursive: true }))
  afterEach(() => pool?.close())

  function open(backend: BackendName, trainers: number, threads?: number, workerUrl?: URL): TrainerPool {
    pool = openTrainerPool({
      modelFolder,
      config: tinyConfig,
      baseModelSha256: 'ab'.repeat(32),
      adapter: tinyLora,
      initialisationSeed: 5,
      evaluation,
      trainers,
      backend: { name: backend, ...(threads === undefined ? {} : { threads }) },
      ...(workerUrl === undefined ? {} : { workerUrl })
    })
    return pool
  }

  const pretending = new URL('../../support/pretending-worker.ts', import.meta.url)

  /** Names of the backends of the threads that start, until one with the name `last` has for the `count`th time. */
  async function announced(last: BackendName, count: number): Promise<string[]> {
    const names: string[] = []
    const channel = new BroadcastChannel('pretending-worker')
    await new Promise<void>(resolve => {
      channel.onmessage = event => {
        names.push((event as { readonly data: string }).data)
        if (names.filter(name => name === last).length === count) resolve()
      }
    })
    channel.close()
    return names
  }

  it(`gives the same bytes in a training thread as on this one: ${name}`, async () => {
    const trainer = open(name!, 1, 2).open(tinyShard())
    const report = await pool!.backend()
    expect(report.name).to.equal(name)
    if (name === 'wasm') expect(report.threads).to.equal(2)
    const settings = { baseModelSha256: 'ab'.repeat(32), initialisationSeed: 5, evaluation }
    const here = localTrainer(await openTiny(local()), tinyShard(), settings)
    const job = {
      adapter: here.initialAdapter(),
      factors: ['A', 'B'] as const,
      steps: 3,
      batchSize: 2,
      sequenceLength: 8,
      learningRate: 0.01,
      weightDecay: 0,
      gradientClipNorm: 1,
      seed: 1
    }
    const { seconds, ...result } = await trainer.train(job)
    expect({ ...result, seconds: null }).to.deep.equal(await here.train(job))
    expect(seconds).to.be.above(0)
  })

  it('is had by every training thread, each with its share of the threads', async () => {
    const starting = announced('cpu', 3)
    open('cpu', 3, 3, pretending)
    expect(await starting).to.deep.equal(['cpu', 'cpu', 'cpu'])
    await pool!.close()
    expect(await open('wasm', 2, 5).backend()).to.include({ name: 'wasm', threads: 2 })
  })

  it('is had by one training thread alone where a process can have it once', async () => {
    for (const name of ['tensorflow', 'webgpu'] as const) {
      const starting = announced('cpu', 1)
      const solitary = open(name, 3, 3, pretending)
      await solitary.backend()
      // Whatever that pool starts, it has started before this one.
      const later = open('cpu', 1, 1, pretending)
      expect(await starting).to.deep.equal([name, 'cpu'])
      await Promise.all([solitary.close(), later.close()])
    }
  })

  it('that is not there is told as such, to whoever asks and to every job', async () => {
    const refusing = open('cuda', 2, 2, pretending)
    const trainer = refusing.open(tinyShard())
    const job = { adapter: null, split: 'heldOut' } as const
    const outcomes = [trainer.evaluate(job), trainer.evaluate(job), refusing.backend()]
    for (const outcome of await Promise.allSettled(outcomes)) {
      expect(outcome.status).to.equal('rejected')
      const { reason } = outcome as PromiseRejectedResult
      expect(reason).to.be.instanceOf(BackendError)
      expect(reason).to.include({ code: 'UNAVAILABLE', message: 'there is no card' })
    }
  })
})
