import { expect } from 'chai'
import { gatherSpans, layoutOf, layoutText, spansOf } from '../../aggregation/adapter-layout.ts'

describe('adapter layout', () => {
  const layout = layoutOf([
    { name: 'a0', factor: 'A', shape: [2, 3] },
    { name: 'b0', factor: 'B', shape: [1, 2] },
    { name: 'b1', factor: 'B', shape: [2, 2] },
    { name: 'a1', factor: 'A', shape: [1, 1] }
  ])

  it('lays tensors end to end', () => {
    expect(layout.length).to.equal(13)
    expect(layout.tensors.map(({ offset, length }) => [offset, length])).to.deep.equal([
      [0, 6],
      [6, 2],
      [8, 4],
      [12, 1]
    ])
  })

  it('gives the spans of a factor, neighbours merged', () => {
    expect(spansOf(layout, ['B'])).to.deep.equal([{ offset: 6, length: 6 }])
    expect(spansOf(layout, ['A'])).to.deep.equal([
      { offset: 0, length: 6 },
      { offset: 12, length: 1 }
    ])
    expect(spansOf(layout, ['A', 'B'])).to.deep.equal([{ offset: 0, length: 13 }])
    expect(spansOf(layout, [])).to.deep.equal([])
  })

  it('gathers spans in order', () => {
    const vector = Float32Array.from({ length: 13 }, (_, i) => i)
    expect([...gatherSpans(vector, spansOf(layout, ['A']))]).to.deep.equal([0, 1, 2, 3, 4, 5, 12])
    expect([...gatherSpans(vector, spansOf(layout, ['B']))]).to.deep.equal([6, 7, 8, 9, 10, 11])
  })

  it('has a text in which names, factors and shapes show', () => {
    expect(layoutText(layout)).to.equal('a0 A 2 3\nb0 B 1 2\nb1 B 2 2\na1 A 1 1\n')
  })
})
