/**
 * `adapter_config.json` as Hugging Face PEFT writes and reads it (LoRA, prefix tuning), and as the AdapterHub library does
 * (bottleneck adapters). Sources: https://huggingface.co/docs/peft/developer_guides/checkpoint,
 * https://docs.adapterhub.ml/classes/adapter_config.html
 */
import { z } from 'zod'
import type { Activation } from '../backend/backend.ts'
import type { ModelConfig } from '../model/model-config.ts'
import { linearModules } from '../model/tensors.ts'
import type { AdapterSettings, BottleneckSettings, LoraSettings } from './adapter-settings.ts'
import { PeftError } from './errors.ts'

/** What `adapter_config.json` says. */
export interface AdapterConfig {
  readonly settings: AdapterSettings
  /** The base model's folder or hub name; empty if it is not said. */
  readonly baseModel: string
  /** What the tensors of a bottleneck adapter call it. */
  readonly adapterName: string
}

/** The name under which bottleneck adapters are held. */
export const adapterName = 'fedpeft'

/** The content of `adapter_config.json`, with the fields that PEFT or AdapterHub write. */
export function adapterConfigJson(settings: AdapterSettings, model: ModelConfig, baseModel: string): string {
  const fields =
    settings.kind === 'lora'
      ? loraFields(settings, model, baseModel)
      : settings.kind === 'prefix'
        ? prefixFields(settings.virtualTokens, model, baseModel)
        : bottleneckFields(settings, model, baseModel)
  // AdapterHub tells a factor by its being a float: 1 is refused there, 1.0 is not.
  return `${JSON.stringify(fields, null, 2).replace('"scaling": 1,', '"scaling": 1.0,')}\n`
}

function loraFields(settings: LoraSettings, model: ModelConfig, baseModel: string): object {
  const { targetModules } = settings
  return {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: 'none',
    // GPT-2 stores its linear weights as [in, out].
    fan_in_fan_out: model.family === 'gpt2',
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: settings.alpha,
    lora_dropout: settings.dropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r: settings.rank,
    rank_pattern: {},
    revision: null,
    target_modules:
      targetModules === 'all-linear'
        ? [...new Set(linearModules(model).map(({ name }) => name.split('.').at(-1)!))].sort()
        : [...targetModules].sort(),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: settings.rankStabilized
  }
}

function prefixFields(virtualTokens: number, model: ModelConfig, baseModel: string): object {
  return {
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    encoder_hidden_size: model.keyValueHeadCount * model.headSize,
    inference_mode: true,
    num_attention_heads: model.keyValueHeadCount,
    num_layers: model.layerCount,
    num_transformer_submodules: 1,
    num_virtual_tokens: virtualTokens,
    peft_type: 'PREFIX_TUNING',
    prefix_projection: false,
    revision: null,
    task_type: 'CAUSAL_LM',
    token_dim: model.keyValueHeadCount * model.headSize
  }
}

/** AdapterHub's names of the activations. */
const activationNames: Readonly<Record<Activation, string>> = {
  relu: 'relu',
  gelu: 'gelu',
  'gelu-tanh': 'gelu_new',
  silu: 'swish'
}

/** What `gelu` and `gelu_orig` meant before configs carried a version. */
const activationsRenamed: Readonly<Record<string, string>> = { gelu: 'gelu_new', gelu_orig: 'gelu' }

/** Settings of AdapterHub's bottleneck that we compute with no other value. */
const bottleneckFixed = {
  adapter_residual_before_ln: false,
  cross_adapter: false,
  dropout: 0,
  inv_adapter: null,
  inv_adapter_reduction_factor: null,
  is_parallel: false,
  leave_out: [],
  ln_after: false,
  ln_before: false,
  original_ln_after: true,
  output_adapter: true,
  phm_layer: false,
  residual_before_ln: true,
  scaling: 1,
  stochastic_depth: 0,
  use_gating: false
} as const

