import { z } from 'zod'
import { ModelError } from './errors.ts'

/** The shape of a Llama-style decoder, read from a Hugging Face `config.json`. */
export interface LlamaConfig {
  readonly architecture: 'llama'
  readonly hiddenSize: number
  readonly layerCount: number
  readonly headCount: number
  /** Heads of keys and values; headCount / keyValueHeadCount query heads share one. */
  readonly keyValueHeadCount: number
  /** Width of one head, even (rotary positions turn pairs). */
  readonly headSize: number
  readonly intermediateSize: number
  readonly vocabularySize: number
  readonly ropeTheta: number
  readonly rmsNormEpsilon: number
  /** Longest sequence in tokens that the model was made for. */
  readonly maxPositions: number
  /** The output projection is the embedding table itself. */
  readonly tiedEmbeddings: boolean
  readonly beginTokenId?: number
  readonly endTokenId?: number
  /** Standard deviation of freshly drawn weights. */
  readonly initializerRange: number
}

const count = z.int().positive()
const tokenId = z.union([z.int().nonnegative(), z.array(z.int().nonnegative()).min(1)]).nullish()

/** Defaults are those of Hugging Face's LlamaConfig, because files in the wild leave them out. */
const schema = z.looseObject({
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  intermediate_size: count,
  vocab_size: count,
  rope_theta: z.number().positive().nullish(),
  rope_parameters: z.looseObject({ rope_theta: z.number().positive().optional() }).nullish(),
  rms_norm_eps: z.number().nonnegative().default(1e-6),
  max_position_embeddings: count.default(2048),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: tokenId,
  eos_token_id: tokenId,
  initializer_range: z.number().positive().default(0.02)
})

/** Fields that change the result, with the one value (or absence) that we compute. */
const onlySupported: ReadonlyArray<readonly [field: string, isSupported: (value: unknown) => boolean]> = [
  ['hidden_act', value => value === 'silu'],
  ['rope_scaling', value => isDefaultRope(value)],
  ['rope_parameters', value => isDefaultRope(value)],
  ['attention_bias', value => value === false],
  ['mlp_bias', value => value === false],
  ['sliding_window', () => false],
  ['quantization_config', () => false],
  ['rope_interleaved', value => value === false],
  ['partial_rotary_factor', value => value === 1],
  ['logit_scale', value => value === 1]
]

function isDefaultRope(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { rope_type, type, partial_rotary_factor } = value as Record<string, unknown>
  return (rope_type ?? type ?? 'default') === 'default' && (partial_rotary_factor ?? 1) === 1
}

/**
 * Reads the text of a `config.json`.
 * @param where - the file's path, for messages
 * @throws ModelError BAD_CONFIG (not JSON, or an impossible value) or UNSUPPORTED (a field that would change the
 *   result and that we do not compute), naming the field
 */
export function parseModelConfig(json: string, where = 'config.json'): LlamaConfig {
  const raw = parseObject(json, where)
  refuseUnsupported(raw, where)
  const parsed = schema.safeParse(raw)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    const field = issue.path.join('.')
    throw badConfig(where, field, issue.message)
  }
  const c = parsed.data
  const config: LlamaConfig = {
    architecture: 'llama',
    hiddenSize: c.hidden_size,
    layerCount: c.num_hidden_layers,
    headCount: c.num_attention_heads,
    keyValueHeadCount: c.num_key_value_heads ?? c.num_attention_heads,
    headSize: c.head_dim ?? c.hidden_size / c.num_attention_heads,
    intermediateSize: c.intermediate_size,
    vocabularySize: c.vocab_size,
    ropeTheta: c.rope_parameters?.rope_theta ?? c.rope_theta ?? 10_000,
    rmsNormEpsilon: c.rms_norm_eps,
    maxPositions: c.max_position_embeddings,
    tiedEmbeddings: c.tie_word_embeddings,
    ...optionalTokenId('beginTokenId', c.bos_token_id),
    ...optionalTokenId('endTokenId', c.eos_token_id),
    initializerRange: c.initializer_range
  }
  checkShape(config, where)
  return config
}

/** Writes the `config.json` that `parseModelConfig` reads and Hugging Face Transformers loads. */
export function modelConfigJson(config: LlamaConfig): string {
  const fields = {
    architectures: ['LlamaForCausalLM'],
    attention_bias: false,
    attention_dropout: 0,
    bos_token_id: config.beginTokenId ?? null,
    eos_token_id: config.endTokenId ?? null,
    head_dim: config.headSize,
    hidden_act: 'silu',
    hidden_size: config.hiddenSize,
    initializer_range: config.initializerRange,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    mlp_bias: false,
    model_type: 'llama',
    num_attention_heads: config.headCount,
    num_hidden_layers: config.layerCount,
    num_key_value_heads: config.keyValueHeadCount,
    rms_norm_eps: config.rmsNormEpsilon,
    rope_scaling: null,
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tiedEmbeddings,
    torch_dtype: 'float32',
    use_cache: true,
    vocab_size: config.vocabularySize
  }
  return `${JSON.stringify(fields, null, 2)}\n`
}

function parseObject(json: string, where: string): Record<string, unknown> {
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
  return raw as Record<string, unknown>
}

function refuseUnsupported(raw: Record<string, unknown>, where: string): void {
  if (raw['model_type'] !== 'llama') throw unsupported(where, 'model_type', raw['model_type'], '"llama"')
  for (const [field, isSupported] of onlySupported) {
    const value = raw[field]
    if (value === undefined || value === null || isSupported(value)) continue
    throw unsupported(where, field, value, 'a plain Llama decoder')
  }
}

function checkShape(c: LlamaConfig, where: string): void {
  if (!Number.isInteger(c.headSize)) {
    throw badConfig(
      where,
      'hidden_size',
      `${c.hiddenSize} is not divisible by num_attention_heads ${c.headCount}`
    )
  }
  if (c.headSize % 2 !== 0)
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

/** Some models list several end tokens; the first is the one that their tokenizer writes. */
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
