import { expect } from 'chai'
import type { AdapterFactor } from '../../../aggregation/adapter-layout.ts'
import { seededRandom } from '../../../aggregation/random.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { type LoraSettings, loraScale } from '../../../node/peft/lora.ts'
import { batchLogits, loraOf, lossSlope } from '../../support/model-reference.ts'
import { referenceCrossEntropy } from '../../support/reference-llama.ts'
import { useBackend } from '../../support/test-backends.ts'
import {
  openTiny,
  randomTokens,
  randomValues,
  tinyConfig,
  tinyLora,
  tinyWeights
} from '../../support/tiny-model.ts'

const tokens = { ids: randomTokens(12, 16, 15), batch: 2, time: 6 }
const targets = randomTokens(12, 16, 16)
targets[0] = -1
const allLinear: LoraSettings = { ...tinyLora, alpha: 3 }

/** An adapter none of whose values is zero. */
function someAdapter(model: AdaptedModel): Float32Array {
  return randomValues(model.layout.length, 17).map(value => value * 0.4)
}

describe('AdaptedModel', () => {
  const backend = useBackend()
  const open = (settings: LoraSettings, config = tinyConfig) => openTiny(backend(), settings, config)

  for (const tiedEmbeddings of [true, false]) {
    it(`has the logits of a float64 computation, ${tiedEmbeddings ? 'tied' : 'untied'} embeddings`, async () => {
      const config = { ...tinyConfig, tiedEmbeddings }
      const model = await open(allLinear, config)
      const adapter = someAdapter(model)
      const weights = tinyWeights(config)
      const lora = loraOf(model.layout, adapter, loraScale(allLinear))
      const pairs = [
        [await model.logits(tokens, adapter), batchLogits(config, weights, tokens, lora).flat()],
        [await model.logits(tokens, null), batchLogits(config, weights, tokens).flat()]
      ] as const
      for (const [got, expected] of pairs) {
        expect(got).to.have.length(expected.length)
        for (const [i, value] of expected.entries()) expect(got[i]).to.be.closeTo(value, 2e-5)
      }
      model.base.dispose()
    })
  }

  const selections: AdapterFactor[][] = [['A', 'B'], ['A'], ['B']]
  const targetChoices: LoraSettings['targetModules'][] = [
    'all-linear',
    ['v_proj', 'up_proj'],
    ['k_proj', 'o_proj']
  ]
  for (const factors of selections) {
    for (const targetModules of targetChoices) {
      it(`has the gradient of a float64 computation: ${factors.join(' and ')} of ${targetModules}`, async () => {
        const settings: LoraSettings = { ...allLinear, targetModules }
        const model = await open(settings)
        const adapter = someAdapter(model)
        const gradient = new Float32Array(adapter.length).fill(99)
        const loss = await model.lossAndGradient(tokens, targets, adapter, factors, gradient)

        const exact = Float64Array.from(adapter)
        const weights = tinyWeights()
        const exactLoss = () => {
          const lora = loraOf(model.layout, exact, loraScale(settings))
          return referenceCrossEntropy(batchLogits(tinyConfig, weights, tokens, lora), targets)
        }
        expect(loss).to.be.closeTo(exactLoss(), 1e-5)
        for (const { name, factor, offset, length } of model.layout.tensors) {
          for (let i = offset; i < offset + length; i += 3) {
            const expected = factors.includes(factor) ? lossSlope(exact as Float64Array, i, exactLoss) : 99
            expect(gradient[i], `${name} ${i - offset}`).to.be.closeTo(expected, 2e-5)
          }
        }
        model.base.dispose()
      })
    }
  }

  it('is the base, to the bit, while B is zero', async () => {
    const model = await open(allLinear)
    const adapter = model.adapter.initial(seededRandom(1))
    expect(await model.logits(tokens, adapter)).to.deep.equal(await model.logits(tokens, null))
    model.base.dispose()
  })

  it('gives A no gradient while B is zero, which is why the first round trains B', async () => {
    const model = await open(allLinear)
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
    const model = await open(allLinear)
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
    const model = await open(allLinear)
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
