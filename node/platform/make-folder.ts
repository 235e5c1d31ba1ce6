import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FilesError } from '../../protocols/files-error.ts'

/**
 * Makes a folder and those above it, as `mkdir` with `recursive` does, which on some file systems (/proc) never
 * returns: the system answers "no such folder" to the child although its parent is there, and Node tries again.
 * @param mode - of the folders that are made; by default what the user's mask leaves
 * @throws FilesError READ_ONLY where nothing can be made; the system's error
 */
export async function makeFolder(dir: string, mode?: number): Promise<void> {
  if (await madeOne(dir, mode)) return
  const parent = dirname(dir)
  if (parent !== dir) await makeFolder(parent, mode)
  if (await madeOne(dir, mode)) return
  throw new FilesError(
    'READ_ONLY',
    { path: dir },
    `cannot make the folder ${dir}: this file system takes no new ones. Choose a folder on another disk`
  )
}

/** @returns false if the folder above is missing */
async function madeOne(dir: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(dir, mode === undefined ? {} : { mode })
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    // A file of that name is told by whatever is opened below it.
    if (code === 'EEXIST') return true
    throw error
  }
}
