import { expect } from 'chai'
import fc from 'fast-check'
import { seededRandom } from '../../../aggregation/random.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import {
  type AdapterSettings,
  bottleneckDefaults,
  prefixDefaults
} from '../../../node/peft/adapter-settings.ts'
import type { TrainingBatch } from '../../../node/train/batches.ts'
import { batchGradient, microBatches, type StepPlan } from '../../../node/train/micro-batches.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny, randomTokens, randomValues, tinyLora } from '../../support/tiny-model.ts'

/** Rows of a batch have one target that counts, two, and so on, but for the rows named, which have none. */
function batchOf(batch: number, time: number, empty: readonly number[] = []): TrainingBatch {
  const targets = randomTokens(batch * time, 16, 2)
  for (let row = 0; row < batch; row++) {
    const counted = empty.includes(row) ? 0 : 1 + (row % time)
    targets.fill(-1, row * time, (row + 1) * time - counted)
  }
  return { tokens: { ids: randomTokens(batch * time, 16, 1), batch, time }, targets }
}

describe('microBatches', () => {
  it('are the windows of the batch in order, without those that predict nothing', () => {
    const sizes = fc.record({
      batch: fc.integer({ min: 1, max: 9 }),
      time: fc.integer({ min: 1, max: 4 }),
      size: fc.integer({ min: 1, max: 10 }),
      empty: fc.uniqueArray(fc.nat(8))
    })
    fc.assert(
      fc.property(sizes, ({ batch, time, size, empty }) => {
        const whole = batchOf(batch, time, empty)
        const pieces = microBatches(whole, size)
        const seen = new Set<number>()
        for (const { tokens, targets, firstWindow, counted } of pieces) {
          expect(firstWindow % size).to.equal(0)
          expect(tokens.batch).to.equal(Math.min(size, batch - firstWindow))
          const [from, to] = [firstWindow * time, (firstWindow + tokens.batch) * time]
          expect(tokens.ids).to.deep.equal(whole.tokens.ids.subarray(from, to))
          expect(targets).to.deep.equal(whole.targets.subarray(from, to))
          expect(counted)
            .to.equal(targets.filter(target => target >= 0).length)
            .and.to.be.above(0)
          for (let row = firstWindow; row < firstWindow + tokens.batch; row++) seen.add(row)
        }
        for (let row = 0; row < batch; row++) if (!empty.includes(row)) expect(seen.has(row)).to.equal(true)
      })
    )
  })
})

describe('the gradient of a batch in pieces', () => {
  const backend = useBackend()
  const adapters: ReadonlyArray<readonly [string, AdapterSettings]> = [
    ['lora', tinyLora],
    ['lora with dropout', { ...tinyLora, dropout: 0.4 }],
    ['bottleneck', { ...bottleneckDefaults, reductionFactor: 2 }],
    ['prefix', { ...prefixDefaults, virtualTokens: 3 }]
  ]
  const plans: readonly StepPlan[] = [
    { microBatchSize: 1, mode: 'record' },
    { microBatchSize: 2, mode: 'record' },
    { microBatchSize: 5, mode: 'checkpoint' },
    { microBatchSize: 2, mode: 'checkpoint' }
  ]
  const batch = batchOf(5, 6, [3])

  const gradientOf = async (model: AdaptedModel, plan: StepPlan, seed = 'a seed') => {
    const adapter = randomValues(model.layout.length, 3).map(value => value * 0.3)
    const gradient = new Float32Array(adapter.length)
    const loss = await batchGradient(model, batch, adapter, ['A', 'B'], plan, gradient, seed)
    return { loss, gradient }
  }

  for (const [name, settings] of adapters) {
    it(`is that of the whole within rounding: ${name}`, async () => {
      const model = await openTiny(backend(), settings)
      const whole = await gradientOf(model, { microBatchSize: 5, mode: 'record' })
      const largest = whole.gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      expect(largest).to.be.above(1e-3)
      for (const plan of plans) {
        const { loss, gradient } = await gradientOf(model, plan)
        expect(loss).to.be.closeTo(whole.loss, 1e-6)
        for (const [i, value] of whole.gradient.entries()) {
          expect(gradient[i]! - value, `${i}, ${JSON.stringify(plan)}`).to.be.closeTo(0, 2e-6 * largest)
        }
      }
      model.base.dispose()
    })
  }

  it('drops other elements with another seed', async () => {
    const model = await openTiny(backend(), { ...tinyLora, dropout: 0.4 })
    const [a, b] = [
      await gradientOf(model, { microBatchSize: 2, mode: 'record' }, 'one'),
      await gradientOf(model, { microBatchSize: 2, mode: 'record' }, 'two')
    ]
    expect(a.loss).not.to.equal(b.loss)
    model.base.dispose()
  })

  it('holds less memory, the smaller the pieces', async () => {
    const model = await openTiny(backend())
    const random = seededRandom(4)
    const wide: TrainingBatch = {
      tokens: { ids: randomTokens(128, 16, random.nextUint32()), batch: 8, time: 16 },
      targets: randomTokens(128, 16, 6)
    }
    const held: number[] = []
    const watched = watchTensors(model)
    for (const microBatchSize of [1, 2, 8]) {
      const adapter = model.adapter.initial(seededRandom(1))
      const plan: StepPlan = { microBatchSize, mode: 'record' }
      watched.peak = 0
      await batchGradient(model, wide, adapter, ['B'], plan, new Float32Array(adapter.length), 's')
      held.push(watched.peak)
    }
    expect(held[0]! * 1.5).to.be.below(held[1]!)
    expect(held[1]! * 2).to.be.below(held[2]!)
    model.base.dispose()
  })
})

/** Bytes of tensors at every product; the backend's own peak never falls. */
function watchTensors(model: AdaptedModel): { peak: number } {
  const watched = { peak: 0 }
  const { backend } = model.base
  const { matmul } = backend
  backend.matmul = (...args) => {
    watched.peak = Math.max(watched.peak, backend.memory().bytes)
    return matmul(...args)
  }
  return watched
}
