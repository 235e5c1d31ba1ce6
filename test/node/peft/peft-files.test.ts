import { expect } from 'chai'
import fc from 'fast-check'
import { layoutOf } from '../../../aggregation/adapter-layout.ts'
import { ModelError } from '../../../node/model/errors.ts'
import { readSafetensors, writeSafetensors } from '../../../node/model/safetensors.ts'
import {
  type AdapterConfig,
  adapterConfigJson,
  parseAdapterConfig
} from '../../../node/peft/adapter-config.ts'
import {
  type AdapterSettings,
  bottleneckDefaults,
  type LoraSettings,
  prefixDefaults
} from '../../../node/peft/adapter-settings.ts'
import { PeftError, type PeftErrorCode } from '../../../node/peft/errors.ts'
import { loadAdapter, readAdapterConfig, saveAdapter } from '../../../node/peft/peft-files.ts'
import type { Files } from '../../../protocols/ports.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'
import { tinyConfig } from '../../support/tiny-model.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

const settings: LoraSettings = {
  kind: 'lora',
  rank: 2,
  alpha: 16,
  rankStabilized: false,
  targetModules: ['down_proj', 'q_proj'],
  dropout: 0.05
}
const baseModel = 'HuggingFaceTB/SmolLM2-135M'
const config: AdapterConfig = { settings, baseModel, adapterName: 'fedpeft' }
const configJson = adapterConfigJson(settings, tinyConfig, baseModel)

const prefix = 'base_model.model.model.layers.0'
const layout = layoutOf([
  { name: `${prefix}.self_attn.q_proj.lora_A.weight`, factor: 'A', shape: [2, 3] },
  { name: `${prefix}.self_attn.q_proj.lora_B.weight`, factor: 'B', shape: [4, 2] },
  { name: `${prefix}.mlp.down_proj.lora_A.weight`, factor: 'A', shape: [2, 5] },
  { name: `${prefix}.mlp.down_proj.lora_B.weight`, factor: 'B', shape: [3, 2] }
])
const values = Float32Array.from({ length: layout.length }, (_, i) => i / 8 - 1)

function save(files: Files, folder: string, of = layout, saved = values): Promise<void> {
  return saveAdapter(files, folder, { kind: 'lora', configJson, layout: of, values: saved })
}

function load(files: Files, folder: string, of = layout): Promise<Float32Array> {
  return loadAdapter(files, folder, config, { layout: of })
}

/** `adapter_config.json` as PEFT 0.21.2 writes it. */
const writtenByPeft = {
  alora_invocation_tokens: null,
  alpha_pattern: {},
  arrow_config: null,
  auto_mapping: null,
  base_model_name_or_path: 'my-model',
  bias: 'none',
  corda_config: null,
  ensure_weight_tying: false,
  eva_config: null,
  exclude_modules: null,
  fan_in_fan_out: false,
  inference_mode: true,
  init_lora_weights: true,
  kasa_config: null,
  layer_replication: null,
  layers_pattern: null,
  layers_to_transform: null,
  loftq_config: {},
  lora_alpha: 16,
  lora_bias: false,
  lora_dropout: 0,
  lora_ga_config: null,
  megatron_config: null,
  megatron_core: 'megatron.core',
  modules_to_save: null,
  monteclora_config: null,
  peft_type: 'LORA',
  peft_version: '0.21.2',
  qalora_group_size: 16,
  r: 8,
  rank_pattern: {},
  revision: null,
  target_modules: ['v_proj', 'q_proj'],
  target_parameters: null,
  task_type: 'CAUSAL_LM',
  trainable_token_indices: null,
  use_bdlora: null,
  use_dora: false,
  use_qalora: false,
  use_rslora: false,
  velora_config: null
}

async function refusal(promise: Promise<unknown>, code: PeftErrorCode): Promise<PeftError> {
  const error = await promise.then(
    () => new Error('not refused'),
    error => error
  )
  expect(error).to.be.instanceOf(PeftError)
  expect(error.code).to.equal(code)
  return error
}

