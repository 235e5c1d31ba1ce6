import * as tf from '@tensorflow/tfjs'
import { expect } from 'chai'
import type { LoraFactor } from '../../../aggregation/adapter-layout.ts'
import { seededRandom } from '../../../aggregation/random.ts'
import { FrozenModel } from '../../../node/model/frozen-model.ts'
import type { LlamaConfig } from '../../../node/model/model-config.ts'
import { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { initialLora, type LoraSettings, loraScale } from '../../../node/peft/lora.ts'
import { batchLogits, loraOf, lossSlope } from '../../support/model-reference.ts'
import { referenceCrossEntropy } from '../../support/reference-llama.ts'
import { randomTokens, randomValues, tinyConfig, tinyWeights, useBackend } from '../../support/tiny-model.ts'

const tokens = { ids: randomTokens(12, 16, 15), batch: 2, time: 6 }
const targets = randomTokens(12, 16, 16)
targets[0] = -1
const allLinear: LoraSettings = { rank: 2, alpha: 3, targetModules: 'all-linear' }

function open(settings: LoraSettings, config: LlamaConfig = tinyConfig): AdaptedModel {
  return new AdaptedModel(new FrozenModel(config, tinyWeights(config)), settings)
}

/** An adapter none of whose values is zero. */
function someAdapter(model: AdaptedModel): Float32Array {
  return randomValues(model.layout.length, 17).map(value => value * 0.4)
}

describe('AdaptedModel', () => {
  useBackend('wasm')

  for (const tiedEmbeddings of [true, false]) {
    it(`has the logits of a float64 computation, ${tiedEmbeddings ? 'tied' : 'untied'} embeddings`, () => {
      const config = { ...tinyConfig, tiedEmbeddings }
      const model = open(allLinear, config)
      const adapter = someAdapter(model)
      const weights = tinyWeights(config)
      const lora = loraOf(model.layout, adapter, loraScale(allLinear))
      const pairs = [
        [model.logits(tokens, adapter), batchLogits(config, weights, tokens, lora).flat()],
        [model.logits(tokens, null), batchLogits(config, weights, tokens).flat()]
      ] as const
      for (const [got, expected] of pairs) {
        expect(got).to.have.length(expected.length)
        for (const [i, value] of expected.entries()) expect(got[i]).to.be.closeTo(value, 2e-5)
      }
      model.base.dispose()
    })
  }

  const selections: LoraFactor[][] = [['A', 'B'], ['A'], ['B']]
  const targetChoices: LoraSettings['targetModules'][] = [
    'all-linear',
    ['v_proj', 'up_proj'],
    ['k_proj', 'o_proj']
  ]
  for (const factors of selections) {
    for (const targetModules of targetChoices) {
      it(`has the gradient of a float64 computation: ${factors.join(' and ')} of ${targetModules}`, () => {
        const settings: LoraSettings = { rank: 2, alpha: 3, targetModules }
        const model = open(settings)
        const adapter = someAdapter(model)
        const gradient = new Float32Array(adapter.length).fill(99)
        const loss = model.lossAndGradient(tokens, targets, adapter, factors, gradient)

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

  it('is the base, to the bit, while B is zero', () => {
    const model = open(allLinear)
    const adapter = initialLora(model.layout, seededRandom(1))
    expect(model.logits(tokens, adapter)).to.deep.equal(model.logits(tokens, null))
    model.base.dispose()
  })

  it('gives A no gradient while B is zero, which is why the first round trains B', () => {
    const model = open(allLinear)
    const adapter = initialLora(model.layout, seededRandom(1))
    const gradient = new Float32Array(adapter.length)
    model.lossAndGradient(tokens, targets, adapter, ['A', 'B'], gradient)
    for (const { factor, offset, length } of model.layout.tensors) {
      const isZero = gradient.subarray(offset, offset + length).every(value => value === 0)
      expect(isZero).to.equal(factor === 'A')
    }
    model.base.dispose()
  })

  it('nextLogits are those of the last position, whatever the padding', () => {
    const model = open(allLinear)
    const adapter = someAdapter(model)
    for (const length of [1, 5, 16, 17, 32]) {
      const ids = randomTokens(length, 16, length)
      const all = model.logits({ ids, batch: 1, time: length }, adapter).slice(-16)
      const next = model.nextLogits(ids, adapter)
      for (const [i, value] of all.entries()) expect(next[i], `length ${length}`).to.be.closeTo(value, 1e-5)
    }
    model.base.dispose()
  })

  it('leaves no tensor behind', () => {
    const before = tf.memory().numTensors
    const model = open(allLinear)
    const adapter = someAdapter(model)
    const gradient = new Float32Array(adapter.length)
    const everything = () => {
      for (const factors of selections) model.lossAndGradient(tokens, targets, adapter, factors, gradient)
      model.nats(tokens, targets, adapter)
      model.nats(tokens, targets, null)
      model.logits(tokens, adapter)
      model.nextLogits(tokens.ids, adapter)
    }
    everything()
    const afterOne = tf.memory().numTensors
    everything()
    expect(tf.memory().numTensors).to.equal(afterOne)
    model.base.dispose()
    expect(tf.memory().numTensors).to.equal(before)
  })
})
