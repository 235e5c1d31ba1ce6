import { expect } from 'chai'
import fc from 'fast-check'
import { exampleRanges, splitText, type TokenText } from '../../../node/train/token-text.ts'
import { exampleText } from '../../support/example-text.ts'

describe('splitText', () => {
  it('cuts a stream after a token', () => {
    const ids = Int32Array.from({ length: 10 }, (_, i) => i)
    expect(splitText({ ids }, 0.75)!.map(part => [...part.ids])).to.deep.equal([
      [0, 1, 2, 3, 4, 5, 6],
      [7, 8, 9]
    ])
    expect(splitText({ ids }, 0.95)).to.equal(null)
    expect(splitText({ ids: ids.subarray(0, 3) }, 0.5)).to.equal(null)
  })

  it('cuts examples between two of them, and loses nothing', () => {
    const lengths = fc.record({
      prompt: fc.integer({ min: 1, max: 5 }),
      completion: fc.integer({ min: 1, max: 5 })
    })
    fc.assert(
      fc.property(
        fc.array(lengths, { minLength: 2, maxLength: 9 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (lengths, share) => {
          const text = exampleText(lengths)
          const parts = splitText(text, share)!
          const examplesOf = (text: TokenText) =>
            exampleRanges(text).map(({ start, end }) => [
              [...text.ids.subarray(start, end)],
              [...text.examples!.counts.subarray(start, end)]
            ])
          expect(parts.flatMap(examplesOf)).to.deep.equal(examplesOf(text))
          expect(parts.every(part => part.examples!.starts.length > 0)).to.equal(true)
          const [first, second] = parts
          const wanted = Math.floor(text.ids.length * share)
          const before = exampleRanges(first).at(-1)!.start
          // The first place between two examples that is far enough, or the last there is.
          expect(before === 0 || before < wanted).to.equal(true)
          expect(first.ids.length >= wanted || second.examples!.starts.length === 1).to.equal(true)
        }
      )
    )
  })

  it('does not cut a single example', () => {
    expect(splitText(exampleText([{ prompt: 3, completion: 9 }]), 0.5)).to.equal(null)
  })
})
