/**
 * The folder of one peer (docs/folder.md): opened by one process at a time, in a form that this version knows, and without what
 * a killed process left half written.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { NetworkError } from '../../protocols/errors.ts'
import { isLockPart, LOCK_FILE, lockDirectory } from './directory-lock.ts'
import { IDENTITY_FILE } from './identity.ts'
import { isSocketPart } from './local-socket.ts'
import { isPartName, nodeFiles } from './node-files.ts'

/** Says in which form the folder is. One from before this file has form 1 too. */
export const FORMAT_FILE = 'folder.json'

/** Grows when a folder is laid out in a way that the version before cannot go on from. */
export const FOLDER_VERSION = 1

/** A lock is taken within milliseconds: what is older was left by a process that was killed over it. */
const LOCK_PART_AGE_MS = 60_000

/**
 * Locks the folder, makes it if it is not there, and cleans up.
 * @returns a function that unlocks
 * @throws NetworkError DIRECTORY_IN_USE, NEWER_FOLDER; FilesError
 */
export async function openPeerFolder(dir: string): Promise<() => Promise<void>> {
  const unlock = await lockDirectory(dir)
  try {
    await checkVersion(dir)
    await removeLeftovers(dir)
  } catch (error) {
    await unlock()
    throw error
  }
  return unlock
}

async function checkVersion(dir: string): Promise<void> {
  const files = nodeFiles(dir)
  const bytes = await files.read(FORMAT_FILE)
  if (bytes === null) {
    const text = `${JSON.stringify({ fedpeft: 'folder', version: FOLDER_VERSION })}\n`
    return files.write(FORMAT_FILE, new TextEncoder().encode(text))
  }
  const got = versionIn(bytes)
  if (got !== null && got <= FOLDER_VERSION) return
  const path = join(dir, FORMAT_FILE)
  const message =
    got === null
      ? `${path} does not say in which form this folder is. If no later version of fedpeft has used it, delete that file`
      : `${dir} was written by a later version of fedpeft: its form is ${got}, and this version knows forms up to ${FOLDER_VERSION}. ` +
        'Use that version, or give this peer another folder with --dir'
  throw new NetworkError('NEWER_FOLDER', { path: dir, got, spoken: FOLDER_VERSION }, message)
}

function versionIn(bytes: Uint8Array): number | null {
  try {
    const { fedpeft, version } = JSON.parse(new TextDecoder().decode(bytes))
    return fedpeft === 'folder' && Number.isSafeInteger(version) && version > 0 ? version : null
  } catch {
    return null
  }
}

/** Temporary files of writes that never ended. Folders of other peers that lie in this one are theirs. */
async function removeLeftovers(dir: string): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true })
  for (const entry of entries) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) {
      const inside = await readdir(path).catch((): string[] => [])
      if (!inside.includes(LOCK_FILE) && !inside.includes(IDENTITY_FILE))
        await removeLeftovers(path).catch(() => {})
    } else if (
      isPartName(entry.name) ||
      isSocketPart(entry.name) ||
      (isLockPart(entry.name) && (await isOld(path)))
    ) {
      // What cannot be removed is in nobody's way.
      await rm(path, { force: true }).catch(() => {})
    }
  }
}

async function isOld(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => null)
  return stats !== null && Date.now() - stats.mtimeMs > LOCK_PART_AGE_MS
}
