/**
 * One process at a time runs a peer from a directory: two with one identity would vote twice in its name. The lock is
 * a file that names its process, so a crash leaves nothing that a person must clean up. Processes that do not see
 * each other (two containers on one volume) are not kept apart.
 */
import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { NetworkError } from '../../protocols/errors.ts'
import { makeFolder } from './make-folder.ts'
import { explained } from './node-files.ts'

export const LOCK_FILE = 'lock'

type Holder = Owner<number | null>

/** A lock that names nobody: no process of ours wrote it, or the disk lost it. */
const BROKEN: Holder = { pid: null, started: '' }

/** Locks on locks on locks: each further one needs another crash within the same microsecond. */
const DEPTH = 3

/** Enough for losing a race or two against others that come and go. */
const TRIES = 5

/** Locks of this process, which a look at the process table cannot tell from a stale one. */
const ours = new Set<string>()

interface Owner<Pid = number> {
  readonly pid: Pid
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
    const other = await explained(path, 'lock', async () => {
      await makeFolder(dir, 0o700)
      return acquire(path, JSON.stringify(owner))
    })
    if (other !== null) throw inUse(path, other.pid)
  } catch (error) {
    ours.delete(path)
    throw error
  }
  return async () => {
    if (ours.delete(path)) await rm(path, { force: true })
  }
}

/**
 * Whoever finds a dead owner's lock must not simply remove it: another may have put a fresh one there since. So a
 * lock is replaced only by who holds a second lock, on doing that, taken in the same way.
 * @returns null, or whoever holds the lock
 */
async function acquire(path: string, text: string, depth = 0): Promise<Holder | null> {
  for (let i = 0; i < TRIES; i++) {
    if (await createWith(path, text)) return null
    const owner = await ownerAt(path)
    if (owner === null) continue
    if (depth === DEPTH || (await isAlive(owner))) return owner
    const other = await acquire(`${path}.takeover`, text, depth + 1)
    if (other !== null) return other
    try {
      if (isSame(await ownerAt(path), owner)) {
        await replaceWith(path, text)
        return null
      }
    } finally {
      await rm(`${path}.takeover`, { force: true })
    }
  }
  return BROKEN
}

/** A lock that was not yet put in its place: `lock.<uuid>`, `lock.takeover.<uuid>`. */
export function isLockPart(name: string): boolean {
  return /^lock(\.takeover)*\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name)
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

async function replaceWith(path: string, text: string): Promise<void> {
  const part = `${path}.${randomUUID()}`
  await writeFile(part, text, { flag: 'wx' })
  await rename(part, path)
}

/** @returns null if there is no lock */
async function ownerAt(path: string): Promise<Holder | null> {
  try {
    return ownerOf(await readFile(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function isSame(a: Holder | null, b: Holder): boolean {
  return a !== null && a.pid === b.pid && a.started === b.started
}

function ownerOf(text: string): Holder {
  try {
    const { pid, started } = JSON.parse(text)
    return Number.isSafeInteger(pid) && pid > 0 && typeof started === 'string' ? { pid, started } : BROKEN
  } catch {
    return BROKEN
  }
}

async function isAlive({ pid, started }: Holder): Promise<boolean> {
  if (pid === null) return false
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
