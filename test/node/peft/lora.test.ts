import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { PeftError } from '../../../node/peft/errors.ts'
import { initialLora, loraLayout, loraScale, targetedModules } from '../../../node/peft/lora.ts'
import { tinyConfig } from '../../support/tiny-model.ts'

describe('LoRA settings', () => {
  it('scale by alpha / rank, or alpha / sqrt(rank) if rank-stabilised', () => {
    expect(loraScale({ rank: 4, alpha: 8, targetModules: 'all-linear' })).to.equal(2)
    expect(loraScale({ rank: 4, alpha: 8, rankStabilized: true, targetModules: 'all-linear' })).to.equal(4)
  })

  it('name modules by the end of their name, in any order, as PEFT does', () => {
    expect(targetedModules({ targetModules: ['v_proj', 'q_proj'] })).to.deep.equal([
      'self_attn.q_proj',
      'self_attn.v_proj'
    ])
    expect(targetedModules({ targetModules: ['mlp.up_proj'] })).to.deep.equal(['mlp.up_proj'])
    expect(targetedModules({ targetModules: 'all-linear' })).to.have.length(7)
  })

  it('refuse a module that the model does not have, and say which there are', () => {
    for (const target of ['c_attn', 'proj', 'lm_head']) {
      expect(() => targetedModules({ targetModules: ['q_proj', target] }))
        .to.throw(
          PeftError,
          new RegExp(`${target}.*q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj`)
        )
        .with.property('code', 'UNKNOWN_TARGET')
    }
  })
})

describe('loraLayout', () => {
  it('lays A [rank, in] before B [out, rank], module after module, under the keys of PEFT', () => {
    const { tensors } = loraLayout(tinyConfig, { rank: 2, alpha: 2, targetModules: ['q_proj', 'down_proj'] })
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

describe('initialLora', () => {
  const layout = loraLayout(tinyConfig, { rank: 4, alpha: 4, targetModules: 'all-linear' })

  it('draws A uniformly in ±1 / sqrt(in) and leaves B zero', () => {
    const adapter = initialLora(layout, seededRandom(9))
    for (const { name, factor, shape, offset, length } of layout.tensors) {
      const values = adapter.subarray(offset, offset + length)
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      if (factor === 'B') expect(largest, name).to.equal(0)
      else {
        const bound = 1 / Math.sqrt(shape[1])
        expect(largest, name).to.be.within(0.7 * bound, bound)
        expect(Math.min(...values), name).to.be.lessThan(0)
      }
    }
  })

  it('is the same for the same seed, and only then', () => {
    expect(initialLora(layout, seededRandom(9))).to.deep.equal(initialLora(layout, seededRandom(9)))
    expect(initialLora(layout, seededRandom(9))).not.to.deep.equal(initialLora(layout, seededRandom(10)))
  })

  it('has not changed: peers of different versions must start from the same bytes', () => {
    const adapter = initialLora(layout, seededRandom(20240601))
    expect(Array.from(adapter.subarray(0, 4))).to.deep.equal([
      -0.047192152589559555, 0.20894373953342438, -0.1455303132534027, 0.16101746261119843
    ])
  })
})
