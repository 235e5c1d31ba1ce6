import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { baseAlone, generateTokens, sampleToken } from '../../../node/runtime/generate.ts'
import { exactTensors, referenceAdapter, referenceLogits } from '../../support/reference-decoder.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny, randomValues, tinyConfig, tinyFamilies, tinyWeights } from '../../support/tiny-model.ts'

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

  it('takes the first of equals among the topK likeliest, and exactly so many', () => {
    const random = seededRandom(4)
    const logits = Float32Array.of(1, 2, 1, 1, 2, 0)
    const drawn = (topK: number) =>
      [...new Set(Array.from({ length: 500 }, () => sampleToken(logits, 1, topK, random)))].sort()
    expect(drawn(1)).to.deep.equal([1])
    expect(drawn(3)).to.deep.equal([0, 1, 4])
    expect(drawn(6)).to.deep.equal([0, 1, 2, 3, 4, 5])
  })
})

describe('generateTokens', () => {
  const backend = useBackend()
  let model: AdaptedModel

  before(async () => {
    model = await openTiny(backend())
  })

  const greedy = { newTokensMax: 40, temperature: 0 }
  const generate = async (adapter: Float32Array | null, prompt: Int32Array, options = greedy) => {
    const tokens: number[] = []
    for await (const token of generateTokens(model, adapter, prompt, options, seededRandom(4)))
      tokens.push(token)
    return tokens
  }

  it('continues greedily as float64 logits say, also past the longest sequence', async () => {
    const prompt = Int32Array.of(3, 1, 2)
    const text = [...prompt]
    const weights = exactTensors(tinyWeights())
    let start = 0
    for (const token of await generate(null, prompt)) {
      // 32 positions are there; when they are full, the newer half of them is what it still sees.
      if (text.length - start > 32) start = text.length - 16
      const ids = Int32Array.from(text.slice(start))
      const all = referenceLogits(tinyConfig, weights, { ids, batch: 1, time: ids.length }).values
      const logits = all.slice(-tinyConfig.vocabularySize)
      expect(logits[token]).to.be.closeTo(Math.max(...logits), 1e-4)
      text.push(token)
    }
    expect(text).to.have.length(43)
  })

  for (const [family, config] of Object.entries(tinyFamilies)) {
    it(`leaves room for a prefix, which is never forgotten, when a text outgrows the positions: ${family}`, async () => {
      const settings = { kind: 'prefix', virtualTokens: 5 } as const
      const prefixed = await openTiny(backend(), settings, config)
      expect(prefixed.positionsMax).to.equal(27)
      const adapter = randomValues(prefixed.layout.length, 5)
      const weights = exactTensors(tinyWeights(config))
      const reference = referenceAdapter(prefixed.adapter, Float64Array.from(adapter))
      const text = [3, 1, 2]
      let start = 0
      for await (const token of generateTokens(
        prefixed,
        adapter,
        Int32Array.from(text),
        greedy,
        seededRandom(4)
      )) {
        if (text.length - start > 27) start = text.length - 14
        const ids = Int32Array.from(text.slice(start))
        const tokens = { ids, batch: 1, time: ids.length }
        const logits = referenceLogits(config, weights, tokens, reference).values.slice(
          -config.vocabularySize
        )
        expect(logits[token]).to.be.closeTo(Math.max(...logits), 1e-4)
        text.push(token)
      }
      expect(text).to.have.length(43)
      prefixed.base.dispose()
    })
  }

  it('is changed by an adapter, and draws the same for the same seed', async () => {
    const adapter = randomValues(model.layout.length, 5)
    const prompt = Int32Array.of(3)
    expect(await generate(adapter, prompt)).not.to.deep.equal(await generate(null, prompt))
    const warm = { newTokensMax: 10, temperature: 1 }
    expect(await generate(adapter, prompt, warm)).to.deep.equal(await generate(adapter, prompt, warm))
  })

  it('ends at the end token, which it does not give', async () => {
    const prompt = Int32Array.of(3, 1, 2)
    const [first, second] = await generate(null, prompt)
    const ended = { ...greedy, endTokenIds: new Set([15, second!]) }
    expect(await generate(null, prompt, ended)).to.deep.equal(second === first ? [] : [first])
  })

  it('tells whether an end token ended it or the most tokens were made', async () => {
    const prompt = Int32Array.of(3, 1, 2)
    const endOf = async (endTokenIds: ReadonlySet<number>) => {
      const tokens = generateTokens(model, null, prompt, { ...greedy, endTokenIds }, seededRandom(4))
      let step = await tokens.next()
      while (step.done !== true) step = await tokens.next()
      return step.value
    }
    expect(await endOf(new Set())).to.equal('limit')
    expect(await endOf(new Set(await generate(null, prompt)))).to.equal('end')
  })

  it('continues with a base alone as with a model without its adapter, and takes none', async () => {
    const prompt = Int32Array.of(3, 1, 2)
    const alone = baseAlone(model.base)
    const tokens: number[] = []
    for await (const token of generateTokens(alone, null, prompt, greedy, seededRandom(4))) tokens.push(token)
    expect(tokens).to.deep.equal(await generate(null, prompt))
    const cache = alone.cache()
    expect(() => alone.nextLogits(prompt, cache, new Float32Array(1))).to.throw(RangeError, /no adapter/)
  })

  it('refuses an empty prompt and a negative temperature', async () => {
    const refusal = (prompt: Int32Array, temperature: number): Promise<unknown> =>
      generate(null, prompt, { newTokensMax: 1, temperature }).catch(error => error)
    for (const [prompt, temperature, problem] of [
      [new Int32Array(0), 0, /at least one token/],
      [Int32Array.of(1), -1, /-1/]
    ] as const) {
      expect(await refusal(prompt, temperature))
        .to.be.instanceOf(RangeError)
        .with.property('message')
        .that.matches(problem)
    }
  })
})
