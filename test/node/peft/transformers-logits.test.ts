import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { loraDefaults } from '../../../node/peft/adapter-settings.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny } from '../../support/tiny-model.ts'
import { vectorAdapter, vectorConfig, vectorWeights } from '../../support/vector-model.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/transformers-logits.json', import.meta.url), 'utf8')
)

describe('logits of Hugging Face Transformers and PEFT', () => {
  const backend = useBackend()

  it('are ours, without and with the adapter', async () => {
    const settings = { ...loraDefaults, ...vectors.settings }
    const model = await openTiny(backend(), settings, vectorConfig, vectorWeights(vectorConfig))
    const [batch, time] = vectors.shape
    const tokens = { ids: Int32Array.from(vectors.ids.flat()), batch, time }
    const adapter = vectorAdapter(model.layout)
    expectClose(await model.logits(tokens, null), vectors.baseLogits)
    expectClose(await model.logits(tokens, adapter), vectors.adaptedLogits)
  })
})

/** Logits here are up to 3; the vectors are rounded to 6 digits and ours are float32 sums. */
function expectClose(got: Float32Array, expected: number[]): void {
  expect(got.length).to.equal(expected.length)
  const worst = got.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i]!)), 0)
  expect(worst).to.be.lessThan(1e-4)
}
