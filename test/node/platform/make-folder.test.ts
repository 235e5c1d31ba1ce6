import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { makeFolder } from '../../../node/platform/make-folder.ts'
import { scratchFolder } from '../../support/cli.ts'
import { skipBecause } from '../../support/skip.ts'

describe('making a folder', () => {
  const scratch = scratchFolder()
  after(() => scratch.remove())

  it('makes those above it too, with the mode asked for, and is content with one that is there', async () => {
    const deep = join(scratch.path, 'a', 'b', 'c')
    await makeFolder(deep, 0o700)
    await makeFolder(deep)
    for (const dir of [deep, join(scratch.path, 'a')]) {
      expect(statSync(dir).isDirectory()).to.equal(true)
      if (process.platform !== 'win32') expect(statSync(dir).mode & 0o777).to.equal(0o700)
    }
  })

  it('gives up where the file system takes none, instead of trying for ever', async function () {
    if (!existsSync('/proc/self')) skipBecause(this, 'no /proc, which takes no folders')
    const error = await makeFolder('/proc/fedpeft/here').catch((caught: unknown) => caught)
    expect(error).to.include({ name: 'FilesError', code: 'READ_ONLY' })
    expect((error as Error).message).to.contain('/proc/fedpeft')
  })

  it('fails below a file', async () => {
    writeFileSync(join(scratch.path, 'file'), '')
    const error = await makeFolder(join(scratch.path, 'file', 'below')).catch((caught: unknown) => caught)
    expect(error).to.include({ code: 'ENOTDIR' })
  })
})