function bottleneckFields(settings: BottleneckSettings, model: ModelConfig, baseModel: string): object {
  const isHoulsby = settings.placement === 'houlsby'
  return {
    config: {
      ...bottleneckFixed,
      init_weights: 'bert',
      mh_adapter: isHoulsby,
      non_linearity: activationNames[settings.activation],
      original_ln_before: !isHoulsby,
      reduction_factor: settings.reductionFactor
    },
    hidden_size: model.hiddenSize,
    model_class: modelClasses[model.family],
    model_name: baseModel,
    model_type: model.family,
    name: adapterName,
    // Without one, AdapterHub takes `gelu` for its tanh approximation, as its first versions did.
    version: 'adapters.1.3.0'
  }
}

const modelClasses: Readonly<Record<ModelConfig['family'], string>> = {
  llama: 'LlamaForCausalLM',
  mistral: 'MistralForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  qwen3: 'Qwen3ForCausalLM',
  gpt2: 'GPT2LMHeadModel'
}

const loraSchema = z.looseObject({
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).lt(1).default(0),
  use_rslora: z.boolean().default(false),
  target_modules: z.union([z.literal('all-linear'), z.array(z.string()).min(1)]),
  base_model_name_or_path: z.string().nullish()
})

const prefixSchema = z.looseObject({
  num_virtual_tokens: z.int().positive(),
  base_model_name_or_path: z.string().nullish()
})

const bottleneckSchema = z.looseObject({
  config: z.looseObject({
    mh_adapter: z.boolean(),
    original_ln_before: z.boolean(),
    non_linearity: z.string(),
    reduction_factor: z.number().positive()
  }),
  model_name: z.string().nullish(),
  name: z.string(),
  version: z.string().optional()
})

/**
 * Fields that do not change what a saved adapter computes, or that are read. The libraries add switches with every version,
 * so any other field must be off.
 */
const harmless: ReadonlySet<string> = new Set([
  'auto_mapping',
  'base_model_name_or_path',
  'inference_mode',
  'peft_type',
  'peft_version',
  'revision',
  'task_type'
])

const harmlessInLora: ReadonlySet<string> = new Set([
  // Says how the base stores its weights; A and B lie the same way.
  'fan_in_fan_out',
  'layers_pattern',
  'lora_alpha',
  'lora_dropout',
  'megatron_core',
  'qalora_group_size',
  'r',
  'target_modules',
  'use_rslora'
])

const harmlessInPrefix: ReadonlySet<string> = new Set([
  // How the embeddings were made; saved ones are what came of it.
  'encoder_hidden_size',
  'init_weights',
  'prefix_projection',
  // The tensor's own shape tells.
  'num_attention_heads',
  'num_layers',
  'num_transformer_submodules',
  'num_virtual_tokens',
  'token_dim'
])

/** `phm_…` and what belongs to it counts only with `phm_layer`. */
const harmlessInBottleneck =
  /^(init_weights|init_weights_seed|(phm|factorized_phm|shared|learn|hypercomplex)_\w+|mh_adapter|non_linearity|original_ln_before)$/

