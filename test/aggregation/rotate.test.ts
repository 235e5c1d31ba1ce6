import { expect } from 'chai'
import fc from 'fast-check'
import { seededRandom } from '../../aggregation/random.ts'
import { rotate, unrotate } from '../../aggregation/rotate.ts'
import { l2Norm } from '../../aggregation/vector.ts'

const seed = fc.uint8Array({ maxLength: 8 })
const vector = fc
  .array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { maxLength: 70 })
  .map(values => Float64Array.from(values))

describe('rotate (Suresh et al. 2017, random rotation in two overlapping blocks)', () => {
  it('is undone by unrotate', () => {
    fc.assert(
      fc.property(vector, seed, (x, s) => {
        const back = unrotate(rotate(x, s), s)
        back.forEach((value, i) => {
          expect(value).to.be.closeTo(x[i]!, 1e-10)
        })
      })
    )
  })

  it('keeps lengths, and sums: rotate(x) + rotate(y) = rotate(x + y)', () => {
    fc.assert(
      fc.property(vector, seed, (x, s) => {
        expect(l2Norm(rotate(x, s))).to.be.closeTo(l2Norm(x), 1e-9)
        const y = x.map((_, i) => Math.sin(i))
        const sum = rotate(
          x.map((value, i) => value + y[i]!),
          s
        )
        const [rx, ry] = [rotate(x, s), rotate(y, s)]
        sum.forEach((value, i) => {
          expect(value).to.be.closeTo(rx[i]! + ry[i]!, 1e-9)
        })
      })
    )
  })

  it('spreads one large coordinate over all, wherever it stands', () => {
    for (const d of [64, 100, 127, 1000]) {
      for (const hot of [0, 1, d >> 1, d - 1]) {
        const x = new Float64Array(d)
        x[hot] = 1
        const largest = rotate(x, new Uint8Array([d & 255])).reduce(
          (max, value) => Math.max(max, Math.abs(value)),
          0
        )
        // Two blocks: at most 1 / sqrt(2^k) after the first if only it is hit, and a random sum after the second.
        expect(largest, `d = ${d}, hot ${hot}`).to.be.below(5 / Math.sqrt(d))
      }
    }
  })

  it('differs with the seed', () => {
    const random = seededRandom(3)
    const x = Float64Array.from({ length: 33 }, () => random.nextUint32())
    expect(rotate(x, Uint8Array.of(1))).to.not.deep.equal(rotate(x, Uint8Array.of(2)))
  })

  it('is the product of sign and Hadamard matrices, for every length', () => {
    for (let d = 1; d <= 40; d++) {
      const x = Float64Array.from({ length: d }, (_, i) => Math.cos(i * i))
      const expected = multipliedOut(x, Uint8Array.of(d))
      rotate(x, Uint8Array.of(d)).forEach((value, i) => {
        expect(value, `d = ${d}, coordinate ${i}`).to.be.closeTo(expected[i]!, 1e-12)
      })
    }
  })
})

/** The definition, without a butterfly: H[i][j] = (-1)^(bits that i and j share) / sqrt(size). */
function multipliedOut(x: Float64Array, seed: Uint8Array): number[] {
  const size = 2 ** Math.floor(Math.log2(x.length))
  const random = seededRandom(seed)
  const out = [...x]
  for (const start of [0, x.length - size]) {
    const words = Array.from({ length: Math.ceil(size / 32) }, () => random.nextUint32())
    const flipped = out
      .slice(start, start + size)
      .map((value, i) => ((words[i >> 5]! >>> (i % 32)) % 2 === 1 ? -value : value))
    for (let i = 0; i < size; i++) {
      const row = flipped.map((value, j) => (sharedBits(i, j) % 2 === 1 ? -value : value))
      out[start + i] = row.reduce((sum, value) => sum + value, 0) / Math.sqrt(size)
    }
  }
  return out
}

function sharedBits(i: number, j: number): number {
  return [...(i & j).toString(2)].filter(bit => bit === '1').length
}
