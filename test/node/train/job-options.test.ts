import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { TrainError } from '../../../node/train/errors.ts'
import { type PowerGate, type TrainOptions, trainAdapter } from '../../../node/train/loop.ts'
import type { TrainJob, TrainResult } from '../../../node/train/trainer.ts'
import { keptStates } from '../../support/kept-states.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny, tinyLora, tinyShard } from '../../support/tiny-model.ts'

const text = { ids: tinyShard().train }

describe('a training job', () => {
  const backend = useBackend()
  let model: AdaptedModel
  let job: TrainJob

  before(async () => {
    model = await openTiny(backend())
    job = {
      adapter: model.adapter.initial(seededRandom(1)).map((value, i) => value + (i % 3) * 0.01),
      factors: ['A', 'B'],
      steps: 6,
      batchSize: 4,
      sequenceLength: 8,
      learningRate: 0.05,
      weightDecay: 0,
      gradientClipNorm: 1e6,
      seed: 7
    }
  })

  const train = (change: Partial<TrainJob> = {}, options: TrainOptions = {}): Promise<TrainResult> =>
    trainAdapter(model, text, { ...job, ...change }, { onStep: () => {}, isAborted: () => false }, options)

  const distance = (a: Float32Array, b: Float32Array): number =>
    Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0))

  describe('has its optimizer', () => {
    it('SGD goes as far as learning rate and slope say, and half as far in the first of two steps of warm-up', async () => {
      const sgd = { optimizer: { name: 'sgd' as const }, steps: 1 }
      const [whole, half] = [await train(sgd), await train({ ...sgd, warmupSteps: 2 })]
      const gradient = new Float32Array(job.adapter.length)
      // The same batch: the first that the seed draws.
      const doubled = await train({ ...sgd, learningRate: 0.1 })
      for (const [i, start] of job.adapter.entries()) {
        gradient[i] = (start - whole.adapter[i]!) / 0.05
        expect(half.adapter[i]! - start).to.be.closeTo(-0.025 * gradient[i]!, 1e-6)
        expect(doubled.adapter[i]! - start).to.be.closeTo(-0.1 * gradient[i]!, 1e-6)
      }
      expect(gradient.some(slope => Math.abs(slope) > 1e-3)).to.equal(true)
    })

    it('momentum and betas change the second step, not the first', async () => {
      const adapterAfter = async (steps: number, optimizer: TrainJob['optimizer'] & {}) =>
        (await train({ steps, optimizer })).adapter
      expect(await adapterAfter(1, { name: 'sgd', momentum: 0.9 })).to.deep.equal(
        await adapterAfter(1, { name: 'sgd' })
      )
      expect(await adapterAfter(2, { name: 'sgd', momentum: 0.9 })).not.to.deep.equal(
        await adapterAfter(2, { name: 'sgd' })
      )
      const [slow, plain] = [
        await adapterAfter(3, { name: 'adamw', beta1: 0.99 }),
        await adapterAfter(3, { name: 'adamw' })
      ]
      expect(slow).not.to.deep.equal(plain)
      expect(plain).to.deep.equal((await train({ steps: 3 })).adapter)
    })
  })

  it('goes less far the later the step under a cosine', async () => {
    const rates = { optimizer: { name: 'sgd' as const }, schedule: 'cosine' as const }
    const [constant, cosine] = [await train({ ...rates, schedule: 'constant' }), await train(rates)]
    expect(distance(cosine.adapter, job.adapter)).to.be.below(distance(constant.adapter, job.adapter))
  })

  it('stays nearer to where it began, the stronger the proximal term', async () => {
    const ways = []
    for (const proximalMu of [0, 1, 10]) {
      const { adapter } = await train({ proximalMu, optimizer: { name: 'sgd' }, steps: 12 })
      ways.push(distance(adapter, job.adapter))
    }
    expect(ways[1]).to.be.below(ways[0]!)
    expect(ways[2]).to.be.below(0.7 * ways[1]!)
  })

  it('comes to the same in pieces of a batch, within rounding, dropout included', async () => {
    const dropping = await openTiny(backend(), { ...tinyLora, dropout: 0.2 })
    for (const trained of [model, dropping]) {
      const run = (options: TrainOptions) =>
        trainAdapter(trained, text, job, { onStep: () => {}, isAborted: () => false }, options)
      const whole = await run({})
      for (const plan of [
        { microBatchSize: 1, mode: 'record' as const },
        { microBatchSize: 3, mode: 'checkpoint' as const }
      ]) {
        const inPieces = await run({ plan })
        expect(inPieces.meanLoss).to.be.closeTo(whole.meanLoss, 1e-5)
        for (const [i, value] of whole.adapter.entries())
          expect(inPieces.adapter[i]).to.be.closeTo(value, 2e-4)
      }
    }
  })

  describe('has so much time', () => {
    /** Every look at the clock takes 5 s, and a step two of them. */
    const slowClock = () => {
      let nowMs = 0
      return { nowMs: () => (nowMs += 5_000) }
    }

    it('and ends with the step after which another one would pass it', async () => {
      const result = await train({}, { clock: slowClock(), secondsMax: 22 })
      expect(result).to.include({ steps: 4, endedBy: 'seconds', seconds: 20 })
      expect(result.tokens).to.equal(4 * 4 * 8)
    })

    it('but does one step in any case, and no more than asked for', async () => {
      expect(await train({}, { clock: slowClock(), secondsMax: 1 })).to.include({
        steps: 1,
        endedBy: 'seconds'
      })
      expect(await train({}, { clock: slowClock(), secondsMax: 1e6 })).to.include({
        steps: 6,
        endedBy: 'steps'
      })
    })

    it('of which what it took before an interruption is a part', async () => {
      const kept = keptStates({ steps: 1 })
      await train({ steps: 6 }, { clock: slowClock(), checkpoints: kept })
      const from = { ...kept.states[1]!, spentMs: 30_000 }
      const options = { clock: slowClock(), secondsMax: 46, checkpoints: keptStates({ steps: 99 }, from) }
      expect(await train({}, options)).to.include({ steps: 5, endedBy: 'seconds', seconds: 45 })
    })
  })

  describe('depends on power', () => {
    it('does fewer steps where only those are allowed', async () => {
      const power: PowerGate = { stepsAllowed: steps => steps / 3, pause: () => null }
      expect(await train({}, { power })).to.include({ steps: 2, endedBy: 'power' })
    })

    it('waits while there is none, with its state kept, and goes on as if nothing had been', async () => {
      const kept = keptStates({ steps: 100 })
      let asked = 0
      const resumed = Promise.withResolvers<void>()
      const power: PowerGate = {
        stepsAllowed: steps => steps,
        pause() {
          if (asked++ !== 3) return null
          return Promise.resolve().then(() => {
            expect(kept.states.map(({ steps }) => steps)).to.deep.equal([3])
            resumed.resolve()
          })
        }
      }
      const result = await train({}, { power, checkpoints: kept })
      await resumed.promise
      expect(result).to.deep.equal(await train())
    })

    it('can be given up while it waits', async () => {
      const stop = new AbortController()
      const power: PowerGate = {
        stepsAllowed: steps => steps,
        pause: () => (stop.signal.aborted ? null : Promise.resolve().then(() => stop.abort()))
      }
      const hooks = { onStep: () => {}, isAborted: () => stop.signal.aborted }
      const error = await trainAdapter(model, text, job, hooks, { power }).catch(error => error)
      expect(error).to.be.instanceOf(TrainError).and.to.have.property('code', 'ABORTED')
    })
  })

  const wrong: ReadonlyArray<readonly [string, Partial<TrainJob>, TrainOptions?]> = [
    ['warmupSteps', { warmupSteps: -1 }],
    ['proximalMu', { proximalMu: Number.NaN }],
    ['momentum', { optimizer: { name: 'sgd', momentum: 2 } }],
    ['microBatchSize', {}, { plan: { microBatchSize: 0, mode: 'record' } }]
  ]
  for (const [field, change, options] of wrong) {
    it(`is refused with an impossible ${field}`, async () => {
      const error = await train(change, options).catch(error => error)
      expect(error).to.be.instanceOf(TrainError).and.to.have.property('code', 'BAD_JOB')
      expect(error.message).to.match(new RegExp(`^${field} is .*, expected `))
    })
  }
})
