import { expect } from 'chai'
import fc from 'fast-check'
import { evaluateText, evaluationBatches } from '../../../node/train/evaluate.ts'
import { exampleText } from '../../support/example-text.ts'
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

describe('evaluationBatches of examples', () => {
  it('predict every token that counts exactly once, each example in a row of its own', () => {
    const lengths = fc.array(
      fc.record({ prompt: fc.integer({ min: 1, max: 9 }), completion: fc.integer({ min: 1, max: 9 }) }),
      { minLength: 1, maxLength: 20 }
    )
    const sizes = fc.record({
      sequenceLength: fc.integer({ min: 1, max: 9 }),
      batchSize: fc.integer({ min: 1, max: 4 })
    })
    fc.assert(
      fc.property(lengths, sizes, (lengths, windows) => {
        const text = exampleText(lengths)
        const predicted: number[] = []
        const times = new Set<number>()
        for (const { tokens, targets } of evaluationBatches(text, windows)) {
          const { ids, batch, time } = tokens
          expect(ids.length).to.equal(batch * time)
          expect(batch === 1 || batch * time <= windows.sequenceLength * windows.batchSize).to.equal(true)
          times.add(time)
          for (let row = 0; row < batch; row++) {
            const first = ids[row * time]!
            const example = lengths[first / 100 - 1]!
            expect(first % 100).to.equal(0)
            for (let t = 0; t < time; t++) {
              const target = targets[row * time + t]!
              const isPredicted = t + 1 >= example.prompt && t + 1 < example.prompt + example.completion
              expect(target).to.equal(isPredicted ? first + t + 1 : -1)
              if (isPredicted) {
                expect(ids[row * time + t]).to.equal(first + t)
                predicted.push(target)
              }
            }
          }
        }
        const wanted = text.ids.filter((_, i) => text.examples!.counts[i] === 1)
        expect(predicted.sort((a, b) => a - b)).to.deep.equal(Array.from(wanted))
        // At most 17 inputs: powers of two, and the longest itself.
        expect(times.size).to.be.at.most(6)
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

  it('of examples measures what counts in each, from that example alone', async () => {
    const model = await openTiny(backend())
    const counted = {
      starts: Int32Array.of(0, 6, 9),
      counts: Uint8Array.of(0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1)
    }
    const text = { ids: randomTokens(12, 16, 4), examples: counted }
    const bytes = text.ids.map((_, i) => i + 1)
    const whole = await evaluateText(model, text, bytes, null, { sequenceLength: 4, batchSize: 2 })
    const windows = { sequenceLength: 12, batchSize: 1 }
    let nats = 0
    for (const [start, end] of [
      [0, 6],
      [6, 9],
      [9, 12]
    ] as const) {
      const counts = counted.counts.slice(start, end)
      // Of a stream each token costs what the model says of it there: the difference of two beginnings.
      for (let i = start + 1; i < end; i++) {
        if (counts[i - start] !== 1) continue
        const upTo = async (last: number) =>
          last === start
            ? 0
            : (await evaluateText(model, { ids: text.ids.slice(start, last + 1) }, null, null, windows)).nats
        nats += (await upTo(i)) - (await upTo(i - 1))
      }
    }
    expect(whole.nats).to.be.closeTo(nats, 1e-4)
    expect(whole.tokens).to.equal(6)
    expect(whole.bytes).to.equal(3 + 4 + 6 + 8 + 9 + 12)
    expect(whole.bitsPerByte).to.be.closeTo(nats / Math.LN2 / whole.bytes, 1e-6)
    model.base.dispose()
  })
})
