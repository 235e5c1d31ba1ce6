import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { type LoraSettings, loraDefaults } from '../../../node/peft/adapter-settings.ts'
import { PeftError } from '../../../node/peft/errors.ts'
import { loraAdapter, loraScale, targetedModules } from '../../../node/peft/lora.ts'
import { tinyConfig } from '../../support/tiny-model.ts'

/** Paths of the targeted modules in the first layer. */
function targets(targetModules: LoraSettings['targetModules']): string[] {
  return targetedModules(tinyConfig, { targetModules })
    .filter(({ layer }) => layer === 0)
    .map(({ name }) => name)
}

describe('LoRA settings', () => {
  it('scale by alpha / rank, or alpha / sqrt(rank) if rank-stabilised', () => {
    expect(loraScale({ rank: 4, alpha: 8, rankStabilized: false })).to.equal(2)
    expect(loraScale({ rank: 4, alpha: 8, rankStabilized: true })).to.equal(4)
  })

  it('name modules by the end of their name, in any order, as PEFT does', () => {
    expect(targets(['v_proj', 'q_proj'])).to.deep.equal(['self_attn.q_proj', 'self_attn.v_proj'])
    expect(targets(['mlp.up_proj'])).to.deep.equal(['mlp.up_proj'])
    expect(targets('all-linear')).to.have.length(7)
  })

  it('name modules of some layers only by as much of their path as tells them apart', () => {
    const targetModules = ['layers.1.mlp.up_proj', 'model.layers.0.self_attn.q_proj']
    const modules = targetedModules(tinyConfig, { targetModules })
    expect(modules.map(({ layer, name }) => `${layer} ${name}`)).to.deep.equal([
      '0 self_attn.q_proj',
      '1 mlp.up_proj'
    ])
  })

  it('refuse a module that the model does not have, and say which there are', () => {
    for (const target of ['c_attn', 'proj', 'lm_head', 'layers.2.mlp.up_proj', '']) {
      expect(() => targets(['q_proj', target]))
        .to.throw(
          PeftError,
          new RegExp(`${target}.*q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj`)
        )
        .with.property('code', 'UNKNOWN_TARGET')
    }
  })
})

describe('the layout of a LoRA', () => {
  it('lays A [rank, in] before B [out, rank], module after module, under the keys of PEFT', () => {
    const settings = { ...loraDefaults, rank: 2, targetModules: ['q_proj', 'down_proj'] }
    const { tensors } = loraAdapter(tinyConfig, settings).layout
    expect(tensors.map(({ name, factor, shape }) => `${name} ${factor} ${shape}`)).to.deep.equal(
      [0, 1].flatMap(layer => [
        `base_model.model.model.layers.${layer}.self_attn.q_proj.lora_A.weight A 2,8`,
        `base_model.model.model.layers.${layer}.self_attn.q_proj.lora_B.weight B 16,2`,
        `base_model.model.model.layers.${layer}.mlp.down_proj.lora_A.weight A 2,12`,
        `base_model.model.model.layers.${layer}.mlp.down_proj.lora_B.weight B 8,2`
      ])
    )
  })
})

describe('a fresh LoRA', () => {
  const { layout, initial } = loraAdapter(tinyConfig, { ...loraDefaults, rank: 4 })

  it('draws A uniformly in ±1 / sqrt(in) and leaves B zero', () => {
    const adapter = initial(seededRandom(9))
    for (const { name, factor, shape, offset, length } of layout.tensors) {
      const values = adapter.subarray(offset, offset + length)
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      if (factor === 'B') expect(largest, name).to.equal(0)
      else {
        const bound = 1 / Math.sqrt(shape[1]!)
        expect(largest, name).to.be.within(0.7 * bound, bound)
        expect(Math.min(...values), name).to.be.lessThan(0)
      }
    }
  })

  it('is the same for the same seed, and only then', () => {
    expect(initial(seededRandom(9))).to.deep.equal(initial(seededRandom(9)))
    expect(initial(seededRandom(9))).not.to.deep.equal(initial(seededRandom(10)))
  })

  it('has not changed: peers of different versions must start from the same bytes', () => {
    const adapter = initial(seededRandom(20240601))
    expect(Array.from(adapter.subarray(0, 4))).to.deep.equal([
      -0.047192152589559555, 0.20894373953342438, -0.1455303132534027, 0.16101746261119843
    ])
  })
})
