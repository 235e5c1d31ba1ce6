import { expect } from 'chai'
import fc from 'fast-check'
import { ModelError } from '../../../node/model/errors.ts'
import { llamaConfigJson, type ModelConfig } from '../../../node/model/model-config.ts'
import { parseModelConfig } from '../../../node/model/parse-config.ts'

/** As published with HuggingFaceTB/SmolLM2-135M. */
const smol = {
  architectures: ['LlamaForCausalLM'],
  attention_bias: false,
  attention_dropout: 0.0,
  bos_token_id: 0,
  eos_token_id: 0,
  hidden_act: 'silu',
  hidden_size: 576,
  initializer_range: 0.041666666666666664,
  intermediate_size: 1536,
  is_llama_config: true,
  max_position_embeddings: 8192,
  mlp_bias: false,
  model_type: 'llama',
  num_attention_heads: 9,
  num_hidden_layers: 30,
  num_key_value_heads: 3,
  pretraining_tp: 1,
  rms_norm_eps: 1e-5,
  rope_interleaved: false,
  rope_scaling: null,
  rope_theta: 100000,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  transformers_version: '4.40.1',
  use_cache: true,
  vocab_size: 49152
}

function refusal(fields: object | string): ModelError {
  try {
    parseModelConfig(typeof fields === 'string' ? fields : JSON.stringify(fields), 'm/config.json')
  } catch (error) {
    expect(error).to.be.instanceOf(ModelError)
    return error as ModelError
  }
  throw new Error('not refused')
}

const arbitraryConfig: fc.Arbitrary<ModelConfig> = fc
  .record({
    heads: fc.integer({ min: 1, max: 4 }),
    sharing: fc.integer({ min: 1, max: 4 }),
    halfHead: fc.integer({ min: 1, max: 64 }),
    layerCount: fc.integer({ min: 1, max: 80 }),
    hiddenSize: fc.integer({ min: 1, max: 8192 }),
    intermediateSize: fc.integer({ min: 1, max: 30_000 }),
    vocabularySize: fc.integer({ min: 1, max: 200_000 }),
    theta: fc.double({ min: 1, max: 1e7, noNaN: true }),
    attentionBias: fc.boolean(),
    mlpBias: fc.boolean(),
    normEpsilon: fc.double({ min: 0, max: 1e-3, noNaN: true }),
    tiedEmbeddings: fc.boolean(),
    endTokenId: fc.option(fc.constant(0), { nil: undefined })
  })
  .map(({ heads, sharing, halfHead, theta, endTokenId, ...rest }) => ({
    family: 'llama',
    headCount: heads * sharing,
    keyValueHeadCount: heads,
    headSize: 2 * halfHead,
    activation: 'silu',
    rotary: { theta, scaling: { kind: 'none' } },
    outputBias: rest.attentionBias,
    headNorm: false,
    windows: Array<null>(rest.layerCount).fill(null),
    maxPositions: 2048,
    initializerRange: 0.02,
    ...(endTokenId === undefined ? {} : { endTokenId }),
    ...rest
  }))

