/** From a model's name on the Hub to a folder on this disk that holds what we need of it. */
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NetworkError } from '../../../protocols/errors.ts'
import { FilesError } from '../../../protocols/files-error.ts'
import { INDEX_NAME, SINGLE_NAME, shardNames } from '../../model/safetensors/stored-weights.ts'
import { lockDirectory } from '../directory-lock.ts'
import { makeFolder } from '../make-folder.ts'
import { explained, nodeFiles } from '../node-files.ts'
import { type DownloadWorld, downloadFile } from './download-file.ts'
import { HubError } from './errors.ts'
import { HubCache } from './hub-cache.ts'
import type { HubModel } from './hub-model.ts'
import { type HubSettings, hubSettings } from './hub-settings.ts'
import { neededFiles, type RemoteFile, type RemoteModel, remoteModel, shardFiles } from './repo-files.ts'

export interface FetchedModel {
  /** In Hugging Face layout. */
  readonly dir: string
  /** Which the revision is, or was when it was last fetched. */
  readonly commit: string
}

/** How far one file has come. */
export interface DownloadProgress {
  readonly file: string
  readonly doneBytes: number
  readonly bytes: number
}

export interface FetchHooks {
  /** Ends the download, which a later call goes on with. */
  readonly signal: AbortSignal
  /** Something that the person should know. */
  onNotice(text: string): void
  onProgress(progress: DownloadProgress): void
  /** Why the Hub is not to be asked, if so; otherwise HF_HUB_OFFLINE decides. */
  readonly offlineBecause?: string
  /** By default a real wait; tests have none. */
  pause?(ms: number, signal: AbortSignal): Promise<void>
}

/** While another process downloads the same model. */
const ASK_AGAIN_MS = 500

/**
 * Fetches the files that are not in the cache yet. If the Hub cannot be reached, what the cache has is used.
 * @param env - the variables of huggingface_hub: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, …
 * @throws HubError, every code; ModelError if the index of the weights is broken; FilesError; the signal's reason
 */
export async function fetchHubModel(
  model: HubModel,
  env: Readonly<Record<string, string | undefined>>,
  hooks: FetchHooks
): Promise<FetchedModel> {
  const settings = await hubSettings(env)
  const cache = new HubCache(settings, model)
  const offlineBecause = hooks.offlineBecause ?? (settings.isOffline ? 'HF_HUB_OFFLINE is set' : null)
  if (offlineBecause !== null) return cached(model, cache, offlineBecause)
  let remote: RemoteModel
  try {
    remote = await remoteModel(model, settings, hooks.signal)
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    return instead(error, model, cache, hooks)
  }
  const world: DownloadWorld = {
    settings,
    signal: hooks.signal,
    pause: hooks.pause ?? ((ms, signal) => delay(ms, undefined, { signal })),
    onNotice: text => hooks.onNotice(text),
    onBytes: ({ name, bytes }, doneBytes) => hooks.onProgress({ file: name, doneBytes, bytes })
  }
  await fetchMissing(neededFiles(remote, model), remote, { model, cache, world })
  const dir = cache.snapshotDir(remote.commit)
  if (!remote.files.has(SINGLE_NAME)) {
    await fetchMissing(shardFiles(remote, await shardsIn(dir), model), remote, { model, cache, world })
  }
  // Only now: while a newer commit is incomplete, the one before serves offline.
  await cache.setCommitOf(model.revision, remote.commit).catch(error => {
    // A cache that others filled may be read-only.
    if (!(error instanceof FilesError)) throw error
  })
  return { dir, commit: remote.commit }
}

interface Fetching {
  readonly model: HubModel
  readonly cache: HubCache
  readonly world: DownloadWorld
}

async function fetchMissing(
  files: readonly RemoteFile[],
  { commit }: RemoteModel,
  { model, cache, world }: Fetching
): Promise<void> {
  const missing = async (): Promise<RemoteFile[]> => {
    const there = await Promise.all(files.map(file => cache.has(commit, file)))
    return files.filter((_, i) => !there[i])
  }
  if ((await missing()).length === 0) return
  const unlock = await lockWaiting(model, cache, world)
  try {
    const left = await missing()
    await checkSpace(left, cache, world.settings, model)
    for (const file of left) {
      if (!(await cache.hasBlob(file))) {
        const task = { model, commit, file, blobPath: cache.blobPath(file), partPath: cache.partPath(file) }
        await downloadFile(task, world)
      }
      await cache.link(commit, file)
    }
  } finally {
    await unlock()
  }
}

