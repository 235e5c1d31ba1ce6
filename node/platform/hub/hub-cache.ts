/**
 * One repository in the cache that huggingface_hub has too: contents by their hash in `blobs`, a folder of links to them
 * for each commit in `snapshots`, and what a branch or tag was when it was last looked up in `refs`.
 * Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */
import { randomUUID } from 'node:crypto'
import { copyFile, lstat, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { getRepoFolderName } from '@huggingface/hub'
import { INDEX_NAME, SINGLE_NAME, shardNames } from '../../model/safetensors/stored-weights.ts'
import { makeFolder } from '../make-folder.ts'
import { explained, nodeFiles } from '../node-files.ts'
import { commitPattern, type HubModel } from './hub-model.ts'
import type { HubSettings } from './hub-settings.ts'
import type { RemoteFile } from './repo-files.ts'

export class HubCache {
  readonly dir: string
  /** Where processes of this program keep out of each other's way. */
  readonly lockDir: string

  constructor({ cacheDir }: HubSettings, { repo }: HubModel) {
    const name = getRepoFolderName({ type: 'model', name: repo })
    this.dir = join(cacheDir, name)
    this.lockDir = join(cacheDir, '.locks', name, 'fedpeft')
  }

  snapshotDir(commit: string): string {
    return join(this.dir, 'snapshots', commit)
  }

  blobPath({ hash }: RemoteFile): string {
    return join(this.dir, 'blobs', hash.hex)
  }

  /** What has come of a file so far. huggingface_hub calls its own by other names, so neither writes into the other's. */
  partPath(file: RemoteFile): string {
    return `${this.blobPath(file)}.fedpeft.incomplete`
  }

  /** The commit that a revision was when it was last fetched, or null. */
  async commitOf(revision: string): Promise<string | null> {
    if (commitPattern.test(revision)) return revision
    const bytes = await nodeFiles(this.dir).read(`refs/${revision}`)
    const commit = bytes === null ? '' : new TextDecoder().decode(bytes).trim()
    return commitPattern.test(commit) ? commit : null
  }

  async setCommitOf(revision: string, commit: string): Promise<void> {
    if (commitPattern.test(revision) || (await this.commitOf(revision)) === commit) return
    await nodeFiles(this.dir).write(`refs/${revision}`, new TextEncoder().encode(commit))
  }

  /** Whether a commit's folder has a file of that name and size. */
  async has(commit: string, file: RemoteFile): Promise<boolean> {
    return (await nodeFiles(this.snapshotDir(commit)).size(file.name)) === file.bytes
  }

  /** What a commit's folder lacks to be a model folder; empty if it can be opened. @throws ModelError; FilesError */
  async missingOf(commit: string): Promise<string[]> {
    const dir = this.snapshotDir(commit)
    const files = nodeFiles(dir)
    const needed = ['config.json', 'tokenizer.json']
    if ((await files.size(SINGLE_NAME)) === null) {
      const index = await files.read(INDEX_NAME)
      needed.push(...(index === null ? [SINGLE_NAME] : shardNames(index, join(dir, INDEX_NAME))))
    }
    const sizes = await Promise.all(needed.map(name => files.size(name)))
    return needed.filter((_, i) => sizes[i] === null)
  }

  /** Puts a file whose content is in `blobs` into a commit's folder. */
  async link(commit: string, file: RemoteFile): Promise<void> {
    const path = join(this.snapshotDir(commit), file.name)
    const blob = this.blobPath(file)
    await explained(path, 'write', async () => {
      await makeFolder(dirname(path))
      if (await isSameFile(path, blob)) return
      const part = join(dirname(path), `.${randomUUID()}.part`)
      try {
        // Without links (as on most Windows machines) the folder has the content itself, as with huggingface_hub.
        await symlink(relative(dirname(path), blob), part).catch(() => copyFile(blob, part))
        await rename(part, path)
      } finally {
        await rm(part, { force: true })
      }
    })
  }

  /** How much of the content is there, whole or not. */
  async bytesOf(file: RemoteFile): Promise<number> {
    if (await this.hasBlob(file)) return file.bytes
    return (await stat(this.partPath(file)).catch(() => null))?.size ?? 0
  }

  /** Whether the content is there, whole as far as its size tells: it was checked when it came. */
  async hasBlob(file: RemoteFile): Promise<boolean> {
    const stats = await stat(this.blobPath(file)).catch(() => null)
    return stats?.isFile() === true && stats.size === file.bytes
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([a, b].map(path => stat(path, { bigint: true }).catch(() => null)))
  if (!left || !right || left.ino !== right.ino || left.dev !== right.dev) return false
  return (await lstat(a)).isSymbolicLink()
}
