import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { FrozenModel } from '../../../node/model/frozen-model.ts'
import { openModel } from '../../../node/model/model-files.ts'
import { sha256Hash } from '../../../node/platform/content-hash.ts'
import { embeddedModelDir } from '../../../node/platform/embedded-model.ts'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import { toHex } from '../../../protocols/hex.ts'
import { useBackend } from '../../support/test-backends.ts'

/** Nats of each token but the first of a text, computed with the embedded model's files by another implementation. */
interface Vector {
  readonly madeBy: string
  readonly text: string
  readonly nats: readonly number[]
}

describe('the embedded model', () => {
  it('has the digest that run manifests carry', async () => {
    const dir = embeddedModelDir()
    const model = await openModel(nodeFiles(dir), dir)
    expect(toHex(await model.digest(sha256Hash))).to.equal(
      '96a9829cbf6167f80a7e5c35de4d51d83a15b450c04d8f5bd20b7b454017a5ad'
    )
  })

  const backend = useBackend()

  it('finds every token of a text as likely as Hugging Face transformers does', async () => {
    const path = new URL('../../vectors/embedded-nats.json', import.meta.url)
    const { text, nats }: Vector = JSON.parse(await readFile(path, 'utf8'))
    const dir = embeddedModelDir()
    const { config, weights, tokenizer } = await openModel(nodeFiles(dir), dir)
    const model = await FrozenModel.load(backend(), config, weights)
    const ids = tokenizer.encode(text)
    expect(ids).to.have.length(nats.length + 1)
    const inputs = ids.slice(0, -1)
    const tokens = { ids: inputs, batch: 1, time: inputs.length }
    const logits = await model.logits(tokens)
    const { vocabularySize } = config
    for (const [i, expected] of nats.entries()) {
      const row = logits.subarray(i * vocabularySize, (i + 1) * vocabularySize)
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0)
      expect(Math.log(total) - row[ids[i + 1]!]!, `token ${i + 1}`).to.be.closeTo(expected, 5e-5)
    }
    const whole = nats.reduce((sum, value) => sum + value, 0)
    expect(await model.nats(tokens, ids.slice(1))).to.be.closeTo(whole, 5e-5 * nats.length)
    model.dispose()
  })
})