/** One process at a time downloads a model; the others wait and find it there. */
async function lockWaiting(
  { repo }: HubModel,
  { lockDir }: HubCache,
  { signal, pause, onNotice }: DownloadWorld
): Promise<() => Promise<void>> {
  // Made first, so that other users of the same cache can lock too.
  await explained(lockDir, 'write', () => makeFolder(lockDir))
  for (let tries = 0; ; tries++) {
    try {
      return await lockDirectory(lockDir)
    } catch (error) {
      if (!(error instanceof NetworkError && error.code === 'DIRECTORY_IN_USE')) throw error
      if (tries === 0) onNotice(`${repo}: process ${error.data['pid']} is downloading it; waiting for that`)
    }
    await pause(ASK_AGAIN_MS, signal).catch(() => signal.throwIfAborted())
  }
}

/** Better now than after an hour. */
async function checkSpace(
  files: readonly RemoteFile[],
  cache: HubCache,
  { cacheDir }: HubSettings,
  { repo }: HubModel
): Promise<void> {
  const parts = await Promise.all(files.map(file => cache.bytesOf(file)))
  const bytes = files.reduce((sum, file, i) => sum + file.bytes - parts[i]!, 0)
  const disk = await statfs(cacheDir).catch(() => null)
  if (disk === null || disk.bavail * disk.bsize >= bytes) return
  throw new FilesError(
    'NO_SPACE',
    { path: cacheDir },
    `${repo} needs ${megabytes(bytes)} more in ${cacheDir}, which has ${megabytes(disk.bavail * disk.bsize)} free. ` +
      'Free some space, or have another folder with HF_HOME, and run the same command again.'
  )
}

async function shardsIn(dir: string): Promise<string[]> {
  const index = (await nodeFiles(dir).read(INDEX_NAME))!
  return shardNames(index, join(dir, INDEX_NAME))
}

/** What the cache has, where the Hub gives nothing. */
async function instead(
  error: HubError,
  model: HubModel,
  cache: HubCache,
  { onNotice }: FetchHooks
): Promise<FetchedModel> {
  const found = await cached(model, cache, error.message).catch((reason: unknown) => {
    if (reason instanceof HubError && reason.code === 'NOT_CACHED') return null
    throw reason
  })
  // A page that stands between (a proxy, a hotel's login) is as good as no connection.
  if (error.code === 'UNREACHABLE' || error.code === 'BAD_ANSWER') {
    if (found === null) throw withAdvice(error, `${model.repo} is not in the cache ${cache.dir} either`)
    onNotice(
      `${error.message} Using what ${cache.dir} has of ${model.repo}: commit ${found.commit}` +
        (found.commit === model.revision ? '' : `, which ${model.revision} was when it was fetched`) +
        '. HF_HUB_OFFLINE=1 does not ask first.'
    )
    return found
  }
  if (found === null) throw error
  throw withAdvice(
    error,
    `The cache has it from before, as commit ${found.commit}: HF_HUB_OFFLINE=1 uses that`
  )
}

/** @param why - the Hub is not asked */
async function cached(model: HubModel, cache: HubCache, why: string): Promise<FetchedModel> {
  const { repo, revision } = model
  const commit = await cache.commitOf(revision)
  const missing = commit === null ? null : await cache.missingOf(commit)
  if (commit !== null && missing?.length === 0) return { dir: cache.snapshotDir(commit), commit }
  const what = missing === null ? `revision ${revision} of it` : missing.join(', ')
  throw new HubError(
    'NOT_CACHED',
    { repo, revision, missing },
    `${repo}: the cache ${cache.dir} does not have ${what}, and ${why}. Fetch it first, for example with ` +
      `"hf download ${repo} --revision ${revision}", or copy the cache from a machine that has it.`
  )
}

function withAdvice({ code, data, message, cause }: HubError, advice: string): HubError {
  return new HubError(code, data, `${message} ${advice}.`, { cause })
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
}
