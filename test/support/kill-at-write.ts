/** Makes this process kill itself at one of its writes below a folder: under the port `Files`, at the calls of the system. */
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename, resolve, sep } from 'node:path'

/**
 * An append, a file that is written beside and then put in its place, or a removal. Temporary files that are removed again do
 * not count.
 */
export type WriteKind = 'append' | 'replace' | 'remove'

/**
 * `before` it; `torn`: with half of its bytes; `synced`: all of them are on the disk, but nobody has been told so; `named`: it
 * has been put in its place, or is gone, but that is not synced yet.
 */
export type KillMoment = 'before' | 'torn' | 'synced' | 'named'

export const momentsOf: Readonly<Record<WriteKind, readonly KillMoment[]>> = {
  append: ['before', 'torn', 'synced'],
  replace: ['before', 'torn', 'synced', 'named'],
  remove: ['before', 'named']
}

export interface CountedWrite {
  readonly kind: WriteKind
  /** Below the folder; of what is put in its place later, the name of its temporary file. */
  readonly path: string
}

/** @param at - which write, from 0; null to count only. @returns the writes so far */
export function killAtWrite(folder: string, at: number | null, moment: KillMoment): readonly CountedWrite[] {
  const root = resolve(folder) + sep
  const real = { ...fs }
  const writes: CountedWrite[] = []
  /** The temporary file, or its number, of the write that is the last. */
  const doomed = new Set<string>()

  const die = (): never => {
    process.kill(process.pid, 'SIGKILL')
    // The signal comes within this call; no further line is reached.
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
  const isBelow = (path: unknown): path is string =>
    typeof path === 'string' && resolve(path).startsWith(root)
  const isPart = (path: string): boolean => /\.part$|^lock\..*-/.test(basename(path))
  /** @returns whether this write is the last */
  const count = (kind: WriteKind, path: string): boolean => {
    const isLast = writes.length === at
    writes.push({ kind, path: resolve(path).slice(root.length) })
    if (isLast && moment === 'before') die()
    if (isLast) doomed.add(resolve(path))
    return isLast
  }

  const open: typeof fs.open = async (path, flags, mode) => {
    if (!isBelow(path) || (flags !== 'a' && flags !== 'wx')) return real.open(path, flags, mode)
    const isLast = count(flags === 'a' ? 'append' : 'replace', path)
    const handle = await real.open(path, flags, mode)
    return isLast ? dying(handle) : handle
  }
  const dying = (handle: FileHandle): FileHandle => {
    const write = handle.write.bind(handle)
    const sync = handle.sync.bind(handle)
    handle.write = (async (bytes: Uint8Array, offset: number) => {
      if (moment !== 'torn') return write(bytes, offset)
      await write(bytes, offset, (bytes.length - offset) >> 1)
      return die()
    }) as typeof handle.write
    handle.sync = async () => {
      await sync()
      if (moment === 'synced') die()
    }
    return handle
  }
  const writeFile: typeof fs.writeFile = async (path, data, options) => {
    if (!isBelow(path) || typeof data !== 'string') return real.writeFile(path, data, options)
    const isLast = count('replace', path)
    await real.writeFile(path, isLast && moment === 'torn' ? data.slice(0, data.length >> 1) : data, options)
    if (isLast && moment !== 'named') die()
  }
  const rename: typeof fs.rename = async (from, to) => {
    await real.rename(from, to)
    if (isBelow(from) && doomed.has(resolve(from))) die()
  }
  const link: typeof fs.link = async (from, to) => {
    await real.link(from, to)
    if (isBelow(from) && doomed.has(resolve(from))) die()
  }
  const rm: typeof fs.rm = async (path, options) => {
    const isLast = isBelow(path) && !isPart(path) && count('remove', path)
    await real.rm(path, options)
    if (isLast) die()
  }
  Object.assign(fs, { open, writeFile, rename, link, rm })
  syncBuiltinESMExports()
  return writes
}
