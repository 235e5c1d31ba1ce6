import { expect } from 'chai'
import { KeyValueCache } from '../../../node/model/key-value-cache.ts'
import type { AdaptedModel } from '../../../node/peft/adapted-model.ts'
import { exactTensors, referenceAdapter, referenceLogits } from '../../support/reference-decoder.ts'
import { useBackend } from '../../support/test-backends.ts'
import {
  openTiny,
  randomTokens,
  randomValues,
  tinyAdapters,
  tinyConfig,
  tinyFamilies,
  tinyWeights
} from '../../support/tiny-model.ts'

/** Tokens that come at once, one after the other: longer than every window. */
const pieces = [5, 1, 1, 4, 1, 3]

function someAdapter({ layout }: AdaptedModel): Float32Array {
  return randomValues(layout.length, 17).map(value => value * 0.4)
}

describe('KeyValueCache', () => {
  const backend = useBackend()

  for (const [family, config] of Object.entries(tinyFamilies)) {
    for (const [kind, settings] of [['no adapter', null], ...Object.entries(tinyAdapters)] as const) {
      it(`gives, piece by piece, the logits of the whole text in float64: ${kind} on ${family}`, async () => {
        const model = await openTiny(backend(), settings ?? undefined, config)
        const adapter = settings === null ? null : someAdapter(model)
        const weights = exactTensors(tinyWeights(config))
        const reference =
          adapter === null ? undefined : referenceAdapter(model.adapter, Float64Array.from(adapter))
        const text = randomTokens(15, config.vocabularySize, 3)
        const all = referenceLogits(config, weights, { ids: text, batch: 1, time: 15 }, reference).values
        const cache = model.cache()
        let seen = 0
        for (const length of pieces) {
          const next = await model.nextLogits(text.slice(seen, seen + length), cache, adapter)
          seen += length
          expect(cache.positions).to.equal(seen)
          const expected = all.subarray((seen - 1) * config.vocabularySize, seen * config.vocabularySize)
          expect(next.length).to.equal(expected.length)
          for (const [i, value] of expected.entries())
            expect(next[i], `after ${seen}, logit ${i}`).to.be.closeTo(value, 2e-5)
        }
        cache.dispose()
        model.base.dispose()
        expect(backend().memory().tensors).to.equal(0)
      })
    }
  }

  it('holds keys and values of each layer and nothing else between tokens', async () => {
    const model = await openTiny(backend())
    const cache = model.cache()
    for (const length of pieces) await model.nextLogits(randomTokens(length, 16, length), cache, null)
    model.base.dispose()
    expect(backend().memory().tensors).to.equal(2 * tinyConfig.layerCount)
    cache.dispose()
    expect(backend().memory().tensors).to.equal(0)
    expect(cache.positions).to.equal(0)
  })

  it('begins anew once it was disposed of', async () => {
    const model = await openTiny(backend())
    const ids = randomTokens(6, 16, 1)
    const cache = new KeyValueCache(backend())
    const first = await model.nextLogits(ids, cache, null)
    await model.nextLogits(ids, cache, null)
    cache.dispose()
    expect(await model.nextLogits(ids, cache, null)).to.deep.equal(first)
    cache.dispose()
    model.base.dispose()
  })
})
