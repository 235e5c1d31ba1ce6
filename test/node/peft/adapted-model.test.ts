import { expect } from 'chai'
import type { AdapterFactor } from '../../../aggregation/adapter-layout.ts'
import { seededRandom } from '../../../aggregation/random.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import type { AdapterSettings } from '../../../node/peft/adapter-settings.ts'
import {
  exactTensors,
  lossSlope,
  lossSlopeAlong,
  referenceAdapter,
  referenceLogits,
  referenceLoss
} from '../../support/reference-decoder.ts'
import { useBackend } from '../../support/test-backends.ts'
import {
  openTiny,
  randomTokens,
  randomValues,
  tinyAdapters,
  tinyConfig,
  tinyFamilies,
  tinyLora,
  tinyWeights
} from '../../support/tiny-model.ts'

const tokens = { ids: randomTokens(12, 16, 15), batch: 2, time: 6 }
const targets = randomTokens(12, 16, 16)
targets[0] = -1
const bothFactors: readonly AdapterFactor[] = ['A', 'B']

/** An adapter none of whose values is zero. */
function someAdapter(model: AdaptedModel): Float32Array {
  return randomValues(model.layout.length, 17).map(value => value * 0.4)
}

function expectAllClose(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(got.length).to.equal(expected.length)
  for (let i = 0; i < got.length; i++) expect(got[i], `element ${i}`).to.be.closeTo(expected[i]!, tolerance)
}

describe('AdaptedModel', () => {
  const backend = useBackend()
  const open = (settings: AdapterSettings, config = tinyConfig) => openTiny(backend(), settings, config)

  for (const [family, config] of Object.entries(tinyFamilies)) {
    for (const [kind, settings] of Object.entries(tinyAdapters)) {
      it(`has the logits, loss and gradient of a float64 computation: ${kind} on ${family}`, async () => {
        const model = await open(settings, config)
        const adapter = someAdapter(model)
        const exact = Float64Array.from(adapter)
        const weights = exactTensors(tinyWeights(config))
        const reference = referenceAdapter(model.adapter, exact)
        const exactLoss = () => referenceLoss(config, weights, tokens, targets, reference)

        const logits = await model.logits(tokens, adapter)
        expectAllClose(logits, referenceLogits(config, weights, tokens, reference).values, 2e-5)
        const gradient = new Float32Array(adapter.length)
        const loss = await model.lossAndGradient(tokens, targets, adapter, bothFactors, gradient)
        expect(loss).to.be.closeTo(exactLoss(), 1e-5)
        for (const [i, { name, offset, length }] of model.layout.tensors.entries()) {
          const got = gradient.subarray(offset, offset + length)
          const values = exact.subarray(offset, offset + length)
          // A direction tells of every element, one element of its place.
          const direction = Float64Array.from(randomValues(length, 30 + i))
          const along = got.reduce((sum, value, at) => sum + value * direction[at]!, 0)
          expect(along, name).to.be.closeTo(lossSlopeAlong(values, direction, exactLoss), 5e-5)
          const at = (7 * i) % length
          expect(got[at], `${name} ${at}`).to.be.closeTo(lossSlope(values, at, exactLoss), 2e-5)
        }
        model.base.dispose()
      })
    }
  }

  it('has the logits of a float64 computation without an adapter', async () => {
    const model = await open(tinyLora)
    const expected = referenceLogits(tinyConfig, exactTensors(tinyWeights()), tokens).values
    expectAllClose(await model.logits(tokens, null), expected, 2e-5)
    model.base.dispose()
  })

  const selections: AdapterFactor[][] = [['A', 'B'], ['A'], ['B']]
  for (const kind of ['lora', 'houlsby']) {
    it(`gives the chosen factors of ${kind} the gradients that they have together, and leaves the others alone`, async () => {
      const model = await open(tinyAdapters[kind]!)
      const adapter = someAdapter(model)
      const all = new Float32Array(adapter.length)
      await model.lossAndGradient(tokens, targets, adapter, bothFactors, all)
      for (const factors of selections) {
        const gradient = new Float32Array(adapter.length).fill(99)
        await model.lossAndGradient(tokens, targets, adapter, factors, gradient)
        for (const { name, factor, offset, length } of model.layout.tensors) {
          const got = gradient.subarray(offset, offset + length)
          if (factors.includes(factor)) expect(got, name).to.deep.equal(all.subarray(offset, offset + length))
          else
            expect(
              got.every(value => value === 99),
              name
            ).to.equal(true)
        }
      }
      model.base.dispose()
    })
  }

  it('is the base, to the bit, while B is zero', async () => {
    const model = await open(tinyLora)
    const adapter = model.adapter.initial(seededRandom(1))
    expect(await model.logits(tokens, adapter)).to.deep.equal(await model.logits(tokens, null))
    model.base.dispose()
  })

  it('gives A no gradient while B is zero, which is why the first round trains B', async () => {
    const model = await open(tinyLora)
    const adapter = model.adapter.initial(seededRandom(1))
    const gradient = new Float32Array(adapter.length)
    await model.lossAndGradient(tokens, targets, adapter, ['A', 'B'], gradient)
    for (const { factor, offset, length } of model.layout.tensors) {
      const isZero = gradient.subarray(offset, offset + length).every(value => value === 0)
      expect(isZero).to.equal(factor === 'A')
    }
    model.base.dispose()
  })

  it('nextLogits are those of the last position', async () => {
    const model = await open(tinyLora)
    const adapter = someAdapter(model)
    for (const length of [1, 5, 16, 17, 32]) {
      const ids = randomTokens(length, 16, length)
      const all = (await model.logits({ ids, batch: 1, time: length }, adapter)).slice(-16)
      const cache = model.cache()
      const next = await model.nextLogits(ids, cache, adapter)
      cache.dispose()
      for (const [i, value] of all.entries()) expect(next[i], `length ${length}`).to.be.closeTo(value, 1e-5)
    }
    model.base.dispose()
  })

  it('leaves no tensor behind', async () => {
    const before = backend().memory().tensors
    const model = await open(tinyLora)
    const adapter = someAdapter(model)
    const gradient = new Float32Array(adapter.length)
    const everything = async () => {
      for (const factors of selections)
        await model.lossAndGradient(tokens, targets, adapter, factors, gradient)
      await model.nats(tokens, targets, adapter)
      await model.nats(tokens, targets, null)
      await model.logits(tokens, adapter)
      const cache = model.cache()
      await model.nextLogits(tokens.ids, cache, adapter)
      cache.dispose()
    }
    await everything()
    const afterOne = backend().memory().tensors
    await everything()
    expect(backend().memory().tensors).to.equal(afterOne)
    model.base.dispose()
    expect(backend().memory().tensors).to.equal(before)
  })
})
