import { expect } from 'chai'
import fc from 'fast-check'
import { seededRandom } from '../../../aggregation/random.ts'
import { randomWindows, type TrainingBatch, trainingBatches } from '../../../node/train/batches.ts'
import { exampleRanges, type TokenText } from '../../../node/train/token-text.ts'
import { exampleText } from '../../support/example-text.ts'

describe('randomWindows', () => {
  const text = Int32Array.from({ length: 10 }, (_, i) => 100 + i)

  it('are runs of the text, each token with the one after it as target', () => {
    const { tokens, targets } = randomWindows(() => text, 50, 4, seededRandom(1))
    expect([tokens.batch, tokens.time, tokens.ids.length]).to.deep.equal([50, 4, 200])
    for (let b = 0; b < 50; b++) {
      const start = tokens.ids[b * 4]!
      expect(Array.from(tokens.ids.subarray(b * 4, b * 4 + 4))).to.deep.equal(
        [0, 1, 2, 3].map(t => start + t)
      )
      expect(Array.from(targets.subarray(b * 4, b * 4 + 4))).to.deep.equal([1, 2, 3, 4].map(t => start + t))
    }
  })

  it('begin at every place that leaves room for the last target, and at no other', () => {
    const { tokens } = randomWindows(() => text, 500, 4, seededRandom(2))
    const starts = new Set(Array.from({ length: 500 }, (_, b) => tokens.ids[b * 4]! - 100))
    expect([...starts].sort()).to.deep.equal([0, 1, 2, 3, 4, 5])
  })

  it('repeat a text that is shorter than a window', () => {
    const { tokens, targets } = randomWindows(() => Int32Array.of(7, 8, 9), 1, 5, seededRandom(3))
    expect(Array.from(tokens.ids)).to.deep.equal([7, 8, 9, 7, 8])
    expect(Array.from(targets)).to.deep.equal([8, 9, 7, 8, 9])
  })

  it('are the same for the same seed, and only then', () => {
    const draw = (seed: number) => randomWindows(() => text, 20, 4, seededRandom(seed)).tokens.ids
    expect(draw(4)).to.deep.equal(draw(4))
    expect(draw(4)).not.to.deep.equal(draw(5))
  })
})

/** Token and the one predicted from it, wherever one is. */
function predictions({ tokens, targets }: TrainingBatch): string[] {
  return Array.from(targets.entries())
    .filter(([, target]) => target !== -1)
    .map(([i, target]) => `${tokens.ids[i]} -> ${target}`)
}

/** The same of a text: each token that counts, from the one before it in its example. */
function predictionsOf(text: TokenText): string[] {
  return exampleRanges(text).flatMap(({ start, end }) =>
    Array.from({ length: end - start - 1 }, (_, i) => start + 1 + i)
      .filter(i => text.examples!.counts[i] === 1)
      .map(i => `${text.ids[i - 1]} -> ${text.ids[i]}`)
  )
}

describe('batches of a stream', () => {
  const text = { ids: Int32Array.from({ length: 40 }, (_, i) => i) }

  it('are random windows, drawn one after the other', () => {
    const random = seededRandom(6)
    const batches = trainingBatches(text, 3, 5, seededRandom(6))
    for (let i = 0; i < 4; i++)
      expect(batches.next()).to.deep.equal(randomWindows(() => text.ids, 3, 5, random))
  })

  it('go on after skipped ones as if those had been drawn', () => {
    for (const length of [40, 6, 4]) {
      const ids = text.ids.subarray(0, length)
      const drawn = trainingBatches({ ids }, 3, 5, seededRandom(6))
      const skipped = trainingBatches({ ids }, 3, 5, seededRandom(6))
      for (let i = 0; i < 7; i++) drawn.next()
      skipped.skip(7)
      expect(skipped.next()).to.deep.equal(drawn.next())
    }
  })
})

