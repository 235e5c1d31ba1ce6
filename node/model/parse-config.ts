import { z } from 'zod'
import type { Activation } from '../backend/backend.ts'
import { ModelError } from './errors.ts'
import { type ModelConfig, type ModelFamily, modelFamilies, type RotarySettings } from './model-config.ts'

type Fields = Readonly<Record<string, unknown>>

const count = z.int().positive()
const tokenId = z.union([z.int().nonnegative(), z.array(z.int().nonnegative()).min(1)]).nullish()

const activations: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  relu: 'relu'
}

const activation = z.string().transform((name, context) => {
  const known = activations[name]
  if (known !== undefined) return known
  context.addIssue(Object.keys(activations).join(', '))
  return z.NEVER
})

const layerTypes = ['full_attention', 'sliding_attention']

const layerType = z.string().refine(name => layerTypes.includes(name), layerTypes.join(', '))

/** Defaults are those of Hugging Face's classes, because files in the wild leave them out. */
const llamaSchema = z.looseObject({
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  intermediate_size: count,
  vocab_size: count,
  hidden_act: activation.default('silu'),
  rope_theta: z.number().positive().nullish(),
  rms_norm_eps: z.number().nonnegative().default(1e-6),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  sliding_window: count.nullish(),
  use_sliding_window: z.boolean().default(false),
  max_window_layers: z.int().nonnegative().nullish(),
  layer_types: z.array(layerType).nullish(),
  max_position_embeddings: count.optional(),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: tokenId,
  eos_token_id: tokenId,
  initializer_range: z.number().positive().default(0.02)
})

const gpt2Schema = z.looseObject({
  n_embd: count,
  n_layer: count,
  n_head: count,
  n_inner: count.nullish(),
  n_positions: count.default(1024),
  vocab_size: count,
  activation_function: activation.default('gelu-tanh'),
  layer_norm_epsilon: z.number().nonnegative().default(1e-5),
  tie_word_embeddings: z.boolean().default(true),
  bos_token_id: tokenId,
  eos_token_id: tokenId,
  initializer_range: z.number().positive().default(0.02)
})

/** What Hugging Face's classes take where a field is missing, which is not what they take where it is null. */
const missing = {
  llama: { keyValueHeadCount: null, window: null, maxPositions: 2048 },
  mistral: { keyValueHeadCount: 8, window: 4096, maxPositions: 131_072 },
  qwen2: { keyValueHeadCount: 32, window: 4096, maxPositions: 32_768 },
  qwen3: { keyValueHeadCount: 32, window: 4096, maxPositions: 32_768 }
} as const

/** Fields that change the result, with the one value (or absence) that we compute. */
const onlySupported: Readonly<Record<string, (value: unknown) => boolean>> = {
  quantization_config: () => false,
  rope_interleaved: value => value === false,
  partial_rotary_factor: value => value === 1,
  logit_scale: value => value === 1,
  logits_scaling: value => value === 1,
  embedding_multiplier: value => value === 1,
  residual_multiplier: value => value === 1,
  attention_multiplier: () => false,
  attn_logit_softcapping: () => false,
  final_logit_softcapping: () => false,
  no_rope_layers: () => false,
  add_cross_attention: value => value === false,
  scale_attn_weights: value => value === true,
  scale_attn_by_inverse_layer_idx: value => value === false
}

/**
 * Reads the text of a `config.json`.
 * @param where - the file's path, for messages
 * @throws ModelError BAD_CONFIG (not JSON, or an impossible value) or UNSUPPORTED (a field that would change the
 *   result and that we do not compute), naming the field
 */
export function parseModelConfig(json: string, where = 'config.json'): ModelConfig {
  const raw = parseObject(json, where)
  const family = familyOf(raw, where)
  for (const [field, isSupported] of Object.entries(onlySupported)) {
    const value = raw[field]
    if (value === undefined || value === null || isSupported(value)) continue
    throw unsupported(where, field, value, `a plain ${family} decoder`)
  }
  const config = family === 'gpt2' ? gpt2Config(raw, where) : llamaConfig(family, raw, where)
  checkShape(config, where)
  return config
}

