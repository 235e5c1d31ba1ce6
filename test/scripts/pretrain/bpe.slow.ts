import { expect } from 'chai'
import { embeddedModelDir } from '../../../node/platform/embedded-model.ts'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import { tokenizerJson, trainMerges } from '../../../scripts/pretrain/bpe.ts'
import { corpusText } from '../../../scripts/pretrain/corpus.ts'

describe('embedded tokenizer', () => {
  it('is what the script makes of the text, byte for byte', async () => {
    const { wordnet, mobyDick } = await corpusText()
    const committed = await nodeFiles(embeddedModelDir()).read('tokenizer.json')
    const made = tokenizerJson(trainMerges([wordnet, mobyDick], 767))
    expect(made === new TextDecoder().decode(committed!)).to.equal(true)
  })
})
