/** What speaks: a base model, with an adapter of it if one was given. */
import type { Backend } from '../../backend/backend.ts'
import { readEndTokenIds } from '../../model/end-tokens.ts'
import { ModelError } from '../../model/errors.ts'
import { FrozenModel } from '../../model/frozen-model.ts'
import { type OpenModel, openModel } from '../../model/model-files.ts'
import { AdaptedModel } from '../../peft/adapted-model.ts'
import type { AdapterConfig } from '../../peft/adapter-config.ts'
import { PeftError } from '../../peft/errors.ts'
import { loadAdapter, readAdapterConfig } from '../../peft/peft-files.ts'
import { embeddedModelName } from '../../platform/embedded-model.ts'
import { HubError } from '../../platform/hub/errors.ts'
import { nodeFiles } from '../../platform/node-files.ts'
import { baseAlone, type NextTokenModel } from '../../runtime/generate.ts'
import { explain } from '../explain.ts'
import type { CommandHost } from '../host.ts'
import { placeText, resolveModel } from '../resolve-model.ts'
import { UserError } from '../user-error.ts'

export interface SpeakerOptions {
  /** As `resolveModel` takes it; without it, what the adapter names, and without an adapter `embedded`. */
  readonly model?: string
  /** A folder in the format of Hugging Face PEFT. */
  readonly adapter?: string
}

/** What was asked for, opened and not loaded yet. */
export interface FoundSpeaker extends OpenModel {
  readonly modelName: string
  /** Any of them ends what it says. */
  readonly endTokenIds: ReadonlySet<number>
  readonly adapter: { readonly folder: string; readonly config: AdapterConfig } | null
}

/** On a backend. */
export interface Speaker {
  readonly model: NextTokenModel
  /** [layout.length], or null for the base alone. */
  readonly adapter: Float32Array | null
}

/** @throws UserError, ModelError, HubError, FilesError; the signal's reason */
export async function findSpeaker(options: SpeakerOptions, host: CommandHost): Promise<FoundSpeaker> {
  const { adapter: folder } = options
  const adapter = folder === undefined ? null : { folder, config: await configOf(folder) }
  const wanted = options.model ?? adapter?.config.baseModel ?? embeddedModelName
  if (wanted === '') {
    throw new UserError(`${folder}: adapter_config.json names no base model: say which with --model`, 2)
  }
  const isNamedByAdapter = options.model === undefined && adapter !== null
  const base = await findBase(wanted, host).catch((error: unknown) => {
    throw isNamedByAdapter ? elsewhere(error, adapter.folder) : error
  })
  return { ...base, adapter }
}

/** @throws UserError, ModelError, FilesError; the signal's reason */
export async function loadSpeaker(
  { config, weights, adapter }: Pick<FoundSpeaker, 'config' | 'weights' | 'adapter'>,
  backend: Backend,
  signal: AbortSignal
): Promise<Speaker> {
  const base = await FrozenModel.load(backend, config, weights, () => signal.throwIfAborted())
  if (adapter === null) return { model: baseAlone(base), adapter: null }
  return namingFolder(adapter.folder, async () => {
    const model = new AdaptedModel(base, adapter.config.settings)
    return {
      model,
      adapter: await loadAdapter(nodeFiles(adapter.folder), '', adapter.config, model.adapter)
    }
  })
}

async function findBase(wanted: string, host: CommandHost): Promise<Omit<FoundSpeaker, 'adapter'>> {
  const place = await resolveModel(wanted, host)
  const files = nodeFiles(place.folder)
  const modelName = placeText(place)
  const opened = await openModel(files, modelName)
  return { ...opened, modelName, endTokenIds: await readEndTokenIds(files, opened.tokenizer, modelName) }
}

function configOf(folder: string): Promise<AdapterConfig> {
  return namingFolder(folder, () => readAdapterConfig(nodeFiles(folder), ''))
}

function elsewhere(error: unknown, folder: string): unknown {
  if (!(error instanceof ModelError || error instanceof HubError)) return error
  return new UserError(
    `${error.message}\nThis is the base model that ${folder}/adapter_config.json names; ` +
      'if you have it elsewhere, say where with --model.',
    explain(error)!.exitCode,
    { cause: error }
  )
}

/** Puts the adapter's folder, as the person wrote it, before what is wrong in it. */
async function namingFolder<T>(folder: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof PeftError || error instanceof ModelError)) throw error
    throw new UserError(`${folder}: ${error.message}`, 2, { cause: error })
  }
}
