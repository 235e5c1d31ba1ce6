/**
 * An adapter on disk: `adapter_config.json` and its weights, as Hugging Face PEFT (LoRA, prefix tuning:
 * `adapter_model.safetensors`) and the AdapterHub library (bottleneck adapters: `adapter.safetensors`) write and read them.
 */
import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import type { Files } from '../../protocols/ports.ts'
import {
  type NamedTensor,
  readSafetensors,
  type StoredTensor,
  writeSafetensors
} from '../model/safetensors.ts'
import type { Adapter } from './adapter.ts'
import { type AdapterConfig, adapterName, parseAdapterConfig } from './adapter-config.ts'
import { PeftError } from './errors.ts'

const configName = 'adapter_config.json'

/** PEFT's and AdapterHub's names. */
function weightsName(kind: Adapter['settings']['kind']): string {
  return kind === 'bottleneck' ? 'adapter.safetensors' : 'adapter_model.safetensors'
}

/** An adapter's values with what its files must say of it. */
export interface AdapterFile {
  readonly kind: Adapter['settings']['kind']
  /** From `adapterConfigJson`. */
  readonly configJson: string
  readonly layout: AdapterLayout
  /** [layout.length] */
  readonly values: Float32Array
}

/**
 * Writes both files, each atomically, the weights first: a folder that has the config has an adapter.
 * @throws RangeError if the values do not fill the layout; FilesError
 */
export async function saveAdapter(files: Files, folder: string, adapter: AdapterFile): Promise<void> {
  const { kind, configJson, layout, values } = adapter
  if (values.length !== layout.length) {
    throw new RangeError(`expected ${layout.length} adapter values, got ${values.length}`)
  }
  const tensors = new Map<string, NamedTensor>(
    layout.tensors.map(({ name, shape, offset, length }) => [
      name,
      { shape, data: values.subarray(offset, offset + length) }
    ])
  )
  await files.write(inFolder(folder, weightsName(kind)), writeSafetensors(tensors))
  await files.write(inFolder(folder, configName), new TextEncoder().encode(configJson))
}

/**
 * Reads `adapter_config.json`; the layout that `loadAdapter` needs follows from it and the base model's config.
 * @throws PeftError MISSING_FILE, BAD_ADAPTER_CONFIG, UNSUPPORTED; FilesError
 */
export async function readAdapterConfig(files: Files, folder: string): Promise<AdapterConfig> {
  const path = inFolder(folder, configName)
  const bytes = await files.read(path)
  if (bytes === null) throw missing(path, configName)
  return parseAdapterConfig(new TextDecoder().decode(bytes), path)
}

/**
 * Reads the adapter's values in the order of its layout.
 * @param adapter - of the base model, with the settings that `readAdapterConfig` found
 * @returns shape [layout.length], finite
 * @throws PeftError MISSING_FILE, ADAPTER_MISMATCH (naming the tensor); ModelError CORRUPT_SAFETENSORS; FilesError
 */
export async function loadAdapter(
  files: Files,
  folder: string,
  config: AdapterConfig,
  { layout }: Pick<Adapter, 'layout'>
): Promise<Float32Array> {
  const name = weightsName(config.settings.kind)
  const path = inFolder(folder, name)
  const bytes = await files.read(path)
  if (bytes === null) throw missing(path, name)
  const tensors = readSafetensors(bytes, path)
  const stored = (key: string): string =>
    key.replace(`.adapters.${adapterName}.`, `.adapters.${config.adapterName}.`)
  checkTensors(tensors, layout, stored, path)
  const values = new Float32Array(layout.length)
  for (const { name, offset } of layout.tensors) values.set(tensors.get(stored(name))!.data, offset)
  return values
}

function checkTensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  layout: AdapterLayout,
  stored: (key: string) => string,
  path: string
): void {
  const names = new Set(layout.tensors.map(tensor => stored(tensor.name)))
  for (const { name, shape } of layout.tensors) {
    const got = tensors.get(stored(name))?.shape
    if (got?.length === shape.length && got.every((size, d) => size === shape[d])) continue
    throw mismatch(path, stored(name), shape, got)
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

function missing(path: string, name: string): PeftError {
  return new PeftError(
    'MISSING_FILE',
    { path },
    `${path} is missing. An adapter folder holds ${configName} and its weights, here ${name}; check the path given with --adapter.`
  )
}

function inFolder(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
