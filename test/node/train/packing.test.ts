import { expect } from 'chai'
import fc from 'fast-check'
import { firstFit } from '../../../node/train/packing.ts'

describe('firstFit (Johnson 1973)', () => {
  it('puts each item into the first window that has room', () => {
    expect(firstFit([5, 6, 4, 3, 1, 2], 10)).to.deep.equal([[0, 2, 4], [1, 3], [5]])
    expect(firstFit([10, 10], 10)).to.deep.equal([[0], [1]])
    expect(firstFit([], 10)).to.deep.equal([])
  })

  it('does what a search of all windows does', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 })
    fc.assert(
      fc.property(lengths, lengths => {
        const rooms: number[] = []
        const windows: number[][] = []
        lengths.forEach((length, item) => {
          let window = rooms.findIndex(room => room >= length)
          if (window < 0) {
            window = rooms.push(20) - 1
            windows.push([])
          }
          rooms[window]! -= length
          windows[window]!.push(item)
        })
        expect(firstFit(lengths, 20)).to.deep.equal(windows)
      })
    )
  })

  it('refuses what fits into no window', () => {
    for (const length of [0, 11, Number.NaN]) {
      expect(() => firstFit([1, length], 10)).to.throw(RangeError, `got ${length}`)
    }
  })
})
