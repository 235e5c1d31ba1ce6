import { expect } from 'chai'
import fc from 'fast-check'
import { seededRandom } from '../../../aggregation/random.ts'
import { FrozenModel } from '../../../node/model/frozen-model.ts'
import { openModelWeights } from '../../../node/model/model-files.ts'
import { saveWeights } from '../../../node/model/safetensors/save-weights.ts'
import type { NamedTensor } from '../../../node/model/safetensors.ts'
import { memoryWeights, type WeightSource } from '../../../node/model/weight-source.ts'
import type { LoraSettings } from '../../../node/peft/adapter-settings.ts'
import { loraAdapter } from '../../../node/peft/lora.ts'
import { mergeLora, unmergeLora } from '../../../node/peft/merge-lora.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import { useBackend } from '../../support/test-backends.ts'
import {
  openTiny,
  randomTokens,
  randomValues,
  tinyConfig,
  tinyFamilies,
  tinyLora,
  tinyWeights
} from '../../support/tiny-model.ts'

const tokens = { ids: randomTokens(12, 16, 15), batch: 2, time: 6 }

async function readAll(source: WeightSource): Promise<Map<string, NamedTensor>> {
  const tensors = new Map<string, NamedTensor>()
  for (const name of source.names())
    tensors.set(name, { shape: source.shapeOf(name)!, data: await source.read(name) })
  return tensors
}

/** The distance between a float32 and the next larger one in size. */
function unitInLastPlace(value: number): number {
  return 2 ** Math.max(Math.floor(Math.log2(Math.abs(value))) - 23, -149)
}

