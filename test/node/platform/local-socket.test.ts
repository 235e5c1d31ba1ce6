import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  ANSWER_LINE_BYTES,
  askLocalSocket,
  type LocalHandlers,
  type LocalSocket,
  REQUEST_LINE_BYTES,
  SOCKET_NAME,
  serveLocalSocket
} from '../../../node/platform/local-socket.ts'
import { NetworkError } from '../../../protocols/errors.ts'
import { skipBecause } from '../../support/skip.ts'

const MODULE = new URL('../../../node/platform/local-socket.ts', import.meta.url).href

describe('local socket', () => {
  let dir: string
  const open: LocalSocket[] = []
  const serve = async (handlers: LocalHandlers, options = {}, where = dir): Promise<LocalSocket> => {
    const socket = await serveLocalSocket(where, handlers, options)
    open.push(socket)
    return socket
  }
  before(function () {
    // There it is a named pipe; these tests speak to the file.
    if (process.platform === 'win32') skipBecause(this, 'on Windows it is a pipe, and no file')
  })
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'fedpeft-socket-'))
  })
  afterEach(async () => {
    for (const socket of open.splice(0)) await socket.close()
    await rm(dir, { recursive: true, force: true })
  })

  it('answers several clients at once, each with the values of its own question', async () => {
    await serve({
      status: async ({ of }) => ({ of }),
      async *count({ to }) {
        for (let i = 1; i <= (to as number); i++) yield i
      },
      nothing: () => {}
    })
    const asked = Array.from({ length: 8 }, (_, i) => askLocalSocket(dir, 'status', { of: i }))
    expect(await Promise.all(asked)).to.deep.equal(asked.map((_, of) => ({ of })))
    const seen: unknown[] = []
    expect(await askLocalSocket(dir, 'count', { to: 3 }, { onValue: value => seen.push(value) })).to.equal(3)
    expect(seen).to.deep.equal([1, 2, 3])
    expect(await askLocalSocket(dir, 'nothing')).to.equal(null)
  })

  it('carries an answer of megabytes, with letters of several bytes', async () => {
    const text = 'ß€😀'.repeat(300_000)
    await serve({ status: () => text })
    expect(await askLocalSocket(dir, 'status')).to.equal(text)
  })

  it('is for the owner only, leaves nothing else behind, and goes when it is closed', async () => {
    const socket = await serve({})
    expect(await readdir(dir)).to.deep.equal([SOCKET_NAME])
    expect((await stat(join(dir, SOCKET_NAME))).mode & 0o777).to.equal(0o600)
    await socket.close()
    expect(await readdir(dir)).to.deep.equal([])
    expect((await failure(askLocalSocket(dir, 'status'))).code).to.equal('NOBODY_THERE')
  })

  it('says where nobody lives, and what to do', async () => {
    for (const where of [dir, join(dir, 'not-there')]) {
      const error = await failure(askLocalSocket(where, 'status'))
      expect(error.code).to.equal('NOBODY_THERE')
      expect(error.message).to.contain(where).and.contain('--dir')
    }
  })

  it('takes the place of one that a killed process left', async () => {
    const program = `import { serveLocalSocket } from '${MODULE}'
      await serveLocalSocket(process.argv[1], {}); console.log('here')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(await readdir(dir)).to.deep.equal([SOCKET_NAME])
    expect((await failure(askLocalSocket(dir, 'status'))).code).to.equal('NOBODY_THERE')
    await serve({ status: () => 'alive' })
    expect(await askLocalSocket(dir, 'status')).to.equal('alive')
  })

  it('works in a folder whose path is longer than a socket may have', async () => {
    const deep = join(dir, 'a-folder-with-a-long-name'.repeat(4), 'another-one'.repeat(6))
    await mkdir(deep, { recursive: true })
    expect(Buffer.byteLength(deep)).to.be.above(108)
    await serve({ status: () => 'deep' }, {}, deep)
    expect(await askLocalSocket(deep, 'status')).to.equal('deep')
    expect(await readdir(deep)).to.deep.equal([SOCKET_NAME])
    expect((await failure(askLocalSocket(join(deep, 'empty'), 'status'))).code).to.equal('NOBODY_THERE')
  })

  it('tells what a command threw, and whether the question was wrong', async () => {
    await serve({
      fails: () => Promise.reject(new Error('the disk is full')),
      wrong: () => Promise.reject(Object.assign(new Error('no such peer'), { exitCode: 2 })),
      async *breaks() {
        yield 1
        throw new Error('half way')
      }
    })
    const error = await failure(askLocalSocket(dir, 'fails'))
    expect([error.code, error.message, error.data['wrongUsage']]).to.deep.equal([
      'REFUSED',
      'the disk is full',
      false
    ])
    expect((await failure(askLocalSocket(dir, 'wrong'))).data['wrongUsage']).to.equal(true)
    expect((await failure(askLocalSocket(dir, 'breaks'))).message).to.equal('half way')
    const unknown = await failure(askLocalSocket(dir, 'toString'))
    expect(unknown.message).to.contain('"toString"').and.contain('breaks, fails, wrong')
  })

  it('cuts off a question that is no JSON, too long, or never comes', async () => {
    let asked = 0
    await serve({ status: () => ++asked }, { requestMs: 50 })
    expect(await answerTo('hello\n')).to.contain('one line of JSON')
    expect(await answerTo('[]\n')).to.contain('names no command')
    expect(await answerTo('null\n')).to.contain('names no command')
    expect(await answerTo('{"command":"status","args":7}\n')).to.contain('names no command')
    expect(await answerTo('x'.repeat(REQUEST_LINE_BYTES + 1))).to.contain('above')
    expect(await answerTo('{"command"')).to.equal('')
    expect(asked).to.equal(0)
    const error = await failure(askLocalSocket(dir, 'status', { text: 'x'.repeat(REQUEST_LINE_BYTES) }))
    expect(error.code).to.equal('TOO_LARGE')
    expect(await askLocalSocket(dir, 'status')).to.equal(1)
  })

  it('gives up on an answer that does not come, or is too long', async () => {
    let leftBy: unknown = null
    const left = new Promise<void>(resolve => {
      void serve({
        hangs: (_, signal) =>
          new Promise(() => {
            signal.addEventListener('abort', () => {
              leftBy = signal.reason
              resolve()
            })
          }),
        long: () => 'x'.repeat(ANSWER_LINE_BYTES)
      })
    })
    // The socket is there before the first question.
    while (!(await readdir(dir)).includes(SOCKET_NAME)) await new Promise(setImmediate)
    expect((await failure(askLocalSocket(dir, 'hangs', {}, { timeoutMs: 30 }))).code).to.equal('TIMEOUT')
    await left
    expect(leftBy).to.be.instanceOf(Error)
    expect((await failure(askLocalSocket(dir, 'long'))).code).to.equal('TOO_LARGE')
    const over = new AbortController()
    const reason = new Error('Ctrl-C')
    const asking = askLocalSocket(dir, 'hangs', {}, { signal: over.signal })
    over.abort(reason)
    expect(await asking.catch(error => error)).to.equal(reason)
  })

  /** Everything that comes back for these bytes. */
  async function answerTo(bytes: string): Promise<string> {
    const socket: Socket = createConnection(join(dir, SOCKET_NAME))
    socket.on('error', () => {})
    socket.write(bytes)
    let text = ''
    socket.on('data', chunk => {
      text += chunk
    })
    await once(socket, 'close')
    return text
  }
})

async function failure(work: Promise<unknown>): Promise<NetworkError> {
  const error = await work.then(
    () => null,
    (cause: unknown) => cause
  )
  expect(error).to.be.instanceOf(NetworkError)
  return error as NetworkError
}
