import { expect } from 'chai'
import { Tape, type Variable } from '../../../node/backend/tape.ts'
import type { Dropout } from '../../../node/peft/adapter.ts'
import { loraAdapter } from '../../../node/peft/lora.ts'
import { useBackend } from '../../support/test-backends.ts'
import { openTiny, randomTokens, randomValues, tinyConfig, tinyLora } from '../../support/tiny-model.ts'

const share = 0.25
const settings = { ...tinyLora, dropout: share }
const tokens = { ids: randomTokens(12, 16, 15), batch: 2, time: 6 }
const targets = randomTokens(12, 16, 16)

describe('dropout before the low-rank branch', () => {
  const backend = useBackend()

  /** Masks of a place for so many sequences of 50 tokens; null where nothing is dropped. */
  async function maskOf(
    dropout: Dropout | null,
    layer = 0,
    module = 'mlp.up_proj'
  ): Promise<Float32Array | null> {
    const { layout, hooks } = loraAdapter(tinyConfig, settings)
    const tape = new Tape(backend(), 'forward')
    const variables = new Map<string, Variable>(
      layout.tensors.map(({ name, shape }) => [
        name,
        tape.recordOne([], backend().zeros(shape), [], () => {})
      ])
    )
    const { lowRank } = hooks(variables, { backend: backend(), tape, dropout })
    const mask = lowRank!(layer, module, 50 * (dropout?.sequences ?? 1))!.mask
    const values = mask === null ? null : await backend().download(mask)
    if (mask !== null) backend().free(mask)
    tape.dispose()
    return values
  }

  const one = { seed: 'a', firstSequence: 0, sequences: 1 }

  it('keeps the mean: what is not dropped grows by as much as is lost', async () => {
    const mask = (await maskOf({ ...one, sequences: 100 }))!
    expect(mask).to.have.length(100 * 50 * 8)
    expect(new Set(mask)).to.deep.equal(new Set([0, Math.fround(1 / (1 - share))]))
    const dropped = mask.filter(value => value === 0).length / mask.length
    // Five standard deviations of a share of 40 000 draws.
    expect(dropped).to.be.closeTo(share, 5 * Math.sqrt((share * (1 - share)) / mask.length))
  })

  it('is others at every place, in every sequence and for every seed, and the same when asked again', async () => {
    const first = await maskOf(one)
    expect(await maskOf(one)).to.deep.equal(first)
    const others = [
      await maskOf(one, 1),
      await maskOf(one, 0, 'mlp.gate_proj'),
      await maskOf({ ...one, seed: 'b' }),
      await maskOf({ ...one, firstSequence: 1 })
    ]
    for (const other of others) expect(other).not.to.deep.equal(first)
    // A sequence's own elements do not depend on what is computed beside it.
    const both = (await maskOf({ ...one, sequences: 2 }))!
    expect([both.subarray(0, 400), both.subarray(400)]).to.deep.equal([first, others[3]])
  })

  it('is not there when nothing is trained, nor without a seed', async () => {
    expect(await maskOf(null)).to.equal(null)
    const model = await openTiny(backend(), settings)
    const plain = await openTiny(backend())
    const adapter = randomValues(model.layout.length, 1)
    expect(await model.logits(tokens, adapter)).to.deep.equal(await plain.logits(tokens, adapter))
    const gradient = new Float32Array(adapter.length)
    const loss = await model.lossAndGradient(tokens, targets, adapter, ['A', 'B'], gradient)
    const expected = new Float32Array(adapter.length)
    expect(loss).to.equal(await plain.lossAndGradient(tokens, targets, adapter, ['A', 'B'], expected))
    expect(gradient).to.deep.equal(expected)
    model.base.dispose()
    plain.base.dispose()
  })

  it('drops the same when a layer is computed again on the way back', async () => {
    const model = await openTiny(backend(), settings)
    const adapter = randomValues(model.layout.length, 1)
    const run = async (mode: 'record' | 'checkpoint', dropoutSeed?: string) => {
      const gradient = new Float32Array(adapter.length)
      const options = { mode, ...(dropoutSeed === undefined ? {} : { dropoutSeed }) }
      const loss = await model.lossAndGradient(tokens, targets, adapter, ['A', 'B'], gradient, options)
      return { loss, gradient }
    }
    const recorded = await run('record', 'a')
    expect(await run('checkpoint', 'a')).to.deep.equal(recorded)
    for (const other of [await run('record', 'b'), await run('record')])
      expect(other.gradient).not.to.deep.equal(recorded.gradient)
    model.base.dispose()
    expect(backend().memory().tensors).to.equal(0)
  })
})
