import type { Activation } from '../backend/backend.ts'

export const modelFamilies = ['llama', 'mistral', 'qwen2', 'qwen3', 'gpt2'] as const

export type ModelFamily = (typeof modelFamilies)[number]

/** Rotary positions, and how their frequencies are stretched for longer texts. */
export interface RotarySettings {
  readonly theta: number
  readonly scaling:
    | { readonly kind: 'none' }
    /** All positions divided by the factor (Chen et al. 2023, arXiv:2306.15595). */
    | { readonly kind: 'linear'; readonly factor: number }
    /** Low frequencies only (Llama 3.1, arXiv:2407.21783). */
    | {
        readonly kind: 'llama3'
        readonly factor: number
        readonly lowFrequencyFactor: number
        readonly highFrequencyFactor: number
        readonly originalMaxPositions: number
      }
}

/** The shape of a decoder-only transformer, read from a Hugging Face `config.json`. */
export interface ModelConfig {
  readonly family: ModelFamily
  readonly hiddenSize: number
  readonly layerCount: number
  readonly headCount: number
  /** Heads of keys and values; headCount / keyValueHeadCount query heads share one. */
  readonly keyValueHeadCount: number
  /** Width of one head; even where positions are rotary, which turn pairs. */
  readonly headSize: number
  readonly intermediateSize: number
  readonly vocabularySize: number
  readonly activation: Activation
  /** Null where positions are learned (GPT-2). */
  readonly rotary: RotarySettings | null
  readonly normEpsilon: number
  /** Of the query, key and value projections. */
  readonly attentionBias: boolean
  /** Of the projection behind attention. */
  readonly outputBias: boolean
  readonly mlpBias: boolean
  /** Queries and keys are normed by heads before they are rotated (Qwen3). */
  readonly headNorm: boolean
  /** By layer: a position sees itself and the window - 1 before it; null sees all. [layerCount] */
  readonly windows: ReadonlyArray<number | null>
  /** Longest sequence in tokens that the model was made for. */
  readonly maxPositions: number
  /** The output projection is the embedding table itself. */
  readonly tiedEmbeddings: boolean
  readonly beginTokenId?: number
  /** The first, where a model lists several: the one that its tokenizer writes. */
  readonly endTokenId?: number
  /** Standard deviation of freshly drawn weights. */
  readonly initializerRange: number
}

/** Writes the `config.json` of a Llama that `parseModelConfig` reads and Hugging Face Transformers loads. */
export function llamaConfigJson(config: ModelConfig): string {
  if (config.family !== 'llama' || config.rotary?.scaling.kind !== 'none') {
    throw new RangeError('expected a llama without rope scaling: no other config.json is written')
  }
  const fields = {
    architectures: ['LlamaForCausalLM'],
    attention_bias: config.attentionBias,
    attention_dropout: 0,
    bos_token_id: config.beginTokenId ?? null,
    eos_token_id: config.endTokenId ?? null,
    head_dim: config.headSize,
    hidden_act: 'silu',
    hidden_size: config.hiddenSize,
    initializer_range: config.initializerRange,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    mlp_bias: config.mlpBias,
    model_type: 'llama',
    num_attention_heads: config.headCount,
    num_hidden_layers: config.layerCount,
    num_key_value_heads: config.keyValueHeadCount,
    rms_norm_eps: config.normEpsilon,
    rope_scaling: null,
    rope_theta: config.rotary.theta,
    tie_word_embeddings: config.tiedEmbeddings,
    torch_dtype: 'float32',
    use_cache: true,
    vocab_size: config.vocabularySize
  }
  return `${JSON.stringify(fields, null, 2)}\n`
}
