/** Where this machine keeps the states of interrupted training jobs. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointNotice, CheckpointStore } from '../train/checkpoint-store.ts'
import { nodeCrypto } from './node-crypto.ts'
import { nodeFiles, partSuffix } from './node-files.ts'

/** A folder of checkpoints. */
export interface CheckpointPlace {
  /** The peer's folder. */
  readonly root: string
  /** Below it, with `/`. */
  readonly folder: string
  /** The most that the whole of `root` may take; checkpoints give way to everything else. */
  readonly diskMaxBytes?: number
}

export function openCheckpoints(
  { root, folder, diskMaxBytes }: CheckpointPlace,
  tell: (notice: CheckpointNotice) => void
): CheckpointStore {
  const kept = join(root, ...folder.split('/'))
  return new CheckpointStore({
    files: nodeFiles(root),
    folder,
    sha256: nodeCrypto().sha256,
    tell,
    ...(diskMaxBytes !== undefined && {
      roomBytes: async () => diskMaxBytes - (await folderBytes(root)) + (await folderBytes(kept))
    })
  })
}

/** Removes what a kill in the middle of a write has left. Only for whoever has the folder to itself. */
export async function removeUnfinished({ root, folder }: CheckpointPlace): Promise<void> {
  const kept = join(root, ...folder.split('/'))
  const names = await readdir(kept).catch(() => [])
  await Promise.all(
    names.filter(name => name.endsWith(partSuffix)).map(name => rm(join(kept, name), { force: true }))
  )
}

/** Bytes of the files below a folder, as far as they can be read; 0 if there is none. */
export async function folderBytes(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter(entry => entry.isFile())
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const stats = await stat(join(parentPath, name)).catch(() => null)
      return stats?.size ?? 0
    })
  )
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}
