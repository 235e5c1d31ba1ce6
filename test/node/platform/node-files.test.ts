import { chmod, chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import { filesConformance, filesErrorOf } from '../../conformance/files.ts'

describe('files of the local disk', () => {
  const made: string[] = []
  const freshDir = async (): Promise<string> => {
    const dir = await mkdtemp(join(tmpdir(), 'fedpeft-files-'))
    made.push(dir)
    return dir
  }
  after(async () => {
    for (const dir of made) await rm(dir, { recursive: true })
  })

  // The folder itself is not there yet: it is made on the first write.
  filesConformance(async () => nodeFiles(join(await freshDir(), 'root')))

  it('leaves no temporary file behind, and does not list what a crash left', async () => {
    const dir = await freshDir()
    const files = nodeFiles(dir)
    await files.write('a', Uint8Array.of(1))
    expect(await readdir(dir)).to.deep.equal(['a'])
    await writeFile(join(dir, '.0f9c.part'), 'half a write')
    expect(await files.list('')).to.deep.equal(['a'])
  })

  it('keeps the old content when a write fails', async () => {
    const dir = await freshDir()
    const files = nodeFiles(dir)
    await files.write('folder/a', Uint8Array.of(1))
    expect((await filesErrorOf(files.write('folder', Uint8Array.of(2)))).code).to.equal('NOT_A_FOLDER')
    expect(await readdir(dir)).to.deep.equal(['folder'])
    expect(await files.read('folder/a')).to.deep.equal(Uint8Array.of(1))
  })

  it('names the folder and the fix when it may not write', async () => {
    const dir = await freshDir()
    const error = await asOrdinaryUser(dir, () =>
      filesErrorOf(nodeFiles(dir).write('link-1', Uint8Array.of(1)))
    )
    expect(error.code).to.equal('NO_PERMISSION')
    expect(error.message).to.include(join(dir, 'link-1')).and.to.include('permission denied. Choose a folder')
  })

  it('says that the disk is full', async function () {
    // Linux has a device that is always full; elsewhere there is nothing to try it on.
    if (process.platform !== 'linux') return this.skip()
    const error = await filesErrorOf(nodeFiles('/dev').append('full', Uint8Array.of(1)))
    expect(error.code).to.equal('NO_SPACE')
    expect(error.message).to.include('/dev/full').and.to.include('the disk is full')
  })
})

/** Runs with a folder that may be read but not written. Root may write anywhere, so it steps down for a moment. */
async function asOrdinaryUser<T>(dir: string, run: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0
  const nobody = 65_534
  if (isRoot) await chown(dir, nobody, nobody)
  await chmod(dir, 0o555)
  if (isRoot) process.seteuid!(nobody)
  try {
    return await run()
  } finally {
    if (isRoot) process.seteuid!(0)
    await chmod(dir, 0o755)
  }
}