describe('PEFT files', () => {
  it('give back the adapter that was saved', async () => {
    const files = memoryFiles()
    await save(files, 'round-3')
    expect(await files.list('round-3')).to.deep.equal(['adapter_config.json', 'adapter_model.safetensors'])
    expect(await load(files, 'round-3')).to.deep.equal(values)
    expect(await readAdapterConfig(files, 'round-3')).to.deep.equal(config)
  })

  it('give back any finite values to the last bit', async () => {
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true })
    await fc.assert(
      fc.asyncProperty(
        fc.array(finite, { minLength: layout.length, maxLength: layout.length }),
        async any => {
          const files = memoryFiles()
          await save(files, '', layout, Float32Array.from(any))
          expect(await load(files, '')).to.deep.equal(Float32Array.from(any))
        }
      )
    )
  })

  it('hold tensors under the keys of PEFT, A as [rank, in] and B as [out, rank]', async () => {
    const files = memoryFiles()
    await save(files, '')
    const tensors = readSafetensors((await files.read('adapter_model.safetensors'))!)
    expect(tensors.size).to.equal(4)
    const b = tensors.get('base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight')!
    expect(b.shape).to.deep.equal([4, 2])
    expect(b.data).to.deep.equal(values.slice(6, 14))
  })

  it('have the config that PEFT loads', () => {
    const json = JSON.parse(configJson)
    expect(json).to.deep.include({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      r: 2,
      lora_alpha: 16,
      target_modules: ['down_proj', 'q_proj'],
      base_model_name_or_path: 'HuggingFaceTB/SmolLM2-135M',
      bias: 'none',
      fan_in_fan_out: false,
      lora_dropout: 0.05,
      use_rslora: false
    })
    const stabilized = { ...settings, rankStabilized: true }
    const read = parseAdapterConfig(adapterConfigJson(stabilized, tinyConfig, ''), 'a')
    expect(read.settings).to.deep.equal(stabilized)
  })

  it('of PEFT itself are read, with all the switches that are off', () => {
    expect(parseAdapterConfig(JSON.stringify(writtenByPeft), 'a')).to.deep.equal({
      settings: {
        kind: 'lora',
        rank: 8,
        alpha: 16,
        rankStabilized: false,
        targetModules: ['v_proj', 'q_proj'],
        dropout: 0
      },
      baseModel: 'my-model',
      adapterName: 'fedpeft'
    })
  })

  it('of AdapterHub from before they carried a version mean the tanh approximation by gelu', () => {
    const fields = JSON.parse(adapterConfigJson(bottleneckDefaults, tinyConfig, baseModel))
    const activationOf = (name: string, version?: string) => {
      const json = { ...fields, version, config: { ...fields.config, non_linearity: name } }
      const { settings } = parseAdapterConfig(JSON.stringify(json), 'a')
      return settings.kind === 'bottleneck' ? settings.activation : null
    }
    expect(fields.version).to.equal('adapters.1.3.0')
    expect(activationOf('gelu', 'adapters.1.3.0')).to.equal('gelu')
    expect(['gelu', 'gelu_orig', 'gelu_new', 'relu'].map(name => activationOf(name))).to.deep.equal([
      'gelu-tanh',
      'gelu',
      'gelu-tanh',
      'relu'
    ])
  })

  it('of a bottleneck hold its scaling as a float, which AdapterHub insists on', () => {
    expect(adapterConfigJson(bottleneckDefaults, tinyConfig, baseModel)).to.include('"scaling": 1.0,')
  })

  it('are written weights first, so that a folder with a config has an adapter', async () => {
    const files = memoryFiles()
    const order: string[] = []
    const spied = {
      ...files,
      write: (path: string, bytes: Uint8Array) => {
        order.push(path)
        return files.write(path, bytes)
      }
    }
    await save(spied, 'a')
    expect(order).to.deep.equal(['a/adapter_model.safetensors', 'a/adapter_config.json'])
  })

  it('are not written from a vector of another length', async () => {
    const error = await save(memoryFiles(), '', layout, values.slice(1)).catch(error => error)
    expect(error)
      .to.be.instanceOf(RangeError)
      .and.to.have.property('message', 'expected 30 adapter values, got 29')
  })

  describe('are refused, with what to do, if', () => {
    it('one is missing', async () => {
      const config = await refusal(readAdapterConfig(memoryFiles(), 'a'), 'MISSING_FILE')
      expect(config.message).to.include('a/adapter_config.json is missing').and.to.include('--adapter')
      await refusal(load(memoryFiles(), 'a'), 'MISSING_FILE')
    })

    it('the rank is another', async () => {
      const files = memoryFiles()
      await save(files, '')
      const rankThree = layoutOf(
        layout.tensors.map(t => ({ ...t, shape: t.factor === 'A' ? [3, t.shape[1]!] : [t.shape[0]!, 3] }))
      )
      const error = await refusal(load(files, '', rankThree), 'ADAPTER_MISMATCH')
      expect(error.message).to.include('expected shape [3, 3], got shape [2, 3]')
      expect(error.data['tensor']).to.equal(layout.tensors[0]!.name)
    })

    it('a tensor lacks, or is one too many', async () => {
      const files = memoryFiles()
      const fewer = layoutOf(layout.tensors.slice(0, 3))
      await save(files, '', fewer, values.slice(0, fewer.length))
      expect((await refusal(load(files, ''), 'ADAPTER_MISMATCH')).message).to.include(
        `${layout.tensors[3]!.name}: expected shape [3, 2], got nothing`
      )
      await save(files, '')
      expect((await refusal(load(files, '', fewer), 'ADAPTER_MISMATCH')).message).to.include(
        `${layout.tensors[3]!.name}: expected nothing, got shape [3, 2]`
      )
    })

    it('a value is not finite', async () => {
      const files = memoryFiles()
      const tensors = layout.tensors.map(
        t => [t.name, { shape: t.shape, data: new Float32Array(t.length) }] as const
      )
      tensors[1]![1].data[5] = Number.NaN
      await files.write('adapter_model.safetensors', writeSafetensors(new Map(tensors)))
      const error = await load(files, '').catch(error => error)
      expect(error).to.be.instanceOf(ModelError).and.to.have.property('code', 'CORRUPT_SAFETENSORS')
      expect(error.message).to.include(layout.tensors[1]!.name).and.to.include('value 5 is NaN')
    })

    const unsupported: Array<[field: string, value: unknown]> = [
      ['peft_type', 'IA3'],
      ['bias', 'all'],
      ['use_dora', true],
      ['lora_bias', true],
      ['modules_to_save', ['lm_head']],
      ['layers_to_transform', [0]],
      ['layers_to_transform', 0],
      ['rank_pattern', { q_proj: 4 }],
      ['alpha_pattern', { q_proj: 4 }],
      ['target_modules', '.*_proj'],
      ['init_lora_weights', 'pissa'],
      ['use_bdlora', true],
      ['exclude_modules', 'lm_head'],
      ['target_parameters', ['mlp.weight']],
      ['trainable_token_indices', [3]],
      ['layer_replication', [[0, 2]]],
      ['a_switch_of_next_year', 1]
    ]
    for (const [field, value] of unsupported) {
      it(`the config asks for ${field} ${JSON.stringify(value)}`, async () => {
        const json = JSON.stringify({ ...JSON.parse(configJson), [field]: value })
        const files = memoryFiles([['adapter_config.json', utf8(json)]])
        const error = await refusal(readAdapterConfig(files, ''), 'UNSUPPORTED')
        expect(error.data['field']).to.equal(field)
      })
    }

    const ofOtherKinds: Array<[settings: AdapterSettings, field: string, value: unknown]> = [
      [prefixDefaults, 'modules_to_save', ['lm_head']],
      [prefixDefaults, 'a_switch_of_next_year', 'on'],
      [bottleneckDefaults, 'config.is_parallel', true],
      [bottleneckDefaults, 'config.scaling', 4],
      [bottleneckDefaults, 'config.scaling', 'learned'],
      [bottleneckDefaults, 'config.leave_out', [0]],
      [bottleneckDefaults, 'config.use_gating', true],
      [bottleneckDefaults, 'config.phm_layer', true],
      [bottleneckDefaults, 'config.ln_before', true],
      [bottleneckDefaults, 'config.output_adapter', false],
      [bottleneckDefaults, 'config.residual_before_ln', false],
      [bottleneckDefaults, 'config.original_ln_before', false],
      [bottleneckDefaults, 'config.inv_adapter', 'nice'],
      [bottleneckDefaults, 'config.stochastic_depth', 0.1],
      [bottleneckDefaults, 'config.non_linearity', 'tanh'],
      [bottleneckDefaults, 'config.reduction_factor', { '0': 16, default: 8 }],
      [bottleneckDefaults, 'config.architecture', 'lora'],
      [bottleneckDefaults, 'config.a_switch_of_next_year', 1]
    ]
    for (const [settings, field, value] of ofOtherKinds) {
      it(`the config of a ${settings.kind} asks for ${field} ${JSON.stringify(value)}`, async () => {
        const json = JSON.parse(adapterConfigJson(settings, tinyConfig, baseModel))
        const [first, second] = field.split('.') as [string, string?]
        if (second === undefined) json[first] = value
        else json[first][second] = value
        const files = memoryFiles([['adapter_config.json', utf8(JSON.stringify(json))]])
        const error = await refusal(readAdapterConfig(files, ''), 'UNSUPPORTED')
        expect(error.data['field']).to.equal(field)
        expect(error.message).to.include(`${field} is ${JSON.stringify(value)}`)
      })
    }

    const bad: Array<[field: string, value: unknown]> = [
      ['r', 0],
      ['r', undefined],
      ['lora_alpha', '16'],
      ['target_modules', []]
    ]
    for (const [field, value] of bad) {
      it(`the config has ${field} ${JSON.stringify(value)}`, async () => {
        const json = JSON.stringify({ ...JSON.parse(configJson), [field]: value })
        const files = memoryFiles([['adapter_config.json', utf8(json)]])
        const error = await refusal(readAdapterConfig(files, ''), 'BAD_ADAPTER_CONFIG')
        expect(error.data['field']).to.equal(field)
      })
    }

    it('the config is not JSON, or no object', async () => {
      for (const [content, reason] of [
        ['{', 'not JSON'],
        ['3', 'one JSON object']
      ] as const) {
        const files = memoryFiles([['adapter_config.json', utf8(content)]])
        expect((await refusal(readAdapterConfig(files, ''), 'BAD_ADAPTER_CONFIG')).message).to.include(reason)
      }
    })
  })
})
