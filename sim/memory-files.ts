import { FilesError, filePathParts, pathParts } from '../protocols/files-error.ts'
import type { Files } from '../protocols/ports.ts'

/** Files that live in memory. */
export interface MemoryFiles extends Files {
  /** What a disk would hold if the machine stopped now: later changes to one do not show in the other. */
  copy(): MemoryFiles
}

/** @param initial - content by path */
export function memoryFiles(
  initial: Iterable<readonly [path: string, content: Uint8Array]> = []
): MemoryFiles {
  return filesIn(new Map(Array.from(initial, ([path, content]) => [normal(path), content.slice()])))
}

/** As on a disk, a folder is made with its first file and stays when that is removed: it is a path with null. */
type Tree = Map<string, Uint8Array | null>

function filesIn(tree: Tree): MemoryFiles {
  for (const path of [...tree.keys()]) makeParents(tree, path)
  const put = (path: string, content: Uint8Array): void => {
    makeParents(tree, path)
    tree.set(path, content)
  }
  return {
    async read(path) {
      return contentAt(tree, path)?.slice() ?? null
    },
    async readRange(path, offset, length) {
      return rangeOf(tree, path, offset, length).slice()
    },
    async readInto(path, offset, target) {
      target.set(rangeOf(tree, path, offset, target.length))
    },
    async size(path) {
      return tree.get(normal(path))?.length ?? null
    },
    async write(path, bytes) {
      contentAt(tree, path)
      put(normal(path), bytes.slice())
    },
    async writeParts(path, parts) {
      contentAt(tree, path)
      const copies: Uint8Array[] = []
      for await (const part of parts) copies.push(part.slice())
      put(normal(path), joined(copies))
    },
    async append(path, bytes) {
      const before = contentAt(tree, path) ?? new Uint8Array(0)
      put(normal(path), joined([before, bytes]))
    },
    async list(path) {
      const parts = pathParts(path)
      const below = [...tree.keys()].map(name => name.split('/'))
      return below
        .filter(name => name.length === parts.length + 1 && parts.every((part, i) => part === name[i]))
        .map(name => name.at(-1)!)
        .sort()
    },
    async remove(path) {
      if (contentAt(tree, path) !== undefined) tree.delete(normal(path))
    },
    copy: () => filesIn(new Map(tree))
  }
}

/** A view. @throws FilesError NO_SUCH_FILE, SHORT_FILE, NOT_A_FOLDER */
function rangeOf(tree: Tree, path: string, offset: number, length: number): Uint8Array {
  const content = contentAt(tree, path)
  if (content === undefined) {
    throw new FilesError('NO_SUCH_FILE', { path }, `cannot read ${path}: there is no such file`)
  }
  if (offset + length > content.length) {
    throw new FilesError(
      'SHORT_FILE',
      { path, offset, length, size: content.length },
      `${path} has ${content.length} bytes, but bytes ${offset} to ${offset + length} were needed: it was cut short`
    )
  }
  return content.subarray(offset, offset + length)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** @throws FilesError NOT_A_FOLDER where a folder is */
function contentAt(tree: Tree, path: string): Uint8Array | undefined {
  const content = tree.get(normal(path))
  if (content === null) throw notAFolder(path, 'it is a folder, not a file')
  return content
}

/** @throws FilesError NOT_A_FOLDER below a file */
function makeParents(tree: Tree, path: string): void {
  const parts = path.split('/')
  const parents = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'))
  for (const parent of parents) {
    if (tree.get(parent) instanceof Uint8Array) throw notAFolder(path, `${parent} is a file, not a folder`)
    tree.set(parent, null)
  }
}

function notAFolder(path: string, why: string): FilesError {
  return new FilesError('NOT_A_FOLDER', { path }, `cannot use ${path}: ${why}`)
}

function normal(path: string): string {
  return filePathParts(path).join('/')
}
