import { randomUUID } from 'node:crypto'
import { type FileHandle, link, open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { FilesError, type FilesErrorCode, filePathParts, pathParts } from '../../protocols/files-error.ts'
import type { Files } from '../../protocols/ports.ts'
import { makeFolder, syncFolder } from './make-folder.ts'

/** `.<uuid>.part`: a write that a crash cut short. `list` hides them; they are never read. */
export const partSuffix = '.part'

/** Whether a name is that of such a file, and not of somebody else's. */
export function isPartName(name: string): boolean {
  return /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/.test(name)
}

/** The system reads at most 2^31 - 1 bytes at once. */
const READ_BYTES_MAX = 2 ** 30

/**
 * Files below one folder of the local disk, which is made on the first write.
 * @throws FilesError from every method, with a message fit for the user
 */
export function nodeFiles(rootDir: string): Files {
  const root = resolve(rootDir)
  const at = (path: string): string => join(root, ...filePathParts(path))
  const folderAt = (path: string): string => join(root, ...pathParts(path))

  return {
    async read(path) {
      const file = at(path)
      const content = await explained(file, 'read', () => nullIfMissing(readFile(file)))
      // A Buffer's slice() is a view where a Uint8Array's is a copy: the difference must not leak out.
      return content && new Uint8Array(content.buffer, content.byteOffset, content.length)
    },

    async readRange(path, offset, length) {
      const file = at(path)
      return explained(file, 'read', () => readRange(file, offset, length))
    },

    async readInto(path, offset, target) {
      const file = at(path)
      await explained(file, 'read', () =>
        withRange(file, offset, target.length, handle => fill(handle, file, offset, target))
      )
    },

    async size(path) {
      const file = at(path)
      return explained(file, 'read', async () => {
        const stats = await nullIfMissing(stat(file))
        return stats?.isFile() ? stats.size : null
      })
    },

    async write(path, bytes) {
      const file = at(path)
      await explained(file, 'write', () => writeAtomically(file, [bytes]), bytes.length)
    },

    async writeParts(path, parts) {
      const file = at(path)
      // What the source throws is not the disk's fault and passes as it is.
      let broken: { readonly cause: unknown } | null = null
      const watched = async function* () {
        try {
          yield* parts
        } catch (cause) {
          broken = { cause }
          throw cause
        }
      }
      await explained(file, 'write', () => writeAtomically(file, watched())).catch(error => {
        throw broken === null ? error : broken.cause
      })
    },

    async append(path, bytes) {
      const file = at(path)
      await explained(file, 'write', () => appendDurably(file, bytes), bytes.length)
    },

    async list(path) {
      const folder = folderAt(path)
      const names = await explained(folder, 'read', () => nullIfMissing(readdir(folder)))
      return (names ?? []).filter(name => !name.endsWith(partSuffix)).sort()
    },

    async remove(path) {
      const file = at(path)
      await explained(file, 'remove', async () => {
        await rm(file, { force: true })
        await nullIfMissing(syncFolder(dirname(file)))
      })
    }
  }
}

async function readRange(file: string, offset: number, length: number): Promise<Uint8Array> {
  return withRange(file, offset, length, async handle => {
    const bytes = new Uint8Array(length)
    await fill(handle, file, offset, bytes)
    return bytes
  })
}

async function withRange<T>(
  file: string,
  offset: number,
  length: number,
  run: (handle: FileHandle) => Promise<T>
): Promise<T> {
  const handle = await open(file, 'r')
  try {
    // Checked before a buffer is made: a length out of a broken header must not allocate.
    const { size } = await handle.stat()
    if (offset + length > size) {
      throw new FilesError(
        'SHORT_FILE',
        { path: file, offset, length, size },
        `${file} has ${size} bytes, but bytes ${offset} to ${offset + length} were needed: it was cut short`
      )
    }
    return await run(handle)
  } finally {
    await handle.close()
  }
}

async function fill(handle: FileHandle, file: string, offset: number, target: Uint8Array): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const length = Math.min(target.length - done, READ_BYTES_MAX)
    const { bytesRead } = await handle.read(target, done, length, offset + done)
    if (bytesRead === 0)
      throw new FilesError('SHORT_FILE', { path: file }, `${file} was cut short while it was read`)
    done += bytesRead
  }
}

async function writeAtomically(
  file: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
): Promise<void> {
  await makeFolder(dirname(file))
  const part = partBeside(file)
  try {
    await writeAndSync(part, 'wx', parts)
    await rename(part, file)
  } catch (error) {
    await rm(part, { force: true }).catch(() => {})
    throw error
  }
  await syncFolder(dirname(file))
}

/**
 * Writes a file that nobody else may read, durably and in one step. Its folder, if it is made, is as private.
 * @param ifThere - what becomes of a file of that name that is there already
 * @returns false if there is one, and it was kept
 * @throws FilesError
 */
