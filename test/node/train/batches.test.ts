import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { randomWindows } from '../../../node/train/batches.ts'

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
