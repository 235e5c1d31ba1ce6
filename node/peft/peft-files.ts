/**
 * An adapter on disk as Hugging Face PEFT writes and reads it: `adapter_config.json` and `adapter_model.safetensors`.
 * Source: https://huggingface.co/docs/peft/developer_guides/checkpoint
 */
import { z } from 'zod'
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import type { Files } from '../../protocols/ports.ts'
import {
  type NamedTensor,
  readSafetensors,
  type StoredTensor,
  writeSafetensors
} from '../model/safetensors.ts'
import { PeftError } from './errors.ts'

/** What `adapter_config.json` says of a LoRA adapter. */
export interface AdapterConfig {
  readonly rank: number
  readonly alpha: number
  /** Scale alpha / sqrt(rank) instead of alpha / rank (rsLoRA, arXiv:2312.03732). */
  readonly rankStabilized: boolean
  /** Names of linear layers, e.g. `q_proj`. */
  readonly targetModules: readonly string[]
  /** The base model's folder or hub name. */
  readonly baseModel: string
}

const configName = 'adapter_config.json'
const weightsName = 'adapter_model.safetensors'

const schema = z.looseObject({
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().default(false),
  target_modules: z.array(z.string()).min(1),
  base_model_name_or_path: z.string().nullish()
})

/**
 * Fields that do not change what a saved adapter computes. PEFT adds switches with every version, so any other field
 * must be off.
 */
const harmless: ReadonlySet<string> = new Set([
  'auto_mapping',
  'base_model_name_or_path',
  'inference_mode',
  'layers_pattern',
  'lora_alpha',
  'lora_dropout',
  'megatron_core',
  'peft_type',
  'peft_version',
  'qalora_group_size',
  'r',
  'revision',
  'target_modules',
  'task_type',
  'use_rslora'
])

/** False, null, or an empty list or table. */
function isOff(value: unknown): boolean {
  return value === false || (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
}

/**
 * Writes both files, each atomically, the weights first: a folder that has the config has an adapter.
 * @param values - shape [layout.length]
 * @throws RangeError if `values` does not fill the layout; FilesError
 */
export async function saveAdapter(
  files: Files,
  folder: string,
  config: AdapterConfig,
  layout: AdapterLayout,
  values: Float32Array
): Promise<void> {
  if (values.length !== layout.length) {
    throw new RangeError(`expected ${layout.length} adapter values, got ${values.length}`)
  }
  const tensors = new Map<string, NamedTensor>(
    layout.tensors.map(({ name, shape, offset, length }) => [
      name,
      { shape, data: values.subarray(offset, offset + length) }
    ])
  )
  await files.write(inFolder(folder, weightsName), writeSafetensors(tensors))
  await files.write(inFolder(folder, configName), new TextEncoder().encode(adapterConfigJson(config)))
}

/**
 * Reads `adapter_config.json`; the layout that `loadAdapter` needs follows from it and the base model's config.
 * @throws PeftError MISSING_FILE, BAD_ADAPTER_CONFIG, UNSUPPORTED; FilesError
 */
export async function readAdapterConfig(files: Files, folder: string): Promise<AdapterConfig> {
  const path = inFolder(folder, configName)
  const bytes = await files.read(path)
  if (bytes === null) throw missing(path)
  return parseAdapterConfig(new TextDecoder().decode(bytes), path)
}

/**
 * Reads the adapter's values in the order of a layout.
 * @returns shape [layout.length], finite
 * @throws PeftError MISSING_FILE, ADAPTER_MISMATCH (naming the tensor); ModelError CORRUPT_SAFETENSORS; FilesError
 */
export async function loadAdapter(
  files: Files,
  folder: string,
  layout: AdapterLayout
): Promise<Float32Array> {
  const path = inFolder(folder, weightsName)
  const bytes = await files.read(path)
  if (bytes === null) throw missing(path)
  const tensors = readSafetensors(bytes, path)
  checkTensors(tensors, layout, path)
  const values = new Float32Array(layout.length)
  for (const { name, offset } of layout.tensors) values.set(tensors.get(name)!.data, offset)
  return values
}

/** The content of `adapter_config.json`, with the fields that PEFT writes. */
export function adapterConfigJson(config: AdapterConfig): string {
  const fields = {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: config.baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: config.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: config.rank,
    rank_pattern: {},
    revision: null,
    target_modules: [...config.targetModules].sort(),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: config.rankStabilized
  }
  return `${JSON.stringify(fields, null, 2)}\n`
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
  refuseUnsupported(raw as Record<string, unknown>, path)
  const parsed = schema.safeParse(raw)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw badConfig(path, issue.path.join('.'), issue.message)
  }
  const { r, lora_alpha, use_rslora, target_modules, base_model_name_or_path } = parsed.data
  return {
    rank: r,
    alpha: lora_alpha,
    rankStabilized: use_rslora,
    targetModules: target_modules,
    baseModel: base_model_name_or_path ?? ''
  }
}