describe('batches of examples', () => {
  const texts = fc.array(
    fc.record({ prompt: fc.integer({ min: 1, max: 6 }), completion: fc.integer({ min: 1, max: 9 }) }),
    { minLength: 1, maxLength: 20 }
  )

  it('predict in every epoch each token that counts once, from the one before it', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 20 }), fc.nat(), (lengths, time, seed) => {
        const text = exampleText(lengths)
        const wanted = predictionsOf(text).sort()
        const batches = trainingBatches(text, 1, time, seededRandom(seed))
        for (let epoch = 0; epoch < 2; epoch++) {
          const found: string[] = []
          while (found.length < wanted.length) {
            const batch = batches.next()
            expect(batch.tokens.ids.length).to.equal(time)
            const predicted = predictions(batch)
            expect(predicted).not.to.deep.equal([])
            found.push(...predicted)
          }
          expect(found.sort()).to.deep.equal(wanted)
        }
      })
    )
  })

  it('hold whole examples, one after the other, as long as they fit', () => {
    const text = exampleText([
      { prompt: 2, completion: 3 },
      { prompt: 1, completion: 2 },
      { prompt: 3, completion: 5 }
    ])
    // Five and three tokens fill a window of seven and the one after it; eight fill another.
    const batches = trainingBatches(text, 1, 7, seededRandom(1))
    const windows = [batches.next(), batches.next()]
    const begins = windows.map(({ tokens }) => tokens.ids[0]!)
    const last = windows[begins.indexOf(300)]!
    expect(Array.from(last.tokens.ids)).to.deep.equal([300, 301, 302, 303, 304, 305, 306])
    expect(Array.from(last.targets)).to.deep.equal([-1, -1, 303, 304, 305, 306, 307])
    const both = windows.find(window => window !== last)!
    const [ids, targets] = [Array.from(both.tokens.ids), Array.from(both.targets)]
    if (ids[0] === 100) {
      expect(ids).to.deep.equal([100, 101, 102, 103, 104, 200, 201])
      expect(targets).to.deep.equal([-1, 102, 103, 104, -1, 201, 202])
    } else {
      expect(ids).to.deep.equal([200, 201, 202, 100, 101, 102, 103])
      expect(targets).to.deep.equal([201, 202, -1, -1, 102, 103, 104])
    }
  })

  it('fill up a window with what is not predicted', () => {
    const batch = trainingBatches(exampleText([{ prompt: 1, completion: 1 }]), 2, 5, seededRandom(1)).next()
    expect(Array.from(batch.targets)).to.deep.equal([101, -1, -1, -1, -1, 101, -1, -1, -1, -1])
    expect(Array.from(batch.tokens.ids)).to.deep.equal([100, 101, 0, 0, 0, 100, 101, 0, 0, 0])
  })

  it('come in another order in every epoch and for every seed, the same for the same', () => {
    const text = exampleText(Array.from({ length: 30 }, () => ({ prompt: 1, completion: 3 })))
    const epochs = (seed: number) => {
      const batches = trainingBatches(text, 15, 7, seededRandom(seed))
      return [batches.next(), batches.next()].map(({ tokens }) => tokens.ids.join())
    }
    const [first, second] = epochs(1)
    expect(first).not.to.equal(second)
    expect(epochs(1)).to.deep.equal([first, second])
    expect(epochs(2)).not.to.include(first!)
  })

  it('go on after skipped ones as if those had been drawn', () => {
    const text = exampleText(Array.from({ length: 9 }, (_, i) => ({ prompt: 1 + (i % 3), completion: 4 })))
    const drawn = trainingBatches(text, 2, 8, seededRandom(3))
    const skipped = trainingBatches(text, 2, 8, seededRandom(3))
    for (let i = 0; i < 11; i++) drawn.next()
    skipped.skip(11)
    expect(skipped.next()).to.deep.equal(drawn.next())
  })

  it('of which none has anything to predict are refused', () => {
    const text = {
      ids: Int32Array.of(1, 2),
      examples: { starts: Int32Array.of(0), counts: new Uint8Array(2) }
    }
    expect(() => trainingBatches(text, 1, 4, seededRandom(1))).to.throw(RangeError, 'got none')
  })
})
