import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { FrozenModel } from '../../../node/model/frozen-model.ts'
import { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { generateTokens, sampleToken } from '../../../node/runtime/generate.ts'
import { batchLogits } from '../../support/model-reference.ts'
import { randomValues, tinyConfig, tinyWeights, useBackend } from '../../support/tiny-model.ts'

describe('sampleToken', () => {
  it('takes the likeliest at temperature 0, the first of equals', () => {
    expect(sampleToken(Float32Array.of(1, 3, 2, 3), 0, 4, seededRandom(1))).to.equal(1)
  })

  it('draws in proportion to softmax(logits / temperature)', () => {
    const random = seededRandom(2)
    const logits = Float32Array.from([0.1, 0.2, 0.7], value => 2 * Math.log(value))
    const counts = [0, 0, 0]
    for (let i = 0; i < 20_000; i++) counts[sampleToken(logits, 2, 3, random)]!++
    for (const [i, share] of [0.1, 0.2, 0.7].entries())
      expect(counts[i]! / 20_000).to.be.closeTo(share, 0.015)
  })

  it('never leaves the topK likeliest', () => {
    const random = seededRandom(3)
    const logits = Float32Array.of(0, 0.1, 0.2, 0.3)
    const drawn = new Set(Array.from({ length: 500 }, () => sampleToken(logits, 5, 2, random)))
    expect([...drawn].sort()).to.deep.equal([2, 3])
  })
})

describe('generateTokens', () => {
  useBackend('wasm')
  let model: AdaptedModel

  before(() => {
    const base = new FrozenModel(tinyConfig, tinyWeights())
    model = new AdaptedModel(base, { rank: 2, alpha: 4, targetModules: 'all-linear' })
  })
  after(() => model.base.dispose())

  const greedy = { newTokensMax: 40, temperature: 0 }
  const generate = (adapter: Float32Array | null, prompt: Int32Array, options = greedy) => [
    ...generateTokens(model, adapter, prompt, options, seededRandom(4))
  ]

  it('continues greedily as float64 logits say, also past the longest sequence', () => {
    const prompt = Int32Array.of(3, 1, 2)
    const text = [...prompt]
    for (const token of generate(null, prompt)) {
      const context = Int32Array.from(text.slice(-32))
      const logits = batchLogits(tinyConfig, tinyWeights(), {
        ids: context,
        batch: 1,
        time: context.length
      }).at(-1)!
      expect(logits[token]).to.be.closeTo(Math.max(...logits), 1e-4)
      text.push(token)
    }
    expect(text).to.have.length(43)
  })

  it('is changed by an adapter, and draws the same for the same seed', () => {
    const adapter = randomValues(model.layout.length, 5)
    const prompt = Int32Array.of(3)
    expect(generate(adapter, prompt)).not.to.deep.equal(generate(null, prompt))
    const warm = { newTokensMax: 10, temperature: 1 }
    expect(generate(adapter, prompt, warm)).to.deep.equal(generate(adapter, prompt, warm))
  })

  it('ends at the end token, which it does not give', () => {
    const prompt = Int32Array.of(3, 1, 2)
    const [first, second] = generate(null, prompt)
    const ended = { ...greedy, endTokenId: second! }
    expect(generate(null, prompt, ended)).to.deep.equal(second === first ? [] : [first])
  })

  it('refuses an empty prompt and a negative temperature', () => {
    expect(() => generate(null, new Int32Array(0))).to.throw(RangeError, /at least one token/)
    expect(() => generate(null, Int32Array.of(1), { newTokensMax: 1, temperature: -1 })).to.throw(
      RangeError,
      /-1/
    )
  })
})
