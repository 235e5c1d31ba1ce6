import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { ModelError } from '../../../node/model/errors.ts'
import type { ModelConfig } from '../../../node/model/model-config.ts'
import type { NamedTensor } from '../../../node/model/safetensors.ts'
import { initialWeights, TrainedModel } from '../../../node/model/trained-model.ts'
import { memoryWeights } from '../../../node/model/weight-source.ts'
import { AdamW, adamWDefaults } from '../../../node/train/optimizer.ts'
import { exactTensors, lossSlope, lossSlopeAlong, referenceLoss } from '../../support/reference-decoder.ts'
import { useBackend } from '../../support/test-backends.ts'
import {
  randomTokens,
  randomValues,
  tinyConfig,
  tinyFamilies,
  tinyWeights
} from '../../support/tiny-model.ts'

const tokens = { ids: randomTokens(10, 16, 5), batch: 2, time: 5 }
const targets = randomTokens(10, 16, 6)
targets[3] = -1

describe('TrainedModel, all weights trained', () => {
  const backend = useBackend()
  const open = (config = tinyConfig, weights: ReadonlyMap<string, NamedTensor> = tinyWeights(config)) =>
    TrainedModel.load(backend(), config, memoryWeights(weights))

  for (const [family, config] of Object.entries(tinyFamilies)) {
    it(`has the loss and the gradient of a float64 computation: ${family}`, async () => {
      const weights = tinyWeights(config)
      const model = await open(config, weights)
      const gradient = new Float32Array(model.parameters.length)
      const loss = await model.lossAndGradient(tokens, targets, gradient)

      const exact = exactTensors(weights)
      const exactLoss = () => referenceLoss(config, exact, tokens, targets)
      expect(loss).to.be.closeTo(exactLoss(), 1e-5)
      expect(await model.nats(tokens, targets)).to.be.closeTo(exactLoss() * 9, 1e-4)

      // The gradient comes back under the names of the weights if it is put where they lie.
      model.parameters.set(gradient)
      const byName = model.weights()
      expect([...byName.keys()].sort()).to.deep.equal([...weights.keys()].sort())
      for (const [i, [name, { values }]] of [...exact].entries()) {
        const got = byName.get(name)!.data
        // A direction tells of every element, one element of its place.
        const direction = Float64Array.from(randomValues(values.length, 30 + i))
        const along = got.reduce((sum, value, at) => sum + value * direction[at]!, 0)
        expect(along, name).to.be.closeTo(lossSlopeAlong(values, direction, exactLoss), 5e-5)
        const at = (7 * i) % values.length
        expect(got[at], `${name} ${at}`).to.be.closeTo(lossSlope(values, at, exactLoss), 2e-5)
      }
      model.dispose()
    })
  }

  it('learns a text by heart', async () => {
    const model = await open()
    const optimizer = new AdamW(model.parameters.length, adamWDefaults)
    const gradient = new Float32Array(model.parameters.length)
    const first = await model.lossAndGradient(tokens, targets, gradient)
    for (let step = 0; step < 60; step++) {
      await model.lossAndGradient(tokens, targets, gradient)
      optimizer.step(model.parameters, gradient, 0.02)
    }
    expect(first).to.be.greaterThan(2)
    expect((await model.nats(tokens, targets)) / 9).to.be.lessThan(0.3)
    model.dispose()
  })

  it('leaves no tensor behind', async () => {
    const before = backend().memory().tensors
    const model = await open()
    const gradient = new Float32Array(model.parameters.length)
    await model.lossAndGradient(tokens, targets, gradient)
    const afterOne = backend().memory().tensors
    for (let i = 0; i < 3; i++) await model.lossAndGradient(tokens, targets, gradient)
    await model.nats(tokens, targets)
    expect(backend().memory().tensors).to.equal(afterOne)
    model.dispose()
    expect(backend().memory().tensors).to.equal(before)
  })

  it('gives the same bytes for the same weights', async () => {
    const run = async () => {
      const model = await open()
      const gradient = new Float32Array(model.parameters.length)
      await model.lossAndGradient(tokens, targets, gradient)
      model.dispose()
      return gradient
    }
    expect(await run()).to.deep.equal(await run())
  })

  it('puts matrices before gains', async () => {
    const model = await open()
    const gains = (2 * tinyConfig.layerCount + 1) * tinyConfig.hiddenSize
    expect(model.matrixLength).to.equal(model.parameters.length - gains)
    model.dispose()
  })

  it('names a tensor that is missing or has the wrong shape', async () => {
    const weights = tinyWeights()
    const name = 'model.layers.1.mlp.up_proj.weight'
    weights.set(name, { shape: [8, 12], data: new Float32Array(96) })
    const refusal = async (): Promise<ModelError> => {
      const error = await open(tinyConfig, weights).catch(error => error)
      expect(error).to.be.instanceOf(ModelError).with.property('code', 'TENSOR_MISMATCH')
      return error
    }
    expect((await refusal()).message).to.match(/model\.layers\.1\.mlp\.up_proj\.weight.*\[8,12\].*\[12,8\]/)
    weights.delete(name)
    expect((await refusal()).message).to.match(/no tensor model\.layers\.1\.mlp\.up_proj/)
  })
})

describe('initialWeights', () => {
  it('draws matrices with the deviation of the config, smaller where a residual branch ends', () => {
    const config: ModelConfig = { ...tinyConfig, hiddenSize: 64, vocabularySize: 512, initializerRange: 0.02 }
    const weights = initialWeights(config, seededRandom(3))
    const deviation = (name: string) => {
      const { data } = weights.get(name)!
      return Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0) / data.length)
    }
    expect(deviation('model.embed_tokens.weight')).to.be.closeTo(0.02, 0.0005)
    expect(deviation('model.layers.0.self_attn.o_proj.weight')).to.be.closeTo(0.01, 0.001)
    expect(weights.get('model.norm.weight')!.data.every(value => value === 1)).to.equal(true)
  })
})
