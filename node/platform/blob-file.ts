/** Blobs that lie in files of this disk: read and written by ranges, never in memory as a whole. */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BlobSink, BlobSource } from '../../protocols/blob-storage.ts'
import { FilesError } from '../../protocols/files-error.ts'
import { makeFolder } from './make-folder.ts'
import { explained } from './node-files.ts'

/** A file that nobody asks for is closed after this long: a model may have two hundred. */
const IDLE_MS = 30_000

/**
 * A file as it is now. Opened when it is read, and closed again when nobody reads it.
 * @throws FilesError here and from `read`; there also if the file has changed since
 */
export async function fileSource(path: string): Promise<BlobSource> {
  const before = await explained(path, 'read', () => stat(path))
  let opened: Promise<FileHandle> | null = null
  let readers = 0
  let idle: NodeJS.Timeout | undefined
  const openAsItWas = async (): Promise<FileHandle> => {
    const handle = await open(path, 'r')
    const now = await handle.stat()
    if (now.size === before.size && now.mtimeMs === before.mtimeMs) return handle
    await handle.close()
    // Its chunks would no longer match their hashes, and whoever gets them would take this peer for a liar.
    throw new FilesError(
      'SHORT_FILE',
      { path },
      `${path} has changed since it was opened: it is shared no longer`
    )
  }
  const closeIdle = (): void => {
    const closing = opened
    opened = null
    void closing?.then(handle => handle.close()).catch(() => {})
  }
  return {
    lengthBytes: before.size,
    read: (offset, length) =>
      explained(path, 'read', async () => {
        clearTimeout(idle)
        readers++
        try {
          opened ??= openAsItWas()
          return await readAt(await opened, path, offset, length)
        } catch (error) {
          opened = null
          throw error
        } finally {
          if (--readers === 0) idle = setTimeout(closeIdle, IDLE_MS).unref()
        }
      })
  }
}

/** A file that is being filled, in any order. */
export interface SinkFile extends BlobSink {
  /** Returns once what was written is on the disk. @throws FilesError */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Opens what an earlier try has left, or begins. @throws FilesError */
export async function fileSink(path: string, lengthBytes: number): Promise<SinkFile> {
  const handle = await explained(path, 'write', async () => {
    await makeFolder(dirname(path))
    // Not `a`, which writes at the end whatever offset is given.
    return open(path, 'r+').catch(() => open(path, 'w+'))
  })
  const { size } = await explained(path, 'read', () => handle.stat())
  // Of another file, or more than it can be.
  if (size > lengthBytes) await explained(path, 'write', () => handle.truncate(0))
  return {
    lengthBytes,
    keptBytes: size > lengthBytes ? 0 : size,
    read: (offset, length) => explained(path, 'read', () => readAt(handle, path, offset, length)),
    write: (offset, bytes) =>
      explained(path, 'write', async () => {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done)
          done += bytesWritten
        }
      }),
    sync: () => explained(path, 'write', () => handle.sync()),
    close: () => handle.close()
  }
}

async function readAt(handle: FileHandle, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done)
    if (bytesRead === 0)
      throw new FilesError('SHORT_FILE', { path, offset, length }, `${path} was cut short while it was read`)
    done += bytesRead
  }
  return bytes
}
