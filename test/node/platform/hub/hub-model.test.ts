import { expect } from 'chai'
import fc from 'fast-check'
import { hubModelOf } from '../../../../node/platform/hub/hub-model.ts'

describe('the name of a model on the Hub', () => {
  const commit = '0123456789abcdef0123456789abcdef01234567'
  for (const [text, repo, revision] of [
    ['HuggingFaceTB/SmolLM2-135M', 'HuggingFaceTB/SmolLM2-135M', 'main'],
    ['HuggingFaceTB/SmolLM2-135M@main', 'HuggingFaceTB/SmolLM2-135M', 'main'],
    ['openai-community/gpt2@v1.0', 'openai-community/gpt2', 'v1.0'],
    ['Qwen/Qwen2.5-0.5B@refs/pr/3', 'Qwen/Qwen2.5-0.5B', 'refs/pr/3'],
    [`a/b@${commit}`, 'a/b', commit],
    ['a/b_c.d-e', 'a/b_c.d-e', 'main']
  ] as const) {
    it(text, () => expect(hubModelOf(text)).to.deep.equal({ repo, revision }))
  }

  for (const text of [
    ...['embedded', 'gpt2', './a/b', '../a/b', '/a/b', 'a/b/', 'a/b/c', 'a//b', '~/a', 'C:\\a\\b', 'C:/a'],
    ...['', '/', '@main', 'a/b@', 'a/b@main@main', 'a/b@../c', 'a/b@/etc', 'a/b@x//y', 'a/b@x/', 'a/b@-x'],
    ...[
      'a/..',
      '../b',
      'a/b..c',
      'a--b/c',
      'a/.b',
      'a/b.',
      'a b/c',
      'a/b\n',
      'a/b@x y',
      'a/b@x\0',
      `${'a'.repeat(97)}/b`
    ]
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => expect(hubModelOf(text)).to.equal(null))
  }

  it('never leads out of the cache', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab./\\@-_~:\0') }), text => {
        const model = hubModelOf(text)
        if (model === null) return
        for (const path of [model.repo, model.revision]) {
          const parts = path.split('/')
          expect(parts.every(part => part !== '' && part !== '.' && part !== '..')).to.equal(true)
          expect(path).not.to.match(/[\\:\0~]/)
        }
      }),
      { numRuns: 2000 }
    )
  })
})
