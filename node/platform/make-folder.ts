import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FilesError } from '../../protocols/files-error.ts'

/**
 * Makes a folder and those above it, as `mkdir` with `recursive` does, which on some file systems (/proc) never
 * returns: the system answers "no such folder" to the child although its parent is there, and Node tries again.
 * What it has made is on the disk when it returns: a file that is synced in a folder that is not would be lost with it.
 * @param mode - of the folders that are made; by default what the user's mask leaves
 * @throws FilesError READ_ONLY where nothing can be made; the system's error
 */
export async function makeFolder(dir: string, mode?: number): Promise<void> {
  if (await isMade(dir, mode)) return
  const parent = dirname(dir)
  if (parent !== dir) await makeFolder(parent, mode)
  if (await isMade(dir, mode)) return
  throw new FilesError(
    'READ_ONLY',
    { path: dir },
    `cannot make the folder ${dir}: this file system takes no new ones. Choose a folder on another disk`
  )
}

/**
 * A rename, a removal or a new name is durable only once its folder is. Windows cannot open folders and needs no such call.
 * @throws the system's error
 */
export async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** @returns false if the folder above is missing */
async function isMade(dir: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(dir, mode === undefined ? {} : { mode })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    // A file of that name is told by whatever is opened below it.
    if (code === 'EEXIST') return true
    throw error
  }
  // A folder above may be one that we may enter and not read; then it was there long before us.
  await syncFolder(dirname(dir)).catch(error => {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
  })
  return true
}