function refuseUnsupported(raw: Record<string, unknown>, path: string): void {
  if (raw['peft_type'] !== 'LORA') throw unsupported(path, 'peft_type', raw['peft_type'])
  // PEFT also takes a pattern here; we would have to match it exactly as Python does.
  if (typeof raw['target_modules'] === 'string')
    throw unsupported(path, 'target_modules', raw['target_modules'])
  for (const [field, value] of Object.entries(raw)) {
    if (harmless.has(field) || isOff(value)) continue
    if (field === 'bias' && value === 'none') continue
    // Other ways to start (PiSSA, OLoRA, LoftQ) change the base model too.
    if (field === 'init_lora_weights' && (value === true || value === 'gaussian')) continue
    throw unsupported(path, field, value)
  }
}

function checkTensors(tensors: ReadonlyMap<string, StoredTensor>, layout: AdapterLayout, path: string): void {
  const names = new Set(layout.tensors.map(tensor => tensor.name))
  for (const { name, shape } of layout.tensors) {
    const got = tensors.get(name)?.shape
    if (got?.length === 2 && got[0] === shape[0] && got[1] === shape[1]) continue
    throw mismatch(path, name, shape, got)
  }
  for (const [name, { shape }] of tensors) if (!names.has(name)) throw mismatch(path, name, undefined, shape)
}

function mismatch(
  path: string,
  tensor: string,
  expected: readonly number[] | undefined,
  got: readonly number[] | undefined
): PeftError {
  const shown = (shape: readonly number[] | undefined): string =>
    shape ? `shape [${shape.join(', ')}]` : 'nothing'
  return new PeftError(
    'ADAPTER_MISMATCH',
    { path, tensor, expected, got },
    `${path}: tensor ${tensor}: expected ${shown(expected)}, got ${shown(got)}. ` +
      'The adapter belongs to another base model, rank or list of target modules: use the one that it was made for.'
  )
}

function missing(path: string): PeftError {
  return new PeftError(
    'MISSING_FILE',
    { path },
    `${path} is missing. An adapter folder holds ${configName} and ${weightsName}; check the path given with --adapter.`
  )
}

function badConfig(path: string, field: string | undefined, problem: string): PeftError {
  const where = field === undefined || field === '' ? path : `${path}: ${field}`
  return new PeftError(
    'BAD_ADAPTER_CONFIG',
    { path, field },
    `${where}: ${problem}. Save the adapter again, or use the ${configName} that belongs to these weights.`
  )
}

function unsupported(path: string, field: string, value: unknown): PeftError {
  const shown = value === undefined ? 'missing' : JSON.stringify(value)
  return new PeftError(
    'UNSUPPORTED',
    { path, field, value: shown },
    `${path}: ${field} is ${shown}, but only plain LoRA on listed linear layers is supported.`
  )
}

function inFolder(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
