/** What a model's weights are called and how large they are: every tensor that its `config.json` calls for. */
import type { ModelConfig } from './model-config.ts'

/** A linear layer inside a decoder layer. */
export interface LinearModule {
  /** E.g. `self_attn.q_proj`. */
  readonly name: string
  readonly outSize: number
  readonly inSize: number
  readonly hasBias: boolean
  /** Stored [in, out] (GPT-2's Conv1D) instead of [out, in]. */
  readonly isTransposed: boolean
}

export interface ModelTensor {
  readonly name: string
  readonly shape: readonly number[]
}

/** The linear layers of each decoder layer, in the order of an adapter's layout. */
export function linearModules(config: ModelConfig): LinearModule[] {
  const { hiddenSize, headCount, keyValueHeadCount, headSize, intermediateSize } = config
  const { attentionBias, outputBias, mlpBias } = config
  const queries = headCount * headSize
  const keys = keyValueHeadCount * headSize
  const module = (
    name: string,
    outSize: number,
    inSize: number,
    hasBias: boolean,
    isTransposed = false
  ): LinearModule => ({ name, outSize, inSize, hasBias, isTransposed })
  if (config.family === 'gpt2') {
    return [
      module('attn.c_attn', 3 * hiddenSize, hiddenSize, true, true),
      module('attn.c_proj', hiddenSize, hiddenSize, true, true),
      module('mlp.c_fc', intermediateSize, hiddenSize, true, true),
      module('mlp.c_proj', hiddenSize, intermediateSize, true, true)
    ]
  }
  return [
    module('self_attn.q_proj', queries, hiddenSize, attentionBias),
    module('self_attn.k_proj', keys, hiddenSize, attentionBias),
    module('self_attn.v_proj', keys, hiddenSize, attentionBias),
    module('self_attn.o_proj', hiddenSize, queries, outputBias),
    module('mlp.gate_proj', intermediateSize, hiddenSize, mlpBias),
    module('mlp.up_proj', intermediateSize, hiddenSize, mlpBias),
    module('mlp.down_proj', hiddenSize, intermediateSize, mlpBias)
  ]
}

/** E.g. `model.layers.3`. */
export function layerName(config: ModelConfig, layer: number): string {
  return config.family === 'gpt2' ? `transformer.h.${layer}` : `model.layers.${layer}`
}

/** The tensors outside the decoder layers. */
export function outerTensors(config: ModelConfig): {
  readonly embedding: string
  /** Null where positions are rotary. */
  readonly positions: string | null
  readonly finalNorm: string
  /** The embedding itself where it serves as output projection. */
  readonly head: string
} {
  const isGpt2 = config.family === 'gpt2'
  const embedding = isGpt2 ? 'transformer.wte.weight' : 'model.embed_tokens.weight'
  return {
    embedding,
    positions: isGpt2 ? 'transformer.wpe.weight' : null,
    finalNorm: isGpt2 ? 'transformer.ln_f' : 'model.norm',
    head: config.tiedEmbeddings ? embedding : 'lm_head.weight'
  }
}

/** Every tensor with the shape that its file must have: matrices first, then vectors, layer by layer. */
export function modelTensors(config: ModelConfig): ModelTensor[] {
  const { hiddenSize, vocabularySize, maxPositions, layerCount, tiedEmbeddings } = config
  const outer = outerTensors(config)
  const tensors: ModelTensor[] = [{ name: outer.embedding, shape: [vocabularySize, hiddenSize] }]
  if (outer.positions !== null) tensors.push({ name: outer.positions, shape: [maxPositions, hiddenSize] })
  const vectors: ModelTensor[] = []
  for (let layer = 0; layer < layerCount; layer++) {
    for (const { name, outSize, inSize, hasBias, isTransposed } of linearModules(config)) {
      const path = `${layerName(config, layer)}.${name}`
      const shape = isTransposed ? [inSize, outSize] : [outSize, inSize]
      tensors.push({ name: `${path}.weight`, shape })
      if (hasBias) vectors.push({ name: `${path}.bias`, shape: [outSize] })
    }
    vectors.push(...layerNorms(config, layer))
  }
  if (!tiedEmbeddings) tensors.push({ name: outer.head, shape: [vocabularySize, hiddenSize] })
  return [...tensors, ...vectors, ...normTensors(config, outer.finalNorm, hiddenSize)]
}

/** The names of a layer's norms by what they are before. */
export function normNames(config: ModelConfig): { readonly attention: string; readonly mlp: string } {
  return config.family === 'gpt2'
    ? { attention: 'ln_1', mlp: 'ln_2' }
    : { attention: 'input_layernorm', mlp: 'post_attention_layernorm' }
}

function layerNorms(config: ModelConfig, layer: number): ModelTensor[] {
  const path = layerName(config, layer)
  const { attention, mlp } = normNames(config)
  const heads = config.headNorm ? ['self_attn.q_norm', 'self_attn.k_norm'] : []
  return [
    ...normTensors(config, `${path}.${attention}`, config.hiddenSize),
    ...normTensors(config, `${path}.${mlp}`, config.hiddenSize),
    ...heads.flatMap(name => normTensors(config, `${path}.${name}`, config.headSize))
  ]
}

function normTensors(config: ModelConfig, path: string, size: number): ModelTensor[] {
  const gain = { name: `${path}.weight`, shape: [size] }
  return config.family === 'gpt2' ? [gain, { name: `${path}.bias`, shape: [size] }] : [gain]
}