function familyOf(raw: Fields, where: string): ModelFamily {
  const family = modelFamilies.find(name => name === raw['model_type'])
  if (family !== undefined) return family
  throw unsupported(where, 'model_type', raw['model_type'], modelFamilies.join(', '))
}

function llamaConfig(family: Exclude<ModelFamily, 'gpt2'>, raw: Fields, where: string): ModelConfig {
  const c = parsed(llamaSchema, raw, where)
  const defaults = missing[family]
  const keyValueHeadCount =
    c.num_key_value_heads === undefined ? defaults.keyValueHeadCount : c.num_key_value_heads
  // Qwen2 has biases on queries, keys and values, and Mistral has none, whatever their files say.
  const hasAttentionBias = (family === 'llama' || family === 'qwen3') && c.attention_bias === true
  return {
    family,
    hiddenSize: c.hidden_size,
    layerCount: c.num_hidden_layers,
    headCount: c.num_attention_heads,
    keyValueHeadCount: keyValueHeadCount ?? c.num_attention_heads,
    headSize: c.head_dim ?? (family === 'qwen3' ? 128 : c.hidden_size / c.num_attention_heads),
    intermediateSize: c.intermediate_size,
    vocabularySize: c.vocab_size,
    activation: c.hidden_act,
    rotary: rotarySettings(raw, c.rope_theta ?? undefined, where),
    normEpsilon: c.rms_norm_eps,
    attentionBias: hasAttentionBias || family === 'qwen2',
    outputBias: hasAttentionBias,
    mlpBias: family === 'llama' && c.mlp_bias === true,
    headNorm: family === 'qwen3',
    windows: windowsOf(family, c, where),
    maxPositions: c.max_position_embeddings ?? defaults.maxPositions,
    tiedEmbeddings: c.tie_word_embeddings,
    ...optionalTokenId('beginTokenId', c.bos_token_id),
    ...optionalTokenId('endTokenId', c.eos_token_id),
    initializerRange: c.initializer_range
  }
}

function gpt2Config(raw: Fields, where: string): ModelConfig {
  const c = parsed(gpt2Schema, raw, where)
  return {
    family: 'gpt2',
    hiddenSize: c.n_embd,
    layerCount: c.n_layer,
    headCount: c.n_head,
    keyValueHeadCount: c.n_head,
    headSize: c.n_embd / c.n_head,
    intermediateSize: c.n_inner ?? 4 * c.n_embd,
    vocabularySize: c.vocab_size,
    activation: c.activation_function,
    rotary: null,
    normEpsilon: c.layer_norm_epsilon,
    attentionBias: true,
    outputBias: true,
    mlpBias: true,
    headNorm: false,
    windows: Array<null>(c.n_layer).fill(null),
    maxPositions: c.n_positions,
    tiedEmbeddings: c.tie_word_embeddings,
    ...optionalTokenId('beginTokenId', c.bos_token_id),
    ...optionalTokenId('endTokenId', c.eos_token_id),
    initializerRange: c.initializer_range
  }
}

const scalingSchema = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  partial_rotary_factor: z.number().optional(),
  factor: z.number().gte(1).optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: count.optional()
})

/** Newer files say it in `rope_parameters`, older ones in `rope_theta` and `rope_scaling`. */
function rotarySettings(raw: Fields, theta: number | undefined, where: string): RotarySettings {
  const field = raw['rope_parameters'] ? 'rope_parameters' : 'rope_scaling'
  const value = raw[field]
  if (value === undefined || value === null) return { theta: theta ?? 10_000, scaling: { kind: 'none' } }
  const refuse = (): ModelError =>
    unsupported(where, field, value, 'rope_type default, linear or llama3 over whole heads')
  const result = scalingSchema.safeParse(value)
  if (!result.success) throw refuse()
  const scaling = result.data
  if ((scaling.partial_rotary_factor ?? 1) !== 1) throw refuse()
  const settings = { theta: scaling.rope_theta ?? theta ?? 10_000 }
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings } = scaling
  switch (scaling.rope_type ?? scaling.type ?? 'default') {
    case 'default':
      return { ...settings, scaling: { kind: 'none' } }
    case 'linear':
      if (factor === undefined) throw refuse()
      return { ...settings, scaling: { kind: 'linear', factor } }
    case 'llama3': {
      const original = original_max_position_embeddings
      if (factor === undefined || low === undefined || high === undefined || original === undefined)
        throw refuse()
      return {
        ...settings,
        scaling: {
          kind: 'llama3',
          factor,
          lowFrequencyFactor: low,
          highFrequencyFactor: high,
          originalMaxPositions: original
        }
      }
    }
    default:
      throw refuse()
  }
}