/** False, null, or an empty list or table. */
function isOff(value: unknown): boolean {
  return value === false || (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
}

/** @throws PeftError BAD_ADAPTER_CONFIG, UNSUPPORTED */
export function parseAdapterConfig(json: string, path: string): AdapterConfig {
  let raw: unknown
  try {
    raw = JSON.parse(json)
  } catch (error) {
    throw badConfig(path, undefined, `not JSON (${(error as Error).message})`)
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw badConfig(path, undefined, 'it must hold one JSON object')
  }
  const fields = raw as Record<string, unknown>
  if (fields['peft_type'] === undefined && 'config' in fields) return parseBottleneck(fields, path)
  if (fields['peft_type'] === 'PREFIX_TUNING') return parsePrefix(fields, path)
  return parseLora(fields, path)
}

function parseLora(raw: Record<string, unknown>, path: string): AdapterConfig {
  refuseOtherLora(raw, path)
  const fields = checked(loraSchema, raw, path)
  return {
    settings: {
      kind: 'lora',
      rank: fields.r,
      alpha: fields.lora_alpha,
      rankStabilized: fields.use_rslora,
      targetModules: fields.target_modules,
      dropout: fields.lora_dropout
    },
    baseModel: fields.base_model_name_or_path ?? '',
    adapterName
  }
}

function parsePrefix(raw: Record<string, unknown>, path: string): AdapterConfig {
  const isFine = (field: string, value: unknown): boolean =>
    harmless.has(field) || harmlessInPrefix.has(field) || isOff(value)
  refuseOthers(raw, isFine, path, '', lookedFor)
  const fields = checked(prefixSchema, raw, path)
  return {
    settings: { kind: 'prefix', virtualTokens: fields.num_virtual_tokens },
    baseModel: fields.base_model_name_or_path ?? '',
    adapterName
  }
}

function parseBottleneck(raw: Record<string, unknown>, path: string): AdapterConfig {
  const settings = typeof raw['config'] === 'object' && raw['config'] !== null ? { ...raw['config'] } : {}
  const isFine = (field: string, value: unknown): boolean => {
    if (field in bottleneckFixed) {
      const only = bottleneckFixed[field as keyof typeof bottleneckFixed]
      return JSON.stringify(value) === JSON.stringify(only)
    }
    // It may be a table by layers.
    if (field === 'reduction_factor') return typeof value !== 'object'
    return harmlessInBottleneck.test(field) || isOff(value)
  }
  refuseOthers(settings, isFine, path, 'config.', bottleneckKinds)
  const { config, model_name, name, version } = checked(bottleneckSchema, raw, path)
  const written = config.non_linearity
  const meant = version === undefined ? (activationsRenamed[written] ?? written) : written
  const activation = (Object.keys(activationNames) as Activation[]).find(
    known => activationNames[known] === meant
  )
  if (activation === undefined)
    throw unsupported(path, 'config.non_linearity', written, Object.values(activationNames).join(', '))
  if (config.mh_adapter === config.original_ln_before)
    throw unsupported(path, 'config.original_ln_before', config.original_ln_before, bottleneckKinds)
  return {
    settings: {
      kind: 'bottleneck',
      placement: config.mh_adapter ? 'houlsby' : 'pfeiffer',
      reductionFactor: config.reduction_factor,
      activation
    },
    baseModel: model_name ?? '',
    adapterName: name
  }
}

const bottleneckKinds = 'the plain bottlenecks seq_bn and double_seq_bn'

function checked<S extends z.ZodType>(schema: S, raw: unknown, path: string): z.infer<S> {
  const parsed = schema.safeParse(raw)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw badConfig(path, issue.path.join('.'), issue.message)
}

const lookedFor = 'plain LoRA on listed linear layers, prefix tuning, or a bottleneck of AdapterHub'

function refuseOtherLora(raw: Record<string, unknown>, path: string): void {
  if (raw['peft_type'] !== 'LORA') throw unsupported(path, 'peft_type', raw['peft_type'], lookedFor)
  // PEFT also takes a pattern here; we would have to match it exactly as Python does.
  const targets = raw['target_modules']
  if (typeof targets === 'string' && targets !== 'all-linear')
    throw unsupported(path, 'target_modules', targets, lookedFor)
  const isFine = (field: string, value: unknown): boolean => {
    if (field === 'bias' && value === 'none') return true
    // Other ways to start (PiSSA, OLoRA, LoftQ) change the base model too.
    if (field === 'init_lora_weights' && (value === true || value === 'gaussian')) return true
    return harmless.has(field) || harmlessInLora.has(field) || isOff(value)
  }
  refuseOthers(raw, isFine, path, '', lookedFor)
}

/** @param prefix - of the fields' names in messages */
function refuseOthers(
  fields: Readonly<Record<string, unknown>>,
  isFine: (field: string, value: unknown) => boolean,
  path: string,
  prefix: string,
  supported: string
): void {
  for (const [field, value] of Object.entries(fields))
    if (!isFine(field, value)) throw unsupported(path, `${prefix}${field}`, value, supported)
}

function badConfig(path: string, field: string | undefined, problem: string): PeftError {
  const where = field === undefined || field === '' ? path : `${path}: ${field}`
  return new PeftError(
    'BAD_ADAPTER_CONFIG',
    { path, field },
    `${where}: ${problem}. Save the adapter again, or use the adapter_config.json that belongs to these weights.`
  )
}

function unsupported(path: string, field: string, value: unknown, supported: string): PeftError {
  const shown = value === undefined ? 'missing' : JSON.stringify(value)
  return new PeftError(
    'UNSUPPORTED',
    { path, field, value: shown },
    `${path}: ${field} is ${shown}, but only ${supported} is supported.`
  )
}
