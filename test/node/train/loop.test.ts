import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { TrainError, type TrainErrorCode } from '../../../node/train/errors.ts'
import { evaluateText } from '../../../node/train/evaluate.ts'
import { trainAdapter } from '../../../node/train/loop.ts'
import type { TrainJob } from '../../../node/train/trainer.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny, randomTokens, tinyShard } from '../../support/tiny-model.ts'

/** What the training that `run` starts ends with. */
async function failure(run: () => Promise<unknown>, code: TrainErrorCode): Promise<TrainError> {
  const error = await run().then(
    () => new Error('the job did not fail'),
    error => error
  )
  expect(error).to.be.instanceOf(TrainError)
  expect(error.code).to.equal(code)
  return error
}

const quiet = { onStep: () => {}, isAborted: () => false }
const text = { ids: tinyShard().train }

describe('trainAdapter', () => {
  const backend = useBackend()
  let model: AdaptedModel
  let job: TrainJob

  before(async () => {
    model = await openTiny(backend())
    job = {
      adapter: model.adapter.initial(seededRandom(1)),
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

  it('learns, and reports every step', async () => {
    const losses: number[] = []
    const result = await trainAdapter(model, text, job, { ...quiet, onStep: (_, loss) => losses.push(loss) })
    expect(losses).to.have.length(20)
    expect(result.steps).to.equal(20)
    expect(result.tokens).to.equal(20 * 3 * 8)
    expect(result.lastLoss).to.equal(losses.at(-1))
    expect(result.meanLoss).to.be.closeTo(losses.reduce((sum, loss) => sum + loss, 0) / 20, 1e-9)
    const windows = { sequenceLength: 8, batchSize: 8 }
    const { nats: before } = await evaluateText(model, text, null, job.adapter, windows)
    const { nats: after } = await evaluateText(model, text, null, result.adapter, windows)
    expect(after).to.be.lessThan(0.8 * before)
  })

  it('gives the same bytes for the same job, and others for another seed', async () => {
    const run = async (seed: number) =>
      (await trainAdapter(model, text, { ...job, steps: 4, seed }, quiet)).adapter
    const first = await run(1)
    expect(await run(1)).to.deep.equal(first)
    expect(await run(2)).not.to.deep.equal(first)
  })

  it('does not touch the factor that is not trained, nor the adapter it was given', async () => {
    const start = job.adapter.map((value, i) => value + (i % 5) * 0.01)
    const given = start.slice()
    for (const factor of ['A', 'B'] as const) {
      const { adapter } = await trainAdapter(
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

  it('stops early and gives back the best adapter it measured', async () => {
    // Noise cannot be learnt, only learnt by heart: on text set apart it soon gets worse.
    const noise = randomTokens(60, 16, 4)
    const earlyStop = { evaluateEverySteps: 5, patience: 2, holdOutFraction: 0.5 }
    const result = await trainAdapter(
      model,
      { ids: noise },
      { ...job, steps: 400, learningRate: 0.05, earlyStop },
      quiet
    )
    expect(result.steps).to.be.lessThan(200)
    expect(result.steps % 5).to.equal(0)
    const windows = { sequenceLength: 8, batchSize: 3 }
    const measure = async (adapter: Float32Array) =>
      (await evaluateText(model, { ids: noise.subarray(30) }, null, adapter, windows)).nats
    const withoutStop = await trainAdapter(
      model,
      { ids: noise.subarray(0, 30) },
      { ...job, steps: result.steps, learningRate: 0.05 },
      quiet
    )
    expect(await measure(result.adapter)).to.be.at.most(await measure(job.adapter))
    expect(await measure(result.adapter)).to.be.lessThan(await measure(withoutStop.adapter))
  })

  it('stops when it is told to', async () => {
    let steps = 0
    const hooks = { onStep: () => steps++, isAborted: () => steps === 3 }
    await failure(() => trainAdapter(model, text, job, hooks), 'ABORTED')
    expect(steps).to.equal(3)
  })

  it('says so when training diverges', async () => {
    const adapter = job.adapter.map(() => 1e30)
    const { message } = await failure(() => trainAdapter(model, text, { ...job, adapter }, quiet), 'DIVERGED')
    expect(message).to.match(/step 1 .*lower the learning rate/)
  })

  it('leaves no tensor behind', async () => {
    const before = backend().memory().tensors
    await trainAdapter(model, text, { ...job, steps: 2 }, quiet)
    expect(backend().memory().tensors).to.equal(before)
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
    it(`refuses a job with an impossible ${field}`, async () => {
      const error = await failure(() => trainAdapter(model, text, { ...job, ...change }, quiet), 'BAD_JOB')
      expect(error.message).to.match(new RegExp(`^${field} is .*, expected `))
    })
  }

  it('refuses a text of one token', async () => {
    const error = await failure(() => trainAdapter(model, { ids: Int32Array.of(1) }, job, quiet), 'BAD_JOB')
    expect(error.message).to.match(/text is 1/)
  })
})
