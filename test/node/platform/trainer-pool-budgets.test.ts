import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { ModelConfig } from '../../../node/model/model-config.ts'
import { writeSafetensors } from '../../../node/model/safetensors.ts'
import type { SystemFacts } from '../../../node/platform/system-facts.ts'
import type { TrainerNotice } from '../../../node/platform/trainer-messages.ts'
import {
  openTrainerPool,
  type TrainerPool,
  type TrainerPoolOptions
} from '../../../node/platform/trainer-pool.ts'
import { TrainError } from '../../../node/train/errors.ts'
import type { PowerSupply } from '../../../node/train/power-policy.ts'
import type { TrainJob, TrainResult } from '../../../node/train/trainer.ts'
import { tinyConfig, tinyLora, tinyShard, tinyWeights } from '../../support/tiny-model.ts'

const config: ModelConfig = {
  ...tinyConfig,
  hiddenSize: 64,
  headSize: 16,
  intermediateSize: 160,
  layerCount: 4,
  windows: Array<null>(4).fill(null),
  maxPositions: 128
}
const batch = { batchSize: 8, sequenceLength: 100 }

describe('a trainer pool with a budget', () => {
  let modelFolder: string
  let pool: TrainerPool | undefined
  const notices: TrainerNotice[] = []
  before(() => {
    modelFolder = mkdtempSync(join(tmpdir(), 'fedpeft-pool-'))
    writeFileSync(join(modelFolder, 'model.safetensors'), writeSafetensors(tinyWeights(config)))
  })
  after(() => rmSync(modelFolder, { recursive: true }))
  afterEach(async () => {
    await pool?.close()
    notices.length = 0
  })

  const machine = (supply: PowerSupply | null = null): SystemFacts => ({
    memoryBytes: () => 64e9,
    gpuMemoryBytes: async () => null,
    powerSupply: async () => supply
  })

  function open(options: Partial<TrainerPoolOptions>): TrainerPool {
    pool = openTrainerPool({
      modelFolder,
      config,
      baseModelSha256: 'ab'.repeat(32),
      adapter: tinyLora,
      initialisationSeed: 5,
      trainers: 1,
      facts: machine(),
      onNotice: notice => void notices.push(notice),
      ...options,
      backend: { name: 'wasm', threads: 1, ...options.backend }
    })
    return pool
  }

  function train(change: Partial<TrainJob> = {}): Promise<TrainResult> {
    const trainer = pool!.open(tinyShard())
    return trainer.train({
      adapter: trainer.initialAdapter(),
      factors: ['A', 'B'],
      steps: 2,
      ...batch,
      learningRate: 0.01,
      weightDecay: 0,
      gradientClipNorm: 1,
      seed: 1,
      ...change
    })
  }

  function expectClose(result: TrainResult, whole: TrainResult): void {
    expect(result.steps).to.equal(whole.steps)
    expect(result.meanLoss).to.be.closeTo(whole.meanLoss, 1e-5)
    for (const [i, value] of whole.adapter.entries()) expect(result.adapter[i]).to.be.closeTo(value, 1e-3)
  }

  it('trains within its memory, in pieces, and comes to the same', async () => {
    const { estimatedBytes, ...plan } = await open({}).plan(batch)
    expect(plan).to.include({ microBatchSize: 8, mode: 'record' })
    const whole = await train()
    await pool!.close()
    // What the program takes besides is known from a budget of any size.
    const { besidesBytes } = plan.budget
    const memoryMaxBytes = besidesBytes + estimatedBytes / 2 / 0.9
    const lean = await open({ memory: { memoryMaxBytes } }).plan(batch)
    expect(lean.mode).to.equal('record')
    expect(lean.microBatchSize).to.be.within(1, 4)
    expect(lean.estimatedBytes).to.be.at.most(estimatedBytes / 2)
    expectClose(await train(), whole)
    expect(notices).to.deep.equal([])
  })

  it('begins again with a smaller plan where there is less memory than was thought, and says so', async () => {
    const { estimatedBytes } = await open({}).plan(batch)
    const whole = await train()
    await pool!.close()
    // The kernels, and a thread's scratch, lie in the same memory.
    const memoryMaxBytes = estimatedBytes / 2 + 4e6
    await open({ backend: { name: 'wasm', threads: 1, memoryMaxBytes } }).backend()
    expectClose(await train(), whole)
    expect(notices.length).to.be.above(0)
    for (const notice of notices) expect(notice.kind).to.equal('memory')
    const told = notices.length
    await train()
    expect(notices).to.have.length(told)
  })

  it('refuses what does not fit before the model is read', async () => {
    const { budget } = await open({}).plan(batch)
    await pool!.close()
    const memory = { memoryMaxBytes: budget.besidesBytes + 1e5 }
    const refused = await open({ memory })
      .plan(batch)
      .catch(error => error)
    expect(refused).to.be.instanceOf(TrainError).and.to.have.property('code', 'DOES_NOT_FIT')
    expect(await train().catch(error => error)).to.have.property('code', 'DOES_NOT_FIT')
  })

  it('does fewer steps on a low battery, and says why', async () => {
    open({
      facts: machine({ isOnBattery: true, percent: 12 }),
      power: { batteryMinPercent: 30, whenLow: 'fewer' }
    })
    expect(await train({ steps: 8, batchSize: 1 })).to.include({ steps: 2, endedBy: 'power' })
    expect(notices.map(({ kind }) => kind)).to.deep.equal(['power'])
  })

  it('waits on a low battery until it is given up, or the pool is closed', async () => {
    open({
      facts: machine({ isOnBattery: true, percent: 12 }),
      power: { batteryMinPercent: 30, whenLow: 'pause' }
    })
    const trainer = pool!.open(tinyShard())
    const stop = new AbortController()
    const paused = trainer.train(
      {
        adapter: trainer.initialAdapter(),
        factors: ['B'],
        steps: 2,
        batchSize: 1,
        sequenceLength: 8,
        learningRate: 0.01,
        weightDecay: 0,
        gradientClipNorm: 1,
        seed: 1
      },
      () => expect.fail('a step was done'),
      stop.signal
    )
    // Behind it in the queue: it has its turn once the paused job was given up.
    const after = trainer.evaluate({ adapter: null, split: 'heldOut' })
    await pool!.backend()
    stop.abort()
    expect(await paused.catch(error => error)).to.have.property('code', 'ABORTED')
    expect((await after).tokens).to.be.above(0)
  })
})