function windowsOf(
  family: keyof typeof missing,
  c: z.infer<typeof llamaSchema>,
  where: string
): Array<number | null> {
  const layers = Array.from({ length: c.num_hidden_layers }, (_, layer) => layer)
  const window = c.sliding_window === undefined ? missing[family].window : c.sliding_window
  if (family === 'mistral') return layers.map(() => window)
  if (family === 'llama') {
    if (window !== null) throw unsupported(where, 'sliding_window', window, 'a plain llama decoder')
    return layers.map(() => null)
  }
  if (!c.use_sliding_window || window === null) return layers.map(() => null)
  const isSliding = (layer: number): boolean =>
    c.layer_types ? c.layer_types[layer] === 'sliding_attention' : layer >= (c.max_window_layers ?? 28)
  return layers.map(layer => (isSliding(layer) ? window : null))
}

function parsed<S extends z.ZodType>(schema: S, raw: Fields, where: string): z.infer<S> {
  const result = schema.safeParse(raw)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const field = issue.path.join('.')
  if (issue.code !== 'custom') throw badConfig(where, field, issue.message)
  throw unsupported(where, field, valueAt(raw, issue.path), issue.message)
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((value, key) => (value as Record<PropertyKey, unknown>)[key], raw)
}

function parseObject(json: string, where: string): Fields {
  let raw: unknown
  try {
    raw = JSON.parse(json)
  } catch (error) {
    throw new ModelError(
      'BAD_CONFIG',
      { path: where },
      `${where} is not JSON (${(error as Error).message}). Download the model's config.json again.`
    )
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw new ModelError(
      'BAD_CONFIG',
      { path: where },
      `${where} must hold one JSON object. Download the model's config.json again.`
    )
  }
  return raw as Fields
}

function checkShape(c: ModelConfig, where: string): void {
  const names =
    c.family === 'gpt2'
      ? { hidden: 'n_embd', heads: 'n_head' }
      : { hidden: 'hidden_size', heads: 'num_attention_heads' }
  if (!Number.isInteger(c.headSize)) {
    throw badConfig(where, names.hidden, `${c.hiddenSize} is not divisible by ${names.heads} ${c.headCount}`)
  }
  if (c.rotary !== null && c.headSize % 2 !== 0)
    throw badConfig(where, 'head_dim', `${c.headSize} is odd; rotary positions turn pairs`)
  if (c.headCount % c.keyValueHeadCount !== 0) {
    throw badConfig(
      where,
      'num_key_value_heads',
      `${c.keyValueHeadCount} does not divide num_attention_heads ${c.headCount}`
    )
  }
  for (const [field, id] of [
    ['bos_token_id', c.beginTokenId],
    ['eos_token_id', c.endTokenId]
  ] as const) {
    if (id !== undefined && id >= c.vocabularySize) {
      throw badConfig(where, field, `${id} is outside the vocabulary of ${c.vocabularySize}`)
    }
  }
}

function optionalTokenId<K extends 'beginTokenId' | 'endTokenId'>(
  key: K,
  value: number | number[] | null | undefined
): { readonly [P in K]?: number } {
  const id = Array.isArray(value) ? value[0] : value
  return (id === undefined || id === null ? {} : { [key]: id }) as { readonly [P in K]?: number }
}

function badConfig(where: string, field: string, problem: string): ModelError {
  return new ModelError(
    'BAD_CONFIG',
    { path: where, field },
    `${where}: ${field}: ${problem}. Use the config.json that was published with these weights.`
  )
}

function unsupported(where: string, field: string, value: unknown, supported: string): ModelError {
  const shown = value === undefined ? 'missing' : JSON.stringify(value)
  return new ModelError(
    'UNSUPPORTED',
    { path: where, field, value: shown },
    `${where}: ${field} is ${shown}, but only ${supported} is supported. Choose another model, for example SmolLM2-135M.`
  )
}
