/** From what stands after `--model`, or in a manifest, to a folder: the embedded model, one of this disk, or of the Hub. */
import { stat } from 'node:fs/promises'
import { embeddedModelDir, embeddedModelName } from '../platform/embedded-model.ts'
import { HubError } from '../platform/hub/errors.ts'
import { hubModelOf } from '../platform/hub/hub-model.ts'
import { DownloadLines } from './download-lines.ts'
import type { CommandHost } from './host.ts'

export interface ModelPlace {
  /** What a manifest or an adapter calls it: `embedded`, the folder as it was given, or the Hub's `owner/name`. */
  readonly name: string
  /** The commit of a model of the Hub, else null. */
  readonly revision: string | null
  /** In Hugging Face layout. */
  readonly folder: string
}

export interface ResolveOptions {
  /** Of a model of the Hub that is given without one; `main` by default. */
  readonly revision?: string
  /** Why nothing may be fetched, if so: continues "… is not in the cache, and". */
  readonly offlineBecause?: string
}

/**
 * The embedded model by its word; a folder of this disk before a model of the Hub of the same name.
 * @param given - `embedded`, a folder, or `owner/name[@revision]`
 * @throws HubError, every code; ModelError if a download's index is broken; FilesError; the signal's reason
 */
export async function resolveModel(
  given: string,
  host: CommandHost,
  { revision, offlineBecause }: ResolveOptions = {}
): Promise<ModelPlace> {
  const isRevised = revision === undefined || given.includes('@')
  const model = hubModelOf(isRevised ? given : `${given}@${revision}`)
  if (model === null || (await isFolder(given))) return localModel(given)
  // Not loaded for those who have a folder.
  const { fetchHubModel } = await import('../platform/hub/fetch-model.ts')
  const lines = new DownloadLines(host.output, model.repo)
  const { output, signal } = host
  try {
    const { dir, commit } = await fetchHubModel(model, process.env, {
      signal,
      ...(offlineBecause === undefined ? {} : { offlineBecause }),
      onNotice: text => lines.notice(text),
      onProgress: step => lines.take(step)
    })
    return { name: model.repo, revision: commit, folder: dir }
  } catch (error) {
    lines.clear()
    if (signal.aborted && lines.hasBegun) {
      output.say(`what has come of ${model.repo} is kept; the same command goes on from there`)
    }
    if (!(error instanceof HubError && error.code === 'NOT_FOUND')) throw error
    const message = `${error.message} There is no folder ${given} here either.`
    throw new HubError(error.code, error.data, message, { cause: error })
  } finally {
    lines.clear()
  }
}

/** The embedded model by its word, any other name as a folder. */
export function localModel(name: string): ModelPlace {
  return { name, revision: null, folder: name === embeddedModelName ? embeddedModelDir() : name }
}

/** How a person names that model again. */
export function placeText({ name, revision }: Pick<ModelPlace, 'name' | 'revision'>): string {
  return revision === null ? name : `${name}@${revision}`
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true
}
