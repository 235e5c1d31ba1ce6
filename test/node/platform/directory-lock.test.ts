import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { expect } from 'chai'
import { lockDirectory } from '../../../node/platform/directory-lock.ts'
import { NetworkError } from '../../../protocols/errors.ts'
import { skipBecause } from '../../support/skip.ts'

const MODULE = new URL('../../../node/platform/directory-lock.ts', import.meta.url).href

describe('directory lock', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'fedpeft-lock-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('is for one at a time, and free again after', async () => {
    const unlock = await lockDirectory(dir)
    const error = await failure(lockDirectory(dir))
    expect(error.code).to.equal('DIRECTORY_IN_USE')
    await unlock()
    await unlock()
    expect(await readdir(dir)).to.deep.equal([])
    await (await lockDirectory(dir))()
  })

  it('names the process that holds it, and is free once that was killed', async () => {
    const child = contender(dir)
    try {
      await once(child.stdout, 'data')
      const error = await failure(lockDirectory(dir))
      expect(error.data).to.deep.equal({ path: dir, pid: child.pid })
      expect(error.message).to.include(`process ${child.pid}`).and.include('--dir')
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    await (await lockDirectory(dir))()
  })

  it('is given to exactly one of many who find a stale one', async () => {
    await writeFile(join(dir, 'lock'), JSON.stringify({ pid: 2 ** 30, started: 'long ago' }))
    const children = Array.from({ length: 4 }, () => contender(dir))
    try {
      const answers = await Promise.all(
        children.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]))
      )
      expect(answers.sort()).to.deep.equal(['locked\n', ...new Array(3).fill('DIRECTORY_IN_USE\n')].sort())
    } finally {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.map(child => once(child, 'close')))
    }
  })

  it('is not held by an id that now belongs to another process', async function () {
    if (process.platform !== 'linux') skipBecause(this, 'only Linux tells when a process began')
    await writeFile(join(dir, 'lock'), JSON.stringify({ pid: process.ppid, started: 'in a former life' }))
    await (await lockDirectory(dir))()
  })

  it('makes the directory if there is none', async () => {
    await (await lockDirectory(join(dir, 'a', 'b')))()
    expect(await readdir(join(dir, 'a', 'b'))).to.deep.equal([])
  })

  it('takes over a lock that cannot be read', async () => {
    await writeFile(join(dir, 'lock'), 'cut sho')
    await (await lockDirectory(dir))()
  })
})

/** A process that tries to lock, says how it went, and stays. */
function contender(dir: string): ChildProcessByStdio<null, Readable, null> {
  const script = `
    const { lockDirectory } = await import(${JSON.stringify(MODULE)})
    await lockDirectory(${JSON.stringify(dir)}).then(() => console.log('locked'), error => console.log(error.code))
    setInterval(() => {}, 1000)`
  return spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
}

async function failure(work: Promise<unknown>): Promise<NetworkError> {
  const error = await work.then(
    () => expect.fail('expected a failure'),
    error => error
  )
  expect(error).to.be.instanceOf(NetworkError)
  return error
}
