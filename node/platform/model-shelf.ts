/** Base models that came from other peers, below `models/<digest>/` of a peer's folder; and any model folder, as it is shared. */
import { readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BlobSource } from '../../protocols/blob-storage.ts'
import { FilesError } from '../../protocols/files-error.ts'
import { CHUNK_BYTES } from '../../protocols/limits.ts'
import { isCovered, isModelFile } from '../../protocols/shared-model.ts'
import type { ModelShelf, PartFile } from '../peer/model-fetch.ts'
import type { ShareableModel } from '../peer/model-sharing.ts'
import { fileSink, fileSource } from './blob-file.ts'
import { sha256Hash } from './content-hash.ts'
import { makeFolder, syncFolder } from './make-folder.ts'
import { explained } from './node-files.ts'
import { folderBytes } from './training-checkpoints.ts'

/** Of a file that is not whole yet. */
const BEGUN_SUFFIX = '.incomplete'

/** Where the model of a digest lies, or will. @param sha256 - hexadecimal */
export function shelvedModelDir(dir: string, sha256: string): string {
  return join(dir, 'models', sha256)
}

export interface ShelfRoom {
  /** The peer's folder. */
  readonly root: string
  /** The most that the whole of `root` may take; Infinity if nobody said. */
  readonly diskMaxBytes: number
}

/** @param folder - of the one model, from `shelvedModelDir` */
export function modelShelf(folder: string, room: ShelfRoom): ModelShelf {
  const placeOf = (path: string): string => {
    // Nothing else was let through; a path that leads elsewhere must not depend on that alone.
    if (!isModelFile(path)) throw new RangeError(`${JSON.stringify(path)} is no file of a model`)
    return join(folder, path)
  }
  return {
    async sha256Of(path, lengthBytes, signal) {
      const file = placeOf(path)
      const stats = await stat(file).catch(() => null)
      if (stats?.isFile() !== true || stats.size !== lengthBytes) return null
      return sha256Of(await fileSource(file), signal)
    },

    async begunBytes(path, lengthBytes) {
      const file = placeOf(path)
      const [whole, begun] = await Promise.all(
        [file, file + BEGUN_SUFFIX].map(async name => (await stat(name).catch(() => null))?.size ?? 0)
      )
      return Math.min(lengthBytes, Math.max(whole!, begun!))
    },

    async begin(path, lengthBytes) {
      const file = placeOf(path)
      return partFile(file, lengthBytes)
    },

    async checkRoom(bytes) {
      const used = await folderBytes(room.root)
      if (used + bytes > room.diskMaxBytes) {
        throw new FilesError(
          'NO_SPACE',
          { path: room.root, bytes, used, diskMaxBytes: room.diskMaxBytes },
          `the base model needs ${megabytes(bytes)} more below ${room.root}, which takes ${megabytes(used)} now, and --disk allows ` +
            `${megabytes(room.diskMaxBytes)}. Allow more, or give --model a folder elsewhere that has it.`
        )
      }
      await explained(folder, 'write', () => makeFolder(folder))
      const disk = await statfs(folder).catch(() => null)
      if (disk === null || disk.bavail * disk.bsize >= bytes) return
      throw new FilesError(
        'NO_SPACE',
        { path: folder, bytes },
        `the base model needs ${megabytes(bytes)} more in ${folder}, where ${megabytes(disk.bavail * disk.bsize)} are free. ` +
          'Free some space, or give the peer a folder on another disk with --dir, and run the same command again.'
      )
    }
  }
}

async function partFile(file: string, lengthBytes: number): Promise<PartFile> {
  const begun = file + BEGUN_SUFFIX
  const sink = await fileSink(begun, lengthBytes)
  return {
    ...sink,
    sha256: signal => sha256Of(sink, signal),
    async keep() {
      // Its content before its name.
      await sink.sync()
      await explained(file, 'write', async () => {
        await rename(begun, file)
        await syncFolder(dirname(file))
      })
    },
    async discard() {
      await sink.close()
      await explained(begun, 'remove', () => rm(begun, { force: true }))
    },
    // A discarded one is closed already.
    close: () => sink.close().catch(() => {})
  }
}

/**
 * A model folder in Hugging Face layout, as others may have it.
 * @param digestedFiles - what its digest covers; other weights that lie there are not of this model
 * @param sha256 - [32], that digest
 */
export function shareableFolder(
  folder: string,
  digestedFiles: readonly string[],
  sha256: Uint8Array
): ShareableModel {
  return {
    sha256,
    newHash: sha256Hash,
    async open() {
      const names = await explained(folder, 'read', () => readdir(folder))
      const shared = names.filter(
        name => digestedFiles.includes(name) || (isModelFile(name) && !isCovered(name))
      )
      return Promise.all(
        shared.sort().map(async path => ({ path, source: await fileSource(join(folder, path)) }))
      )
    }
  }
}

async function sha256Of(source: BlobSource, signal: AbortSignal): Promise<Uint8Array> {
  const hash = sha256Hash()
  for (let at = 0; at < source.lengthBytes; at += CHUNK_BYTES) {
    signal.throwIfAborted()
    hash.update(await source.read(at, Math.min(CHUNK_BYTES, source.lengthBytes - at)))
  }
  return hash.digest()
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
}
