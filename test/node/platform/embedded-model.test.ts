import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { embeddedModelDir, modelDir } from '../../../node/platform/embedded-model.ts'

describe('embedded model', () => {
  it('is found in the package by its word; any other word is a path', () => {
    expect(existsSync(join(embeddedModelDir(), 'tokenizer.json'))).to.equal(true)
    expect(modelDir('embedded')).to.equal(embeddedModelDir())
    expect(modelDir('./embedded')).to.equal('./embedded')
  })
})
