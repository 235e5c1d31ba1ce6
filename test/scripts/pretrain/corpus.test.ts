import { expect } from 'chai'
import { type CorpusText, corpusText } from '../../../scripts/pretrain/corpus.ts'

describe('pretraining text', () => {
  let text: CorpusText
  before(async () => {
    text = await corpusText()
  })

  it('has every synset of WordNet 3.1 on a line: words, then the gloss', () => {
    const lines = text.wordnet.trimEnd().split('\n')
    expect(lines.length).to.equal(117_791)
    expect(lines).to.include('physical entity: an entity that has physical existence')
    expect(lines).to.include(
      'abaxial, dorsal: facing away from the axis of an organ or organism; "the abaxial surface of a leaf is the underside or side facing away from the stem"'
    )
    expect(lines.filter(line => /_|\((?:a|p|ip)\)[,:]/.test(line.slice(0, line.indexOf(':'))))).to.deep.equal(
      []
    )
  })

  it('has Moby Dick from the first words to the last, a paragraph to a line', () => {
    expect(text.mobyDick).to.include(
      '\n\nCall me Ishmael. Some years ago\u2014never mind how long precisely\u2014having little'
    )
    expect(text.mobyDick.trimEnd().endsWith('only found another orphan.')).to.equal(true)
    expect(text.mobyDick).to.not.match(/ {2}/)
  })

  it('comes in the same order every time', async () => {
    expect((await corpusText()).wordnet.slice(0, 10_000)).to.equal(text.wordnet.slice(0, 10_000))
  })

  it('holds nothing of the State of the Union', () => {
    for (const part of [text.wordnet, text.mobyDick])
      expect(part).to.not.match(/of the Senate and (?:of the )?House/)
  })
})