export async function writeSecret(
  file: string,
  bytes: Uint8Array,
  ifThere: 'replace' | 'keep'
): Promise<boolean> {
  const write = async (): Promise<boolean> => {
    await makeFolder(dirname(file), 0o700)
    const part = partBeside(file)
    try {
      await writeAndSync(part, 'wx', [bytes], 0o600)
      if (ifThere === 'replace') await rename(part, file)
      // Not a rename: that would replace what somebody else has just begun to use.
      else await link(part, file)
    } catch (error) {
      if (ifThere === 'keep' && systemCode(error) === 'EEXIST') return false
      throw error
    } finally {
      await rm(part, { force: true })
    }
    await syncFolder(dirname(file))
    return true
  }
  return explained(file, 'write', write, bytes.length)
}

function partBeside(file: string): string {
  return join(dirname(file), `.${randomUUID()}${partSuffix}`)
}

async function appendDurably(file: string, bytes: Uint8Array): Promise<void> {
  await makeFolder(dirname(file))
  const isNew = (await nullIfMissing(stat(file))) === null
  await writeAndSync(file, 'a', [bytes])
  if (isNew) await syncFolder(dirname(file))
}

async function writeAndSync(
  file: string,
  flags: 'a' | 'wx',
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  mode?: number
): Promise<void> {
  const handle = await open(file, flags, mode)
  try {
    for await (const bytes of parts) {
      for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done)).bytesWritten
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function nullIfMissing<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise
  } catch (error) {
    // ENOTDIR: the path goes on below a file, so there is nothing there either.
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null
    throw error
  }
}

/**
 * Runs a call of the file system.
 * @param neededBytes - that were to be written
 * @throws FilesError, with a message fit for the user
 */
export async function explained<T>(
  path: string,
  verb: string,
  run: () => Promise<T>,
  neededBytes?: number
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof FilesError) throw error
    const code = systemCode(error)
    const [ours, why] = explanations[code ?? ''] ?? ['IO_ERROR', (error as Error).message]
    const space = ours === 'NO_SPACE' ? await spaceAt(path, neededBytes) : null
    const data = { path, systemCode: code, ...space?.data }
    throw new FilesError(ours, data, `cannot ${verb} ${path}: ${why}${space?.words ?? ''}`, { cause: error })
  }
}

/** Of the disk that a path is, or would be, on; null if the system does not say. A share (quota) does not show in it. */
export async function freeBytesAt(path: string): Promise<number | null> {
  for (let place = resolve(path); ; place = dirname(place)) {
    try {
      const { bavail, bsize } = await statfs(place)
      return bavail * bsize
    } catch {
      if (dirname(place) === place) return null
    }
  }
}

async function spaceAt(
  path: string,
  neededBytes: number | undefined
): Promise<{ readonly data: object; readonly words: string }> {
  const freeBytes = await freeBytesAt(path)
  const figure = (bytes: number): string => `${bytes.toLocaleString('en-US')} bytes`
  const words = [
    ...(freeBytes === null ? [] : [`${figure(freeBytes)} are free on that disk`]),
    ...(neededBytes === undefined ? [] : [`this write needs ${figure(neededBytes)}`])
  ]
  return {
    data: { freeBytes, ...(neededBytes !== undefined && { neededBytes }) },
    words: words.length === 0 ? '' : ` (${words.join(', ')})`
  }
}

const explanations: Readonly<Record<string, readonly [FilesErrorCode, string]>> = {
  EACCES: [
    'NO_PERMISSION',
    'permission denied. Choose a folder that this user may write to, or change its owner'
  ],
  EPERM: ['NO_PERMISSION', 'not permitted. Choose a folder that this user may write to, or change its owner'],
  EROFS: ['READ_ONLY', 'the file system is read-only. Choose a folder on another disk'],
  ENOSPC: ['NO_SPACE', 'the disk is full. Free some space, or move the folder to another disk'],
  EDQUOT: [
    'NO_SPACE',
    "this user's share of the disk (quota) is full. Free some space of it, or ask for a larger share"
  ],
  EFBIG: ['IO_ERROR', 'the file would be larger than this user or this file system allows (ulimit -f)'],
  EMFILE: [
    'TOO_MANY_FILES',
    'this process has too many files open. Raise the limit: ulimit -n 4096, or LimitNOFILE= of its service'
  ],
  ENFILE: ['TOO_MANY_FILES', 'this machine has too many files open. Close other programs'],
  ENOTDIR: ['NOT_A_FOLDER', 'a part of this path is a file, not a folder'],
  ERR_FS_EISDIR: ['NOT_A_FOLDER', 'it is a folder, not a file'],
  EISDIR: ['NOT_A_FOLDER', 'it is a folder, not a file'],
  EEXIST: ['NOT_A_FOLDER', 'a part of this path is a file, not a folder'],
  ENOENT: ['NO_SUCH_FILE', 'there is no such file']
}

function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
