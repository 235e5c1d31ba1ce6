import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import type { AdapterSettings } from '../../../node/peft/adapter-settings.ts'
import { prefixDefaults } from '../../../node/peft/adapter-settings.ts'
import { TrainError } from '../../../node/train/errors.ts'
import { type TrainOptions, trainAdapter } from '../../../node/train/loop.ts'
import type { TokenText } from '../../../node/train/token-text.ts'
import type { TrainJob, TrainResult } from '../../../node/train/trainer.ts'
import { keptStates } from '../../support/kept-states.ts'
import { testBackends, useBackend } from '../../support/test-backends.ts'
import { openTiny, randomTokens, tinyLora, tinyShard } from '../../support/tiny-model.ts'

const steps = 7
const stream: TokenText = { ids: tinyShard().train }
/** Examples of 5 to 9 tokens, the first two of each only read: an epoch is over within a few steps. */
const examples: TokenText = (() => {
  const lengths = Array.from({ length: 12 }, (_, i) => 5 + (i % 5))
  const starts = Int32Array.from(lengths, (_, i) => lengths.slice(0, i).reduce((sum, n) => sum + n, 0))
  const length = lengths.reduce((sum, n) => sum + n, 0)
  const counts = new Uint8Array(length).fill(1)
  for (const start of starts) counts.fill(0, start, start + 2)
  return { ids: randomTokens(length, 16, 9), examples: { starts, counts } }
})()

const cases: ReadonlyArray<{
  readonly name: string
  readonly text?: TokenText
  readonly adapter?: AdapterSettings
  readonly job?: Partial<TrainJob>
  readonly options?: TrainOptions
  readonly endedBy?: TrainResult['endedBy']
}> = [
  { name: 'AdamW' },
  {
    name: 'SGD with momentum, warm-up, cosine, decay and the proximal term',
    job: {
      optimizer: { name: 'sgd', momentum: 0.9 },
      warmupSteps: 2,
      schedule: 'cosine',
      weightDecay: 0.1,
      proximalMu: 0.5
    }
  },
  { name: 'examples packed anew in every epoch', text: examples },
  {
    name: 'dropout in pieces of a batch',
    adapter: { ...tinyLora, dropout: 0.3 },
    options: { plan: { microBatchSize: 2, mode: 'checkpoint' } }
  },
  { name: 'one factor', job: { factors: ['B'] } },
  { name: 'a prefix', adapter: { ...prefixDefaults, virtualTokens: 2 } },
  {
    name: 'early stopping',
    // Noise, which can only be learnt by heart.
    text: { ids: randomTokens(60, 16, 4) },
    job: { learningRate: 0.2, earlyStop: { evaluateEverySteps: 1, patience: 3, holdOutFraction: 0.5 } },
    endedBy: 'early-stop'
  }
]

describe('training that goes on from a checkpoint', () => {
  for (const [i, backendName] of testBackends.entries()) {
    describe(`on ${backendName}`, () => {
      const backend = useBackend(backendName)
      // What is not the backend's doing need not be seen twice.
      for (const tried of i === 0 ? cases : cases.slice(0, 1)) {
        const { name, text = stream, adapter = tinyLora, job: change = {}, options = {} } = tried
        it(`continues as if never interrupted, to the last bit, after every step: ${name}`, async () => {
          const model = await openTiny(backend(), adapter)
          const job = { ...jobFor(model), ...change }
          const every = keptStates({ steps: 1 })
          const whole = await run(model, text, job, { ...options, checkpoints: every })
          expect(whole.result.endedBy).to.equal(tried.endedBy ?? 'steps')
          expect(every.states.map(state => state.steps).slice(0, whole.losses.length)).to.deep.equal(
            whole.losses.map((_, i) => i + 1)
          )
          expect(every.states.at(-1)!.losses).to.deep.equal(whole.losses)
          for (const from of every.states) {
            const kept = keptStates({ steps: 1000 }, structuredClone(from))
            const rest = await run(model, text, job, { ...options, checkpoints: kept })
            expect(rest.losses).to.deep.equal(whole.losses.slice(from.steps))
            expect(rest.result).to.deep.equal(whole.result)
          }
          model.base.dispose()
        })
      }
    })
  }
})

describe('the checkpoints of a job', () => {
  const backend = useBackend()
  let model: AdaptedModel
  before(async () => {
    model = await openTiny(backend())
  })

  const stepsKept = async (job: TrainJob, options: TrainOptions, kept: ReturnType<typeof keptStates>) => {
    const { result } = await run(model, stream, job, { ...options, checkpoints: kept })
    return { kept: kept.states.map(state => state.steps), steps: result.steps }
  }

  it('are left every so many steps, and at the end if there was one before', async () => {
    const job = jobFor(model)
    expect((await stepsKept(job, {}, keptStates({ steps: 3 }))).kept).to.deep.equal([3, 6, 7])
    expect((await stepsKept(job, {}, keptStates({ steps: 8 }))).kept).to.deep.equal([])
  })

  it('are left every so many milliseconds', async () => {
    let nowMs = 5
    const clock = { nowMs: () => (nowMs += 10) }
    // Asked at the start; before, after and at the end of each step; and after a checkpoint.
    const { kept } = await stepsKept(jobFor(model), { clock }, keptStates({ ms: 75 }))
    expect(kept).to.deep.equal([3, 6, 7])
  })

  it('are left when the job is given up', async () => {
    const kept = keptStates({ steps: 1000 })
    let done = 0
    const hooks = { onStep: () => done++, isAborted: () => done === 4 }
    const error = await trainAdapter(model, stream, jobFor(model), hooks, { checkpoints: kept }).catch(e => e)
    expect(error).to.be.instanceOf(TrainError).and.to.have.property('code', 'ABORTED')
    expect(kept.states.map(state => state.steps)).to.deep.equal([4])
  })
})

function jobFor(model: AdaptedModel): TrainJob {
  return {
    adapter: model.adapter.initial(seededRandom(1)).map((value, i) => value + (i % 3) * 0.01),
    factors: ['A', 'B'],
    steps,
    batchSize: 3,
    sequenceLength: 8,
    learningRate: 0.02,
    weightDecay: 0,
    gradientClipNorm: 1,
    seed: 7
  }
}

async function run(
  model: AdaptedModel,
  text: TokenText,
  job: TrainJob,
  options: TrainOptions
): Promise<{ losses: number[]; result: TrainResult }> {
  const losses: number[] = []
  const hooks = { onStep: (_: number, loss: number) => losses.push(loss), isAborted: () => false }
  return { result: await trainAdapter(model, text, job, hooks, options), losses }
}
