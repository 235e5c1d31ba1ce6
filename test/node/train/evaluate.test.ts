import { expect } from 'chai'
import fc from 'fast-check'
import { evaluateText, evaluationBatches } from '../../../node/train/evaluate.ts'
import { exactTensors, referenceAdapter, referenceLoss } from '../../support/reference-decoder.ts'
import { useBackend } from '../../support/test-backends.ts'
import {
  openTiny,
  randomTokens,
  randomValues,
  tinyConfig,
  tinyLora,
  tinyWeights
} from '../../support/tiny-model.ts'

describe('evaluationBatches', () => {
  it('predict every token but the first exactly once, from the tokens right before it', () => {
    const sizes = fc.record({
      sequenceLength: fc.integer({ min: 1, max: 9 }),
      batchSize: fc.integer({ min: 1, max: 4 })
    })
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 80 }), sizes, (length, windows) => {
        const text = Int32Array.from({ length }, (_, i) => 1000 + i)
        const predicted: number[] = []
        for (const { tokens, targets } of evaluationBatches({ ids: text }, windows)) {
          expect(tokens.ids.length).to.equal(tokens.batch * tokens.time)
          expect(tokens.time).to.be.at.most(windows.sequenceLength)
          expect(tokens.batch).to.be.at.most(windows.batchSize)
          targets.forEach((target, i) => {
            if (target === -1) return
            expect(tokens.ids[i]).to.equal(target - 1)
            predicted.push(target)
          })
        }
        expect(predicted).to.deep.equal(Array.from(text.subarray(1)))
      })
    )
  })
})

describe('evaluateText', () => {
  const backend = useBackend()

  it('sums nats and bytes as a float64 computation does, with and without an adapter', async () => {
    const model = await openTiny(backend())
    const text = randomTokens(23, 16, 1)
    const bytes = text.map(id => id % 5)
    const weights = exactTensors(tinyWeights())
    const adapter = randomValues(model.layout.length, 2).map(value => value * 0.3)
    for (const used of [adapter, null]) {
      const windows = { sequenceLength: 6, batchSize: 3 }
      const result = await evaluateText(model, { ids: text }, bytes, used, windows)
      let nats = 0
      for (let start = 0; start < 22; start += 6) {
        const end = Math.min(start + 6, 22)
        const ids = text.slice(start, end)
        const reference = used === null ? undefined : referenceAdapter(model.adapter, Float64Array.from(used))
        const tokens = { ids, batch: 1, time: ids.length }
        const targets = text.subarray(start + 1, end + 1)
        nats += referenceLoss(tinyConfig, weights, tokens, targets, reference) * ids.length
      }
      const expectedBytes = bytes.subarray(1).reduce((sum, value) => sum + value, 0)
      expect(result.nats).to.be.closeTo(nats, 1e-4)
      expect(result.tokens).to.equal(22)
      expect(result.bytes).to.equal(expectedBytes)
      expect(result.bitsPerByte).to.be.closeTo(nats / Math.LN2 / expectedBytes, 1e-6)
    }
    model.base.dispose()
  })

  it('does not depend on how many windows are computed at once', async () => {
    const model = await openTiny(backend(), { ...tinyLora, targetModules: ['q_proj'] })
    const text = randomTokens(40, 16, 3)
    const nats: number[] = []
    for (const batchSize of [1, 2, 5, 50]) {
      const windows = { sequenceLength: 7, batchSize }
      nats.push((await evaluateText(model, { ids: text }, null, null, windows)).nats)
    }
    for (const value of nats) expect(value).to.be.closeTo(nats[0]!, 1e-4)
    model.base.dispose()
  })
})
