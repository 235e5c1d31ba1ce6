import { expect } from 'chai'
import fc from 'fast-check'
import { AggregationError } from '../../aggregation/errors.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { compress, keptCoordinates, keptCount, spread } from '../../aggregation/random-k.ts'
import { l2Norm } from '../../aggregation/vector.ts'

function gaussianLike(dimension: number, seed: number): Float64Array {
  const random = seededRandom(seed)
  return Float64Array.from({ length: dimension }, () => random.nextUint32() / 2 ** 31 - 1)
}

describe('random-k: the coordinates of a round (Knuth, algorithm S)', () => {
  it('are k different ones in ascending order, the same for everyone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        fc.string(),
        (d, fraction, seed) => {
          const count = keptCount(fraction, d)
          expect(count).to.be.within(1, d)
          expect(count).to.be.at.least(fraction * d)
          const kept = keptCoordinates(seed, d, count)
          expect(kept).to.have.length(count)
          kept.forEach((i, at) => {
            expect(i).to.be.within(at === 0 ? 0 : kept[at - 1]! + 1, d - 1)
          })
          expect(keptCoordinates(seed, d, count)).to.deep.equal(kept)
        }
      )
    )
  })

  it('do not change: every peer of every version draws these', () => {
    expect([...keptCoordinates('random-k aa 0', 50, 6)]).to.deep.equal([5, 8, 12, 16, 38, 46])
    expect([...keptCoordinates('x', 5, 5)]).to.deep.equal([0, 1, 2, 3, 4])
  })

  it('are drawn evenly: in 4000 rounds every coordinate as often as any other', () => {
    const rounds = 4000
    const counts = new Float64Array(20)
    for (let round = 0; round < rounds; round++)
      for (const i of keptCoordinates(`even ${round}`, 20, 5)) counts[i]! += 1
    const expected = rounds / 4
    // Of 19 degrees of freedom, sampling without replacement: (d - 1) / d of the variance of independent draws, times 3/4.
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / (expected * 0.75), 0)
    expect(chiSquare).to.be.below(43.8) // p = 0.001
  })

  it('refuses a fraction of nothing, or of more than all', () => {
    for (const fraction of [0, -0.1, 1.01, Number.NaN])
      expect(() => keptCount(fraction, 10)).to.throw(AggregationError, 'BAD_SETTING')
  })
})

const cases = fc.record({
  d: fc.integer({ min: 1, max: 60 }),
  fraction: fc.double({ min: 0.01, max: 1, noNaN: true }),
  scale: fc.double({ min: 0.01, max: 10, noNaN: true }),
  seed: fc.nat()
})

describe('random-k: what is sent and what is left over', () => {
  it('is all that there was, as long as nothing is clipped', () => {
    fc.assert(
      fc.property(cases, ({ d, fraction, scale, seed }) => {
        const kept = keptCoordinates(String(seed), d, keptCount(fraction, d))
        const delta = gaussianLike(d, seed).map(x => x * scale)
        const before = gaussianLike(d, seed + 1)
        const { sent, leftover } = compress(delta, before, kept, 1e6)
        const rebuilt = spread(sent, kept, d).map((x, i) => x + leftover[i]!)
        rebuilt.forEach((x, i) => {
          expect(x).to.be.closeTo(delta[i]! + before[i]!, 1e-12)
        })
        kept.forEach(i => {
          expect(leftover[i]).to.equal(0)
        })
      })
    )
  })

  it('keeps to the norms: of what is sent, and of what is left over, for ever', () => {
    fc.assert(
      fc.property(cases, ({ d, fraction, scale, seed }) => {
        const count = keptCount(fraction, d)
        let leftover: Float64Array = new Float64Array(d)
        for (let round = 0; round < 50; round++) {
          const kept = keptCoordinates(`${seed} ${round}`, d, count)
          // Always the same way, and longer than the clip.
          const delta = gaussianLike(d, seed).map(x => x * scale)
          const compressed = compress(delta, leftover, kept, 0.5)
          expect(l2Norm(compressed.sent)).to.be.at.most(0.5 * (1 + 1e-12))
          leftover = compressed.leftover
          expect(l2Norm(leftover)).to.be.at.most(((2 * 0.5 * d) / count) * (1 + 1e-12))
        }
      }),
      { numRuns: 30 }
    )
  })

  it('of a round that came to nothing: what was there before, without what was handed out', () => {
    const before = Float64Array.of(1, 2, 3, 4)
    const { leftoverUncounted } = compress(Float64Array.of(9, 9, 9, 9), before, Uint32Array.of(1, 3), 1e6)
    expect([...leftoverUncounted]).to.deep.equal([1, 0, 3, 0])
    expect([...before]).to.deep.equal([1, 2, 3, 4])
  })

  it('learns: with what is left over, a tenth of the coordinates catches up with all of them', () => {
    const [d, peers, rounds, rate] = [100, 5, 400, 0.05]
    const goals = Array.from({ length: peers }, (_, peer) => gaussianLike(d, peer))
    const middle = Float64Array.from({ length: d }, (_, i) =>
      goals.reduce((sum, goal) => sum + goal[i]! / peers, 0)
    )
    /** How far from the best answer it ends, as a fraction of how far from it it began. */
    const run = (fraction: number, withFeedback: boolean) => {
      const count = keptCount(fraction, d)
      const x = new Float64Array(d)
      const leftovers = goals.map(() => new Float64Array(d))
      for (let round = 0; round < rounds; round++) {
        const kept = keptCoordinates(`learn ${round}`, d, count)
        const before = x.slice()
        goals.forEach((goal, peer) => {
          const delta = goal.map((target, i) => rate * (target - before[i]!))
          const { sent, leftover } = compress(delta, leftovers[peer]!, kept, 10)
          if (withFeedback) leftovers[peer]!.set(leftover)
          spread(sent, kept, d).forEach((step, i) => {
            x[i]! += step / peers
          })
        })
      }
      return l2Norm(x.map((value, i) => value - middle[i]!)) / l2Norm(middle)
    }
    expect(run(1, false)).to.be.below(1e-6)
    expect(run(0.1, true)).to.be.below(0.01)
    expect(run(0.1, false)).to.be.above(0.1)
  })
})
