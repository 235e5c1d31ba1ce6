import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { embeddedModelDir } from '../../../node/platform/embedded-model.ts'

describe('embedded model', () => {
  it('is found in the package', () => {
    expect(existsSync(join(embeddedModelDir(), 'tokenizer.json'))).to.equal(true)
  })
})
