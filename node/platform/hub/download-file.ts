/** One file of the Hub into the cache: in one go or in several, in this life of the process or the next. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from '../make-folder.ts'
import { explained } from '../node-files.ts'
import { HubError } from './errors.ts'
import { reasonOf, request } from './hub-fetch.ts'
import type { HubModel } from './hub-model.ts'
import type { HubSettings } from './hub-settings.ts'
import type { RemoteFile } from './repo-files.ts'

export interface DownloadTask {
  readonly model: HubModel
  readonly commit: string
  readonly file: RemoteFile
  /** Where the content goes once it is whole and proven. */
  readonly blobPath: string
  /** Where it grows. */
  readonly partPath: string
}

export interface DownloadWorld {
  readonly settings: HubSettings
  readonly signal: AbortSignal
  /** Between two attempts. */
  pause(ms: number, signal: AbortSignal): Promise<void>
  /** Something that the person should know. */
  onNotice(text: string): void
  onBytes(file: RemoteFile, doneBytes: number): void
}

/** Broken connections in a row that bring nothing. */
const EMPTY_ATTEMPTS_MAX = 5

/** A connection that brings nothing for so long is broken. */
const SILENCE_MS = 30_000

/**
 * Fetches what is missing of a file, proves the whole by its hash, and moves it into place.
 * @throws HubError CUT_DOWNLOAD, CORRUPT_DOWNLOAD, NOT_FOUND, NO_ACCESS; FilesError; the signal's reason. What has come
 * stays for the next time, unless it is proven wrong.
 */
export async function downloadFile(task: DownloadTask, world: DownloadWorld): Promise<void> {
  const { file, blobPath, partPath } = task
  await explained(partPath, 'write', () => makeFolder(dirname(partPath)))
  const wasThere = (await stat(partPath).catch(() => null))?.size ?? 0
  let got = await fetchWhole(task, world)
  if (got !== file.hash.hex && wasThere > 0) {
    // Power may go between a write and the disk: what was there may be the fault.
    world.onNotice(`${file.name}: what an earlier download left was damaged; fetching it anew`)
    await rm(partPath, { force: true })
    got = await fetchWhole(task, world)
  }
  if (got !== file.hash.hex) {
    await rm(partPath, { force: true })
    throw new HubError(
      'CORRUPT_DOWNLOAD',
      { file: file.name, expected: file.hash.hex, got },
      `${task.model.repo}: ${file.name} arrived damaged: its hash is ${got}, but the Hub lists ${file.hash.hex}. ` +
        `Nothing of it is kept. Try again; if it stays so, ${world.settings.endpoint} or something on the way changes files.`
    )
  }
  await explained(blobPath, 'write', () => rename(partPath, blobPath))
}

/** @returns the hash of the whole, hexadecimal, however much of it was there before */
async function fetchWhole(task: DownloadTask, world: DownloadWorld): Promise<string> {
  const handle = await explained(task.partPath, 'write', () => open(task.partPath, 'a+'))
  const part = new GrowingPart(handle, task)
  try {
    await part.hashWhatIsThere()
    world.onBytes(task.file, part.doneBytes)
    for (let empty = 0; part.doneBytes < task.file.bytes; ) {
      const before = part.doneBytes
      const failure = await fetchMore(part, task, world)
      empty = part.doneBytes > before ? 0 : empty + 1
      if (failure === null || part.doneBytes === task.file.bytes) continue
      if (empty > EMPTY_ATTEMPTS_MAX) throw cut(task, part.doneBytes, failure)
      // At once if the last connection brought something: it may have been a restart of the server.
      if (empty === 0) continue
      await world.pause(1000 * 2 ** (empty - 1), world.signal).catch(() => world.signal.throwIfAborted())
    }
    await explained(task.partPath, 'write', () => handle.sync())
    return part.digest()
  } finally {
    await handle.close()
  }
}

/** @returns why no more came, or null at the end of the file */
async function fetchMore(part: GrowingPart, task: DownloadTask, world: DownloadWorld): Promise<unknown> {
  const { model, commit, file } = task
  const { settings, signal } = world
  const from = part.doneBytes
  const silence = new AbortController()
  const timer = setTimeout(
    () => silence.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`)),
    SILENCE_MS
  )
  const address = `${settings.endpoint}/${model.repo}/resolve/${commit}/${encodeURIComponent(file.name)}`
  // A compressed answer would have other positions.
  const headers = { 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) }
  try {
    const patience = AbortSignal.any([signal, silence.signal])
    const response = await request(address, { headers }, settings, model, signal, patience)
    if (from > 0 && !continuesAt(response, from)) await part.clear()
    for await (const bytes of response.body ?? []) {
      timer.refresh()
      await part.append(bytes)
      world.onBytes(file, part.doneBytes)
    }
    return part.doneBytes < file.bytes ? new Error('the connection ended early') : null
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof HubError && error.code !== 'UNREACHABLE') throw error
    if (part.failure !== null) throw part.failure
    return error
  } finally {
    clearTimeout(timer)
  }
}

/** A server may answer with the whole file instead of the rest that was asked for. */
function continuesAt(response: Response, from: number): boolean {
  return (
    response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`) === true
  )
}

/** The bytes of a file as they come, and their hash. */
class GrowingPart {
  doneBytes = 0
  /** Why the disk took no more. */
  failure: unknown = null
  readonly #handle: FileHandle
  readonly #task: DownloadTask
  #hash: Hash

  constructor(handle: FileHandle, task: DownloadTask) {
    this.#handle = handle
    this.#task = task
    this.#hash = newHash(task.file)
  }

  async hashWhatIsThere(): Promise<void> {
    const { partPath, file } = this.#task
    const { size } = await this.#handle.stat()
    if (size > file.bytes) return this.clear()
    if (size === 0) return
    await explained(partPath, 'read', async () => {
      for await (const bytes of createReadStream(partPath)) {
        this.#hash.update(bytes)
        this.doneBytes += bytes.length
      }
    })
  }

  async append(bytes: Uint8Array): Promise<void> {
    const { partPath, file } = this.#task
    if (this.doneBytes + bytes.length > file.bytes) {
      this.failure = new HubError(
        'CORRUPT_DOWNLOAD',
        { file: file.name, expected: file.bytes },
        `${this.#task.model.repo}: more comes of ${file.name} than the ${file.bytes} bytes that the Hub lists. Try again.`
      )
      await rm(partPath, { force: true })
      throw this.failure
    }
    try {
      await explained(partPath, 'write', async () => {
        for (let done = 0; done < bytes.length; ) done += (await this.#handle.write(bytes, done)).bytesWritten
      })
    } catch (error) {
      this.failure = error
      throw error
    }
    this.#hash.update(bytes)
    this.doneBytes += bytes.length
  }

  async clear(): Promise<void> {
    await explained(this.#task.partPath, 'write', () => this.#handle.truncate(0))
    this.#hash = newHash(this.#task.file)
    this.doneBytes = 0
  }

  digest(): string {
    return this.#hash.digest('hex')
  }
}

function newHash({ bytes, hash }: RemoteFile): Hash {
  return hash.algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`)
}

function cut({ model, file }: DownloadTask, doneBytes: number, cause: unknown): HubError {
  return new HubError(
    'CUT_DOWNLOAD',
    { file: file.name, doneBytes, bytes: file.bytes },
    `${model.repo}: the connection broke ${EMPTY_ATTEMPTS_MAX + 1} times in a row (${reasonOf(cause)}). ` +
      `${doneBytes} of the ${file.bytes} bytes of ${file.name} are here: the same command goes on from there.`,
    { cause }
  )
}