describe('model config', () => {
  it('reads the config.json of a published model', () => {
    expect(parseModelConfig(JSON.stringify(smol))).to.deep.equal({
      family: 'llama',
      hiddenSize: 576,
      layerCount: 30,
      headCount: 9,
      keyValueHeadCount: 3,
      headSize: 64,
      intermediateSize: 1536,
      vocabularySize: 49152,
      activation: 'silu',
      rotary: { theta: 100000, scaling: { kind: 'none' } },
      normEpsilon: 1e-5,
      attentionBias: false,
      outputBias: false,
      mlpBias: false,
      headNorm: false,
      windows: Array(30).fill(null),
      maxPositions: 8192,
      tiedEmbeddings: true,
      beginTokenId: 0,
      endTokenId: 0,
      initializerRange: 0.041666666666666664
    })
  })

  it('fills in what Transformers fills in', () => {
    const { hidden_size, intermediate_size, num_attention_heads, num_hidden_layers, vocab_size } = smol
    const least = {
      model_type: 'llama',
      hidden_size,
      intermediate_size,
      num_attention_heads,
      num_hidden_layers,
      vocab_size
    }
    const config = parseModelConfig(JSON.stringify(least))
    expect(config).to.include({ keyValueHeadCount: 9, headSize: 64, normEpsilon: 1e-6 })
    expect(config.rotary).to.deep.equal({ theta: 10_000, scaling: { kind: 'none' } })
    expect(config).to.include({ maxPositions: 2048, tiedEmbeddings: false, initializerRange: 0.02 })
    expect(config).to.not.have.any.keys('beginTokenId', 'endTokenId')
  })

  it('reads rope_theta where newer versions of Transformers put it', () => {
    const { rope_theta: _, rope_scaling: __, ...rest } = smol
    const config = { ...rest, rope_parameters: { rope_type: 'default', rope_theta: 5000 } }
    expect(parseModelConfig(JSON.stringify(config)).rotary?.theta).to.equal(5000)
  })

  const sizes = {
    hidden_size: 64,
    num_attention_heads: 4,
    num_hidden_layers: 2,
    intermediate_size: 96,
    vocab_size: 50
  }
  const parse = (fields: object) => parseModelConfig(JSON.stringify({ ...sizes, ...fields }))

  it('fills in for each family what its class fills in', () => {
    // As transformers 5.23.0 has them; tiedEmbeddings is false in all.
    const expected: Array<[family: string, heads: number, headSize: number, positions: number]> = [
      ['llama', 4, 16, 2048],
      ['mistral', 8, 16, 131_072],
      ['qwen2', 32, 16, 32_768],
      ['qwen3', 32, 128, 32_768]
    ]
    for (const [model_type, keyValueHeadCount, headSize, maxPositions] of expected) {
      const config = parse({ model_type, num_attention_heads: 4, num_key_value_heads: 4 })
      expect(config, model_type).to.include({
        headSize,
        maxPositions,
        tiedEmbeddings: false,
        normEpsilon: 1e-6
      })
      expect(config.windows).to.deep.equal(model_type === 'mistral' ? [4096, 4096] : [null, null])
      const many = { hidden_size: 512, num_attention_heads: 32 }
      expect(parse({ model_type, ...many }).keyValueHeadCount).to.equal(
        model_type === 'llama' ? 32 : keyValueHeadCount
      )
      expect(parse({ model_type, ...many, num_key_value_heads: null }).keyValueHeadCount).to.equal(32)
    }
    const gpt2 = { n_embd: 64, n_layer: 2, n_head: 4, vocab_size: 50 }
    expect(parse({ model_type: 'gpt2', ...gpt2 })).to.deep.include({
      intermediateSize: 256,
      activation: 'gelu-tanh',
      normEpsilon: 1e-5,
      maxPositions: 1024,
      tiedEmbeddings: true,
      rotary: null,
      windows: [null, null]
    })
  })

  it('knows the biases of each family, whatever the field says', () => {
    const biases = (fields: object) => {
      const { attentionBias, outputBias, mlpBias } = parse({ num_key_value_heads: 4, ...fields })
      return [attentionBias, outputBias, mlpBias]
    }
    for (const attention_bias of [true, false]) {
      expect(biases({ model_type: 'qwen2', attention_bias })).to.deep.equal([true, false, false])
      expect(biases({ model_type: 'mistral', attention_bias })).to.deep.equal([false, false, false])
      const asSaid = [attention_bias, attention_bias, false]
      expect(biases({ model_type: 'qwen3', attention_bias })).to.deep.equal(asSaid)
      expect(biases({ model_type: 'llama', attention_bias })).to.deep.equal(asSaid)
    }
    expect(biases({ model_type: 'llama', mlp_bias: true })).to.deep.equal([false, false, true])
  })

  it('knows which layers look through a window', () => {
    const windows = (fields: object) =>
      parse({ num_key_value_heads: 4, num_hidden_layers: 4, ...fields }).windows
    const all = (window: number | null) => Array<number | null>(4).fill(window)
    expect(windows({ model_type: 'mistral', sliding_window: 9 })).to.deep.equal(all(9))
    expect(windows({ model_type: 'mistral', sliding_window: null })).to.deep.equal(all(null))
    for (const model_type of ['qwen2', 'qwen3']) {
      expect(windows({ model_type, sliding_window: 9 })).to.deep.equal(all(null))
      const used = { model_type, sliding_window: 9, use_sliding_window: true }
      expect(windows({ ...used, max_window_layers: 3 })).to.deep.equal([null, null, null, 9])
      expect(windows(used)).to.deep.equal(all(null))
      const layer_types = ['sliding_attention', 'full_attention', 'full_attention', 'sliding_attention']
      expect(windows({ ...used, layer_types })).to.deep.equal([9, null, null, 9])
    }
  })

  it('reads how positions are stretched, in either spelling', () => {
    const llama3 = {
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192
    }
    const scaling = {
      kind: 'llama3',
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 8192
    }
    const rotary = (fields: object) => parse({ model_type: 'llama', ...fields }).rotary
    const older = { rope_theta: 500_000, rope_scaling: { rope_type: 'llama3', ...llama3 } }
    const newer = { rope_parameters: { rope_type: 'llama3', rope_theta: 500_000, ...llama3 } }
    expect(rotary(older)).to.deep.equal({ theta: 500_000, scaling })
    expect(rotary(newer)).to.deep.equal({ theta: 500_000, scaling })
    expect(rotary({ rope_scaling: { type: 'linear', factor: 4 } })).to.deep.equal({
      theta: 10_000,
      scaling: { kind: 'linear', factor: 4 }
    })
  })

  it('takes the first of several end tokens', () => {
    expect(parseModelConfig(JSON.stringify({ ...smol, eos_token_id: [2, 0] })).endTokenId).to.equal(2)
  })

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(arbitraryConfig, config => {
        expect(parseModelConfig(llamaConfigJson(config))).to.deep.equal(config)
      })
    )
  })

  describe('refuses what would change the result, by name:', () => {
    const unsupported: Array<[field: string, value: unknown]> = [
      ['model_type', 'gemma'],
      ['model_type', undefined],
      ['hidden_act', 'mish'],
      ['rope_scaling', { rope_type: 'llama3', factor: 8 }],
      ['rope_scaling', { type: 'linear' }],
      ['rope_scaling', { type: 'dynamic', factor: 2 }],
      ['rope_parameters', { rope_type: 'yarn' }],
      ['rope_parameters', { rope_type: 'default', partial_rotary_factor: 0.5 }],
      ['sliding_window', 4096],
      ['quantization_config', { bits: 4 }],
      ['rope_interleaved', true],
      ['partial_rotary_factor', 0.25]
    ]
    for (const [field, value] of unsupported) {
      it(`${field} ${JSON.stringify(value)}`, () => {
        const error = refusal({ ...smol, [field]: value })
        expect(error.code).to.equal('UNSUPPORTED')
        expect(error.data['field']).to.equal(field)
        expect(error.message).to.include(`m/config.json: ${field} is `)
      })
    }
  })

  describe('refuses of other families what would change the result, by name:', () => {
    const gpt2 = { model_type: 'gpt2', n_embd: 64, n_layer: 2, n_head: 4, vocab_size: 50 }
    const qwen = { model_type: 'qwen3', ...sizes, num_key_value_heads: 4, use_sliding_window: true }
    const unsupported: Array<[fields: object, field: string, value: unknown]> = [
      [gpt2, 'activation_function', 'quick_gelu'],
      [gpt2, 'scale_attn_by_inverse_layer_idx', true],
      [gpt2, 'scale_attn_weights', false],
      [gpt2, 'add_cross_attention', true],
      [qwen, 'layer_types', ['full_attention', 'chunked_attention']],
      [qwen, 'attn_logit_softcapping', 50]
    ]
    for (const [fields, field, value] of unsupported) {
      it(`${field} ${JSON.stringify(value)}`, () => {
        const error = refusal({ ...fields, [field]: value })
        expect(error.code).to.equal('UNSUPPORTED')
        expect(error.message).to.include(`m/config.json: ${field}`)
      })
    }
  })

  describe('refuses impossible values, by name:', () => {
    const bad: Array<[field: string, value: unknown]> = [
      ['hidden_size', 0],
      ['hidden_size', 577],
      ['hidden_size', '576'],
      ['num_hidden_layers', 1.5],
      ['num_key_value_heads', 2],
      ['head_dim', 63],
      ['vocab_size', -1],
      ['vocab_size', undefined],
      ['rope_theta', 0],
      ['rms_norm_eps', -1],
      ['eos_token_id', 49152],
      ['tie_word_embeddings', 'yes']
    ]
    for (const [field, value] of bad) {
      it(`${field} ${JSON.stringify(value)}`, () => {
        const error = refusal({ ...smol, [field]: value })
        expect(error.code).to.equal('BAD_CONFIG')
        expect(error.data['field']).to.equal(field)
        expect(error.message).to.include(`m/config.json: ${field}: `)
      })
    }

    it('a file that is not JSON, or no object', () => {
      expect(refusal('{').message).to.include('m/config.json is not JSON')
      expect(refusal('[]').message).to.include('m/config.json must hold one JSON object')
    })
  })
})
