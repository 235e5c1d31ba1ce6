import { expect } from 'chai'
import { readEndTokenIds } from '../../../node/model/end-tokens.ts'
import { ModelError } from '../../../node/model/errors.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'

describe('readEndTokenIds', () => {
  const read = async (files: Record<string, string>, endTokenId?: number) => {
    const contents = Object.entries(files).map(
      ([name, text]) => [name, new TextEncoder().encode(text)] as const
    )
    return [...(await readEndTokenIds(memoryFiles(contents), { endTokenId }, 'folder'))].sort((a, b) => a - b)
  }

  it('takes those of generation_config.json before those of config.json, and the tokenizer’s', async () => {
    const files = { 'generation_config.json': '{"eos_token_id":[7,3]}', 'config.json': '{"eos_token_id":9}' }
    expect(await read(files)).to.deep.equal([3, 7])
    expect(await read(files, 5)).to.deep.equal([3, 5, 7])
    expect(await read(files, 7)).to.deep.equal([3, 7])
  })

  it('takes those of config.json where generation_config.json has none, one or several', async () => {
    for (const none of ['{}', '{"eos_token_id":null}', '{"eos_token_id":[]}']) {
      const files = { 'generation_config.json': none, 'config.json': '{"eos_token_id":9}' }
      expect(await read(files)).to.deep.equal([9])
    }
    expect(await read({ 'config.json': '{"eos_token_id":[9,4]}' })).to.deep.equal([4, 9])
  })

  it('has none where no file names one', async () => {
    expect(await read({ 'config.json': '{"eos_token_id":null}' })).to.deep.equal([])
    expect(await read({})).to.deep.equal([])
  })

  it('refuses a file that is not JSON, or names what is no token, by its name', async () => {
    for (const text of [
      '{',
      '[]',
      '{"eos_token_id":-1}',
      '{"eos_token_id":1.5}',
      '{"eos_token_id":["</s>"]}'
    ]) {
      const error = await read({ 'generation_config.json': text }).catch(error => error)
      expect(error, text).to.be.instanceOf(ModelError)
      expect(error.code).to.equal('BAD_CONFIG')
      expect(error.message).to.contain('folder/generation_config.json: ')
    }
  })
})
