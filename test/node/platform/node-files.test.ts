import { chmod, chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { explain } from '../../../node/cli/explain.ts'
import { explained, nodeFiles } from '../../../node/platform/node-files.ts'
import { filesConformance, filesErrorOf } from '../../conformance/files.ts'
import { runProcess } from '../../support/cli.ts'
import { skipBecause } from '../../support/skip.ts'

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
    if (process.platform !== 'linux') skipBecause(this, 'only Linux has a device that is always full')
    const error = await filesErrorOf(nodeFiles('/dev').append('full', Uint8Array.of(1)))
    expect(error.code).to.equal('NO_SPACE')
    expect(error.message).to.include('/dev/full').and.to.include('the disk is full')
  })
})

describe('what the system reports', () => {
  const cases: ReadonlyArray<readonly [system: string, ours: string, words: RegExp]> = [
    [
      'ENOSPC',
      'NO_SPACE',
      /the disk is full\. Free some space.*[\d,]+ bytes are free.*this write needs 1,000 bytes/
    ],
    ['EDQUOT', 'NO_SPACE', /quota.*ask for a larger share.*needs 1,000 bytes/],
    ['EROFS', 'READ_ONLY', /read-only\. Choose a folder on another disk$/],
    ['EACCES', 'NO_PERMISSION', /permission denied\. Choose a folder.*change its owner$/],
    ['EMFILE', 'TOO_MANY_FILES', /this process has too many files open.*ulimit -n/],
    ['ENFILE', 'TOO_MANY_FILES', /this machine has too many files open/],
    ['EFBIG', 'IO_ERROR', /larger than this user/],
    ['EIO', 'IO_ERROR', /i\/o error/]
  ]
  for (const [system, ours, words] of cases) {
    it(`${system} is ${ours}, with the path and what to do`, async () => {
      const fault = Object.assign(new Error('i/o error'), { code: system })
      const error = await filesErrorOf(explained('/tmp/x', 'write', () => Promise.reject(fault), 1_000))
      expect(error.code).to.equal(ours)
      expect(error.message).to.match(words).and.contain('cannot write /tmp/x: ')
      expect(error.data).to.include({ path: '/tmp/x', systemCode: system })
      expect(explain(error)).to.have.property('exitCode', 1)
    })
  }

  it('is said of a process that has no file handles left', async function () {
    if (process.platform !== 'linux') skipBecause(this, 'tried on Linux only: it sets a limit by ulimit')
    const script = `import { nodeFiles } from ${JSON.stringify(new URL('../../../node/platform/node-files.ts', import.meta.url))}
      import { openSync } from 'node:fs'
      try { for (;;) openSync('/dev/null') } catch {}
      await nodeFiles('/tmp').read('x').catch(error => console.log(error.code, error.message))`
    const limited = [
      '-c',
      'ulimit -n 64; exec "$0" "$@"',
      process.execPath,
      '--input-type=module',
      '-e',
      script
    ]
    const { stdout, stderr } = await runProcess('sh', limited, '/tmp')
    expect(stdout, stderr).to.match(/^TOO_MANY_FILES cannot read \/tmp\/x: .*ulimit -n/)
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
