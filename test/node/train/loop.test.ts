import * as tf from '@tensorflow/tfjs'
import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { FrozenModel } from '../../../node/model/frozen-model.ts'
import { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { initialLora } from '../../../node/peft/lora.ts'
import { TrainError } from '../../../node/train/errors.ts'
import { evaluateText } from '../../../node/train/evaluate.ts'
import { trainAdapter } from '../../../node/train/loop.ts'
import type { TrainJob } from '../../../node/train/trainer.ts'
import { randomTokens, tinyConfig, tinyShard, tinyWeights, useBackend } from '../../support/tiny-model.ts'

const quiet = { onStep: () => {}, isAborted: () => false }
const text = { ids: tinyShard().train }

describe('trainAdapter', () => {
  useBackend('wasm')
  let model: AdaptedModel
  let job: TrainJob

  before(() => {
    const base = new FrozenModel(tinyConfig, tinyWeights())
    model = new AdaptedModel(base, { rank: 2, alpha: 4, targetModules: 'all-linear' })
    job = {
      adapter: initialLora(model.layout, seededRandom(1)),
      factors: ['A', 'B'],
      steps: 20,
      batchSize: 3,
      sequenceLength: 8,
      learningRate: 0.02,
      weightDecay: 0,
      gradientClipNorm: 1,
      seed: 7
    }
  })

  after(() => model.base.dispose())

  it('learns, and reports every step', () => {
    const losses: number[] = []
    const result = trainAdapter(model, text, job, { ...quiet, onStep: (_, loss) => losses.push(loss) })
    expect(losses).to.have.length(20)
    expect(result.steps).to.equal(20)
    expect(result.tokens).to.equal(20 * 3 * 8)
    expect(result.lastLoss).to.equal(losses.at(-1))
    expect(result.meanLoss).to.be.closeTo(losses.reduce((sum, loss) => sum + loss, 0) / 20, 1e-9)
    const windows = { sequenceLength: 8, batchSize: 8 }
    const before = evaluateText(model, text, null, job.adapter, windows).nats
    const after = evaluateText(model, text, null, result.adapter, windows).nats
    expect(after).to.be.lessThan(0.8 * before)
  })

  it('gives the same bytes for the same job, and others for another seed', () => {
    const run = (seed: number) => trainAdapter(model, text, { ...job, steps: 4, seed }, quiet).adapter
    expect(run(1)).to.deep.equal(run(1))
    expect(run(1)).not.to.deep.equal(run(2))
  })

  it('does not touch the factor that is not trained, nor the adapter it was given', () => {
    const start = job.adapter.map((value, i) => value + (i % 5) * 0.01)
    const given = start.slice()
    for (const factor of ['A', 'B'] as const) {
      const { adapter } = trainAdapter(
        model,
        text,
        { ...job, adapter: given, factors: [factor], steps: 3, weightDecay: 0.1 },
        quiet
      )
      for (const { factor: of, name, offset, length } of model.layout.tensors) {
        const isSame = adapter
          .subarray(offset, offset + length)
          .every((value, i) => value === start[offset + i])
        expect(isSame, name).to.equal(of !== factor)
      }
    }
    expect(given).to.deep.equal(start)
  })

  it('stops early and gives back the best adapter it measured', () => {
    // Noise cannot be learnt, only learnt by heart: on text set apart it soon gets worse.
    const noise = randomTokens(60, 16, 4)
    const earlyStop = { evaluateEverySteps: 5, patience: 2, holdOutFraction: 0.5 }
    const result = trainAdapter(
      model,
      { ids: noise },
      { ...job, steps: 400, learningRate: 0.05, earlyStop },
      quiet
    )
    expect(result.steps).to.be.lessThan(200)
    expect(result.steps % 5).to.equal(0)
    const measure = (adapter: Float32Array) =>
      evaluateText(model, { ids: noise.subarray(30) }, null, adapter, { sequenceLength: 8, batchSize: 3 })
        .nats
    const withoutStop = trainAdapter(
      model,
      { ids: noise.subarray(0, 30) },
      { ...job, steps: result.steps, learningRate: 0.05 },
      quiet
    )
    expect(measure(result.adapter)).to.be.at.most(measure(job.adapter))
    expect(measure(result.adapter)).to.be.lessThan(measure(withoutStop.adapter))
  })

  it('stops when it is told to', () => {
    let steps = 0
    const hooks = { onStep: () => steps++, isAborted: () => steps === 3 }
    expect(() => trainAdapter(model, text, job, hooks))
      .to.throw(TrainError)
      .with.property('code', 'ABORTED')
    expect(steps).to.equal(3)
  })

  it('says so when training diverges', () => {
    const adapter = job.adapter.map(() => 1e30)
    expect(() => trainAdapter(model, text, { ...job, adapter }, quiet))
      .to.throw(TrainError, /step 1 .*lower the learning rate/)
      .with.property('code', 'DIVERGED')
  })

  it('leaves no tensor behind', () => {
    const before = tf.memory().numTensors
    trainAdapter(model, text, { ...job, steps: 2 }, quiet)
    expect(tf.memory().numTensors).to.equal(before)
  })

  const wrong: ReadonlyArray<readonly [string, Partial<TrainJob>]> = [
    ['adapter', { adapter: new Float32Array(3) }],
    ['factors', { factors: [] }],
    ['steps', { steps: 0 }],
    ['batchSize', { batchSize: 1.5 }],
    ['sequenceLength', { sequenceLength: 33 }],
    ['learningRate', { learningRate: Number.NaN }],
    ['weightDecay', { weightDecay: -1 }],
    ['gradientClipNorm', { gradientClipNorm: 0 }],
    ['seed', { seed: 0.5 }],
    ['holdOutFraction', { earlyStop: { evaluateEverySteps: 1, patience: 1, holdOutFraction: 1 } }],
    ['evaluateEverySteps', { earlyStop: { evaluateEverySteps: 0, patience: 1, holdOutFraction: 0.5 } }],
    ['patience', { earlyStop: { evaluateEverySteps: 1, patience: 0, holdOutFraction: 0.5 } }]
  ]
  for (const [field, change] of wrong) {
    it(`refuses a job with an impossible ${field}`, () => {
      expect(() => trainAdapter(model, text, { ...job, ...change }, quiet))
        .to.throw(TrainError, new RegExp(`^${field} is .*, expected `))
        .with.property('code', 'BAD_JOB')
    })
  }

  it('refuses a text of one token', () => {
    expect(() => trainAdapter(model, { ids: Int32Array.of(1) }, job, quiet)).to.throw(TrainError, /text is 1/)
  })
})
