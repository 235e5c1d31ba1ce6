/** A copy of the sources, in which a defence can be switched off without touching the checkout. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Mutation, occurrences } from './mutation.ts'

/** What a test of the round reads. */
const COPIED = [
  ...['aggregation', 'protocols', 'node', 'bootstrap', 'sim', 'scripts', 'test', 'bin'],
  ...['package.json', 'README.md', 'docs']
]

/** Large, and never changed. */
const LINKED = ['node_modules', 'models']

export class SourceCopy {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async of(root: string): Promise<SourceCopy> {
    const folder = await mkdtemp(join(tmpdir(), 'fedpeft-mutations-'))
    for (const name of COPIED) await cp(join(root, name), join(folder, name), { recursive: true })
    for (const name of LINKED) await symlink(join(root, name), join(folder, name))
    return new SourceCopy(folder)
  }

  /**
   * Runs `work` with one mutation in place, and takes it back.
   * @returns null if the mutation does not apply
   */
  async with<T>({ file, find, replace }: Mutation, work: () => Promise<T>): Promise<T | null> {
    const path = join(this.folder, file)
    const text = await readFile(path, 'utf8')
    if (occurrences(text, find) !== 1) return null
    // A function: `$` in the replacement means itself.
    await writeFile(
      path,
      text.replace(find, () => replace)
    )
    try {
      return await work()
    } finally {
      await writeFile(path, text)
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
