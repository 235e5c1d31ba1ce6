/** What docs/folder.md says that a peer keeps on its disk, against what is there. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageDir } from '../../node/platform/package-dir.ts'

/** A path of the table's first column, `<…>` standing for any part of a name. */
interface DocumentedFile {
  readonly path: string
  readonly pattern: RegExp
}

export function documentedFiles(): DocumentedFile[] {
  const text = readFileSync(join(packageDir(), 'docs', 'folder.md'), 'utf8')
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path]) => {
    const parts = path!.split(/<\w+>/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    return { path: path!, pattern: new RegExp(`^${parts.join('[^/]+')}$`) }
  })
}

/**
 * @returns `strangers`, files and sockets below a folder that the document does not name, with `/`; `seen`, the documented paths
 *   that are there
 */
export function undocumented(dir: string): { strangers: string[]; seen: string[] } {
  const documented = documentedFiles()
  const seen = new Set<string>()
  const strangers: string[] = []
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue
    const path = join(entry.parentPath, entry.name)
      .slice(dir.length + 1)
      .replaceAll('\\', '/')
    const known = documented.filter(({ pattern }) => pattern.test(path))
    for (const { path: name } of known) seen.add(name)
    if (known.length === 0) strangers.push(path)
  }
  return { strangers: strangers.sort(), seen: [...seen] }
}
