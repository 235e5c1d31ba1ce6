/**
 * One process at a time runs a peer from a directory: two with one identity would vote twice in its name. The lock is
 * a file that names its process, so a crash leaves nothing that a person must clean up. Processes that do not see
 * each other (two containers on one volume) are not kept apart.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { NetworkError } from '../../protocols/errors.ts'
import { explained } from './node-files.ts'

const LOCK_FILE = 'lock'

/** Enough for losing a race or two against others that come and go. */
const TRIES = 5

/** Locks of this process, which a look at the process table cannot tell from a stale one. */
const ours = new Set<string>()

interface Owner {
  readonly pid: number
  /** When that process started, as its system tells it, or '' where it does not. Process ids are used again. */
  readonly started: string
}

/**
 * @returns a function that unlocks
 * @throws NetworkError DIRECTORY_IN_USE, naming the process; FilesError
 */
export async function lockDirectory(dir: string): Promise<() => Promise<void>> {
  const path = join(resolve(dir), LOCK_FILE)
  if (ours.has(path)) throw inUse(path, process.pid)
  ours.add(path)
  try {
    const owner: Owner = { pid: process.pid, started: await startOf(process.pid) }
    const other = await explained(path, 'lock', () => acquire(path, JSON.stringify(owner)))
    if (other !== null) throw inUse(path, other.pid)
  } catch (error) {
    ours.delete(path)
    throw error
  }
  return async () => {
    if (ours.delete(path)) await rm(path, { force: true })
  }
}

/** @returns null, or whoever holds the lock */
async function acquire(path: string, text: string): Promise<{ pid: number | null } | null> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
  for (let i = 0; i < TRIES; i++) {
    if (await createWith(path, text)) return null
    const found = await readFile(path, 'utf8').catch(() => null)
    if (found === null) continue
    const owner = ownerOf(found)
    if (owner !== null && (await isAlive(owner))) return owner
    await removeIf(path, found)
  }
  return { pid: null }
}

/** Creates the file with its text in it, in one step. @returns false if there is one */
async function createWith(path: string, text: string): Promise<boolean> {
  const part = `${path}.${randomUUID()}`
  try {
    await writeFile(part, text, { flag: 'wx' })
    await link(part, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(part, { force: true })
  }
}

/** Removes a stale lock, but not the fresh one that another process may have put there since it was read. */
async function removeIf(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, path)
  } catch {
    // Somebody else was quicker; the next try sees what they left.
  } finally {
    await rm(aside, { force: true })
  }
}

function ownerOf(text: string): Owner | null {
  try {
    const { pid, started } = JSON.parse(text)
    return Number.isSafeInteger(pid) && pid > 0 && typeof started === 'string' ? { pid, started } : null
  } catch {
    return null
  }
}

async function isAlive({ pid, started }: Owner): Promise<boolean> {
  // Our own id, but not our lock: from a former life, in a container that gives the same ids every time.
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives, as somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return started === (await startOf(pid))
}

/** Boot and start time of a process on Linux, '' elsewhere. */
async function startOf(pid: number): Promise<string> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // Field 22; the second field may hold spaces and parentheses, so count from behind its end.
    return `${boot.trim()} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  } catch {
    return ''
  }
}

function inUse(path: string, pid: number | null): NetworkError {
  const dir = join(path, '..')
  const who = pid === null ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`
  return new NetworkError(
    'DIRECTORY_IN_USE',
    { path: dir, pid },
    `${dir} is in use by ${who}. Stop that one, or give this peer a directory of its own with --dir`
  )
}
