/** What a model's repository holds, and which of it is needed here. */
import { InvalidApiResponseFormatError, listFiles, modelInfo } from '@huggingface/hub'
import { INDEX_NAME, SINGLE_NAME } from '../../model/safetensors/stored-weights.ts'
import { HubError } from './errors.ts'
import { hubFetch, reasonOf, unreachable } from './hub-fetch.ts'
import { commitPattern, type HubModel } from './hub-model.ts'
import type { HubSettings } from './hub-settings.ts'

export interface RemoteFile {
  /** Directly below the repository's root. */
  readonly name: string
  readonly bytes: number
  /** Names its content in the cache. A file in LFS by SHA-256; any other by Git's SHA-1 of `blob <bytes>\0<content>`. */
  readonly hash: { readonly algorithm: 'sha256' | 'git-sha1'; readonly hex: string }
}

export interface RemoteModel {
  /** What the revision is now. */
  readonly commit: string
  /** By name. */
  readonly files: ReadonlyMap<string, RemoteFile>
}

/** Read if they are there. */
const optionalNames = [
  'generation_config.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja'
]

/** A model has a few dozen files at its root; a list without end is not one. */
const FILES_MAX = 10_000

/** @throws HubError NOT_FOUND, NO_ACCESS, UNREACHABLE, BAD_ANSWER; the signal's reason */
export async function remoteModel(
  model: HubModel,
  settings: HubSettings,
  signal: AbortSignal
): Promise<RemoteModel> {
  const { repo, revision } = model
  const at = { hubUrl: settings.endpoint, fetch: hubFetch(settings, model, signal) }
  try {
    const { sha: commit } = await modelInfo({ ...at, name: repo, revision, additionalFields: ['sha'] })
    // It becomes the name of a folder.
    if (!commitPattern.test(commit))
      throw new InvalidApiResponseFormatError(`the commit ${JSON.stringify(commit)}`)
    const files = new Map<string, RemoteFile>()
    for await (const entry of listFiles({ ...at, repo, revision: commit })) {
      if (entry.type !== 'file') continue
      if (files.size === FILES_MAX) throw new InvalidApiResponseFormatError(`more than ${FILES_MAX} files`)
      files.set(entry.path, remoteFile(entry))
    }
    return { commit, files }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof HubError) throw error
    // Of a broken connection Node keeps the cause; of an answer that makes no sense there is none.
    const isCut = error instanceof Error && (error.name === 'TimeoutError' || error.cause instanceof Error)
    throw isCut ? unreachable(settings, reasonOf(error), error) : badAnswer(settings, repo, error)
  }
}

/**
 * The files to fetch, the weights aside if an index has to be read first.
 * @throws HubError UNUSABLE_MODEL, naming what is there instead
 */
export function neededFiles({ files }: RemoteModel, { repo }: HubModel): RemoteFile[] {
  const weights = files.get(SINGLE_NAME) ?? files.get(INDEX_NAME)
  const required = ['config.json', 'tokenizer.json'].map(name => [name, files.get(name)] as const)
  const missing = required.filter(([, file]) => file === undefined).map(([name]) => name)
  if (weights === undefined) missing.push(SINGLE_NAME)
  if (weights === undefined || missing.length > 0) throw unusable(repo, missing, files)
  const small = [
    ...required.map(([, file]) => file!),
    ...optionalNames.flatMap(name => files.get(name) ?? [])
  ]
  return [...small, weights]
}

/** @throws HubError UNUSABLE_MODEL if the repository lacks files that its own index lists */
export function shardFiles(
  { files }: RemoteModel,
  names: readonly string[],
  { repo }: HubModel
): RemoteFile[] {
  const missing = names.filter(name => !files.has(name))
  if (missing.length > 0) throw unusable(repo, missing, files)
  return names.map(name => files.get(name)!)
}

function remoteFile(entry: {
  path: string
  size: number
  oid?: string
  lfs?: { oid: string; size: number }
}): RemoteFile {
  const { path: name, lfs } = entry
  const bytes = lfs?.size ?? entry.size
  const hash =
    lfs === undefined
      ? ({ algorithm: 'git-sha1', hex: entry.oid ?? '' } as const)
      : ({ algorithm: 'sha256', hex: lfs.oid } as const)
  // The hash becomes the name of a file.
  const isSound = /^[0-9a-f]+$/.test(hash.hex) && hash.hex.length === (lfs === undefined ? 40 : 64)
  if (typeof name !== 'string' || !isSound || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw new InvalidApiResponseFormatError(`the file ${JSON.stringify(entry).slice(0, 200)}`)
  }
  return { name, bytes, hash }
}

function unusable(repo: string, missing: readonly string[], files: RemoteModel['files']): HubError {
  const names = [...files.keys()].sort()
  const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? `, and ${names.length - 20} more` : '')
  const reason = missing.includes(SINGLE_NAME)
    ? 'Only safetensors weights can be read: choose a model that has them'
    : 'Choose a model that is published with them'
  return new HubError(
    'UNUSABLE_MODEL',
    { repo, missing, files: names },
    `${repo} has no ${missing.join(' and no ')}. ${reason}. It holds: ${shown || 'nothing'}.`
  )
}

function badAnswer({ endpoint }: HubSettings, repo: string, cause: unknown): HubError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HubError(
    'BAD_ANSWER',
    { url: endpoint },
    `${endpoint} does not answer as a Hugging Face Hub for ${repo}: ${reason}. Check HF_ENDPOINT, and whether a login page stands between.`,
    { cause }
  )
}