describe('a LoRA merged into its base', () => {
  const backend = useBackend()

  const settingsOf: Readonly<Record<string, LoraSettings>> = {
    'all-linear': tinyLora,
    'some modules, rank-stabilised': {
      ...tinyLora,
      rank: 3,
      rankStabilized: true,
      targetModules: ['q_proj', 'down_proj', 'layers.1.self_attn.o_proj']
    }
  }

  async function logitsOf(config: typeof tinyConfig, weights: WeightSource): Promise<Float32Array> {
    const model = await FrozenModel.load(backend(), config, weights)
    const logits = await model.logits(tokens)
    model.dispose()
    return logits
  }

  for (const [family, config] of Object.entries(tinyFamilies)) {
    for (const [name, chosen] of Object.entries(settingsOf)) {
      const settings =
        config.family === 'gpt2' && chosen.targetModules !== 'all-linear'
          ? { ...chosen, targetModules: ['c_attn', 'h.1.mlp.c_proj'] }
          : chosen
      it(`is a model that says what base and adapter say together: ${name} on ${family}`, async () => {
        const base = memoryWeights(tinyWeights(config))
        const model = await openTiny(backend(), settings, config)
        const adapter = randomValues(model.layout.length, 17).map(value => value * 0.4)
        const expected = await model.logits(tokens, adapter)
        const plain = await model.logits(tokens, null)
        model.base.dispose()
        const merged = mergeLora(base, config, settings, adapter)
        const got = await logitsOf(config, merged)
        for (const [i, value] of expected.entries()) expect(got[i], `logit ${i}`).to.be.closeTo(value, 2e-5)
        expect(Math.max(...got.map((value, i) => Math.abs(value - plain[i]!)))).to.be.above(0.1)
        const back = await logitsOf(config, unmergeLora(merged, config, settings, adapter))
        for (const [i, value] of plain.entries()) expect(back[i], `logit ${i}`).to.be.closeTo(value, 2e-5)
      })
    }
  }

  it('comes out again to within a unit in the last place, and touches no other weight', async () => {
    const configs = fc.constantFrom(...Object.values(tinyFamilies))
    const sizes = fc.record({
      seed: fc.integer(),
      rank: fc.integer({ min: 1, max: 5 }),
      alpha: fc.double({ min: 0.01, max: 100, noNaN: true }),
      rankStabilized: fc.boolean()
    })
    await fc.assert(
      fc.asyncProperty(configs, sizes, async (config, { seed, ...chosen }) => {
        const settings: LoraSettings = { ...tinyLora, ...chosen }
        const { layout } = loraAdapter(config, settings)
        const random = seededRandom(seed)
        const adapter = Float32Array.from({ length: layout.length }, () => random.nextUint32() / 2 ** 31 - 1)
        const base = memoryWeights(tinyWeights(config))
        const merged = mergeLora(base, config, settings, adapter)
        const back = unmergeLora(memoryWeights(await readAll(merged)), config, settings, adapter)
        expect([...back.names()]).to.deep.equal([...base.names()])
        let changed = 0
        for (const name of base.names()) {
          expect(back.shapeOf(name)).to.deep.equal(base.shapeOf(name))
          const [was, between, is] = [await base.read(name), await merged.read(name), await back.read(name)]
          const isTarget = /_proj|c_attn|c_fc/.test(name) && name.endsWith('.weight')
          if (!isTarget) expect([between, is], name).to.deep.equal([was, was])
          else changed += Number(between.some((value, i) => value !== was[i]))
          for (const [i, value] of was.entries()) {
            const allowed = unitInLastPlace(Math.max(Math.abs(value), Math.abs(between[i]!)))
            expect(Math.abs(is[i]! - value), `${name} ${i}`).to.be.at.most(allowed)
          }
        }
        expect(changed).to.equal(layout.tensors.length / 2)
      }),
      { numRuns: 40 }
    )
  })

  it('is rounded once: each weight is the float32 nearest to W + scale B A', async () => {
    for (const config of [tinyConfig, tinyFamilies['gpt2']!]) {
      const settings: LoraSettings = { ...tinyLora, rank: 3, alpha: 5, rankStabilized: true }
      const { layout } = loraAdapter(config, settings)
      const adapter = randomValues(layout.length, 9)
      const base = memoryWeights(tinyWeights(config))
      const merged = mergeLora(base, config, settings, adapter)
      for (const a of layout.tensors.filter(({ factor }) => factor === 'A')) {
        const b = layout.tensors.find(({ name }) => name === a.name.replace('lora_A', 'lora_B'))!
        const name = a.name.replace('base_model.model.', '').replace('.lora_A', '')
        const [was, is] = [await base.read(name), await merged.read(name)]
        const [inSize, outSize] = [a.shape[1]!, b.shape[0]!]
        for (let o = 0; o < outSize; o++) {
          for (let i = 0; i < inSize; i++) {
            let product = 0
            for (let r = 0; r < 3; r++)
              product += adapter[b.offset + o * 3 + r]! * adapter[a.offset + r * inSize + i]!
            // GPT-2 stores [in, out].
            const at = config.family === 'gpt2' ? i * outSize + o : o * inSize + i
            const exact = was[at]! + (5 / Math.sqrt(3)) * product
            const half = 0.5000001 * unitInLastPlace(is[at]!)
            expect(Math.abs(is[at]! - exact), `${name} ${at}`).to.be.at.most(half)
          }
        }
      }
    }
  })

  it('is saved as a model folder like any other', async () => {
    const { gpt2 } = tinyFamilies as { gpt2: typeof tinyConfig }
    const adapter = randomValues(loraAdapter(gpt2, tinyLora).layout.length, 3)
    const merged = mergeLora(memoryWeights(tinyWeights(gpt2)), gpt2, tinyLora, adapter)
    const files = memoryFiles()
    await saveWeights(files, merged)
    const opened = await openModelWeights(files, gpt2, 'merged')
    const got = await readAll(opened)
    const expected = await readAll(merged)
    expect([...got.keys()].sort()).to.deep.equal([...expected.keys()].sort())
    for (const [name, tensor] of expected) expect(got.get(name), name).to.deep.equal(tensor)
  })

  it('is refused if the adapter has another length, naming both', () => {
    const merge = () => mergeLora(memoryWeights(tinyWeights()), tinyConfig, tinyLora, new Float32Array(3))
    expect(merge).to.throw(RangeError, /expected \d+ adapter values, got 3/)
  })
})
