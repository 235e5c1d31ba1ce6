/**
 * Talking to the process that runs from a folder: a Unix socket `DIR/control.sock`, for the folder's owner only (a named
 * pipe on Windows). One line of JSON there, `{ command, args }`; lines of JSON back, `{ value }` for each value and at the
 * end `{ done: true }`, or `{ error: { message, wrongUsage } }`. The process holds the folder's lock, so whatever socket it
 * finds there when it starts is left over from one that was killed.
 */
import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { NetworkError } from '../../protocols/errors.ts'

export type LocalArgs = Readonly<Record<string, unknown>>

/**
 * What a command answers: a value, or several one after the other. What it throws is told to whoever asked: its message,
 * and whether it has an `exitCode` of 2 (what was asked was wrong).
 */
export type LocalHandler = (
  args: LocalArgs,
  signal: AbortSignal
) => unknown | Promise<unknown> | AsyncIterable<unknown>

export type LocalHandlers = Readonly<Record<string, LocalHandler>>

export interface LocalSocket {
  /** Stops answering and removes the socket; who is being answered is cut off. */
  close(): Promise<void>
}

export interface AskOptions {
  /** Give up after this long without a line. */
  readonly timeoutMs?: number
  /** Told of every value as it comes, the last one too. */
  readonly onValue?: (value: unknown) => void
  readonly signal?: AbortSignal
}

export const SOCKET_NAME = 'control.sock'

/** A socket that was not yet put in its place: of a process that was killed over it, once the folder's lock is another's. */
export function isSocketPart(name: string): boolean {
  return /^cont-[0-9a-f]{8}$/.test(name)
}

/** `sun_path` is 108 bytes on Linux and 104 on macOS, with a zero at its end. */
const PATH_BYTES = 100

/** A ban list of thousands of peers fits; whoever writes more is not one of our commands. */
export const REQUEST_LINE_BYTES = 256 * 1024

/** The status of a run of a thousand members takes some hundred kilobytes. */
export const ANSWER_LINE_BYTES = 16 * 1024 * 1024

/** A person, a script or two, and a monitor. */
const CLIENTS_MAX = 16

/** Whoever connects says what it wants at once. */
export const REQUEST_MS = 5_000

const ANSWER_MS = 30_000

/**
 * Answers commands until it is closed. The caller holds the folder's lock (directory-lock.ts).
 * @throws the system's error if there can be no socket in that folder
 */
export async function serveLocalSocket(
  dir: string,
  handlers: LocalHandlers,
  { requestMs = REQUEST_MS }: { readonly requestMs?: number } = {}
): Promise<LocalSocket> {
  const clients = new Set<Socket>()
  const server = createServer(socket => {
    clients.add(socket)
    socket.on('close', () => clients.delete(socket))
    // A client that is killed while it reads is no fault of ours.
    socket.on('error', () => {})
    void answer(socket, handlers, requestMs)
  })
  server.maxConnections = CLIENTS_MAX
  const remove = await bind(server, resolve(dir))
  return {
    async close() {
      await remove()
      for (const socket of clients) socket.destroy()
      await new Promise<void>(done => server.close(() => done()))
    }
  }
}

/**
 * Asks the process that runs from a folder.
 * @returns the last value of its answer; undefined if it gave none
 * @throws NetworkError NOBODY_THERE if no process runs there, REFUSED with the other side's words, TIMEOUT, RESET,
 * TOO_LARGE; the signal's reason
 */
export async function askLocalSocket(
  dir: string,
  command: string,
  args: LocalArgs = {},
  { timeoutMs = ANSWER_MS, onValue, signal }: AskOptions = {}
): Promise<unknown> {
  signal?.throwIfAborted()
  const line = `${JSON.stringify({ command, args })}\n`
  const bytes = Buffer.byteLength(line)
  if (bytes > REQUEST_LINE_BYTES) throw new NetworkError('TOO_LARGE', { bytes, maxBytes: REQUEST_LINE_BYTES })
  const path = resolve(dir)
  const socket = await withShortPath(path, place => connected(place, path))
  const abort = (): void => void socket.destroy(asError(signal?.reason))
  signal?.addEventListener('abort', abort, { once: true })
  socket.setTimeout(timeoutMs, () =>
    socket.destroy(new NetworkError('TIMEOUT', { dir: path, timeoutMs }, silent(path, timeoutMs)))
  )
  try {
    // While the connection was made, nobody listened to the signal.
    signal?.throwIfAborted()
    socket.write(line)
    let last: unknown
    for await (const text of linesOf(socket, ANSWER_LINE_BYTES)) {
      const answer = JSON.parse(text) as Answer
      if (answer.error !== undefined) {
        const { message, wrongUsage } = answer.error
        throw new NetworkError('REFUSED', { dir: path, command, wrongUsage }, message)
      }
      if (answer.done) return last
      last = answer.value
      onValue?.(last)
    }
    throw new NetworkError(
      'RESET',
      { dir: path },
      `the process that runs from ${path} ended before it answered`
    )
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof NetworkError) throw error
    throw new NetworkError(
      'RESET',
      { dir: path },
      `the process that runs from ${path} broke off: ${messageOf(error)}`,
      {
        cause: error
      }
    )
  } finally {
    signal?.removeEventListener('abort', abort)
    socket.destroy()
  }
}

interface Answer {
  readonly value?: unknown
  readonly done?: boolean
  readonly error?: { readonly message: string; readonly wrongUsage: boolean }
}

async function answer(socket: Socket, handlers: LocalHandlers, requestMs: number): Promise<void> {
  const gone = new AbortController()
  socket.on('close', () => gone.abort(new Error('whoever asked has left')))
  const late = setTimeout(() => socket.destroy(), requestMs)
  const reply = async (answer: Answer): Promise<void> => {
    if (!socket.destroyed && !socket.write(`${JSON.stringify(answer)}\n`)) await drained(socket)
  }
  try {
    const request = await firstLine(socket)
    clearTimeout(late)
    if (request === null) return
    const { handle, args } = handlerOf(request, handlers)
    const answered = await handle(args, gone.signal)
    if (isIterable(answered)) for await (const value of answered) await reply({ value })
    else await reply({ value: answered ?? null })
    await reply({ done: true })
  } catch (error) {
    const wrongUsage = (error as { exitCode?: unknown }).exitCode === 2
    await reply({ error: { message: messageOf(error), wrongUsage } })
  } finally {
    clearTimeout(late)
    socket.end()
  }
}

/** @throws Error in words for whoever asked */
function handlerOf(line: string, handlers: LocalHandlers): { handle: LocalHandler; args: LocalArgs } {
  let request: unknown
  try {
    request = JSON.parse(line)
  } catch {
    throw new Error('not a request: one line of JSON is asked for')
  }
  const { command, args = {} } = (request ?? {}) as { command?: unknown; args?: unknown }
  if (typeof command !== 'string' || typeof args !== 'object' || args === null)
    throw new Error('not a request: it names no command')
  if (!Object.hasOwn(handlers, command)) {
    const known = Object.keys(handlers).sort().join(', ')
    throw new Error(`the process that runs there does not know the command "${command}"; it knows ${known}`)
  }
  return { handle: handlers[command]!, args: args as LocalArgs }
}

async function firstLine(socket: Socket): Promise<string | null> {
  // `for await` would destroy the socket as it leaves the loop, and the answer could not be written.
  const lines = linesOf(socket.iterator({ destroyOnReturn: false }), REQUEST_LINE_BYTES)
  const { value, done } = await lines.next()
  await lines.return(undefined)
  return done ? null : value
}

/** @throws NetworkError TOO_LARGE before a longer line is buffered */
async function* linesOf(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string, undefined> {
  // Of the line that has no end yet: put together once, or every chunk would cost as much as all before it.
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    let at = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, at)) {
      refuseTooLong(bytes + end - at, maxBytes)
      const line = Buffer.concat([...parts, chunk.subarray(at, end)]).toString('utf8')
      parts = []
      bytes = 0
      at = end + 1
      yield line
    }
    bytes += chunk.length - at
    refuseTooLong(bytes, maxBytes)
    parts.push(chunk.subarray(at))
  }
}

function refuseTooLong(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new NetworkError('TOO_LARGE', { maxBytes }, `a line above ${maxBytes} bytes`)
}

/** @returns a function that removes the socket */
async function bind(server: Server, dir: string): Promise<() => Promise<void>> {
  if (process.platform === 'win32') {
    await listen(server, pipeOf(dir))
    return async () => {}
  }
  // Under a name that nobody knows until it is the owner's only, and then in place of a dead one in one step.
  const part = `${SOCKET_NAME.slice(0, 4)}-${randomUUID().slice(0, 8)}`
  await withShortPath(dir, place => listen(server, join(place, part)))
  try {
    await chmod(join(dir, part), 0o600)
    await rename(join(dir, part), join(dir, SOCKET_NAME))
  } catch (error) {
    server.close()
    await rm(join(dir, part), { force: true })
    throw error
  }
  return () => rm(join(dir, SOCKET_NAME), { force: true })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(path, () => {
      server.off('error', fail)
      done()
    })
  })
}

async function connected(place: string, dir: string): Promise<Socket> {
  const path = process.platform === 'win32' ? pipeOf(dir) : join(place, SOCKET_NAME)
  const socket = createConnection(path)
  return new Promise((done, fail) => {
    socket.once('error', error => fail(connectError(error as NodeJS.ErrnoException, dir)))
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      done(socket)
    })
  })
}

function connectError(cause: NodeJS.ErrnoException, dir: string): NetworkError {
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new NetworkError(
      'REFUSED',
      { dir, wrongUsage: false },
      `${dir}: only the user whose process runs there may talk to it; run this as that user, with sudo -u for example`,
      { cause }
    )
  }
  return new NetworkError(
    'NOBODY_THERE',
    { dir },
    `no fedpeft-node runs from ${dir}. Start one (fedpeft-node join, or bootstrap), or name its folder with --dir`,
    { cause }
  )
}

/** Linux and macOS bound the length of a socket's path, not of the path that a link on it stands for. */
async function withShortPath<T>(dir: string, use: (place: string) => Promise<T>): Promise<T> {
  if (process.platform === 'win32' || Buffer.byteLength(dir) + 1 + SOCKET_NAME.length <= PATH_BYTES)
    return use(dir)
  const base = Buffer.byteLength(tmpdir()) > PATH_BYTES - 40 ? '/tmp' : tmpdir()
  // Made for this user only, so nobody can put another link in its place.
  const made = await mkdtemp(join(base, 'fedpeft-'))
  try {
    await symlink(dir, join(made, 'd'))
    return await use(join(made, 'd'))
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}

function pipeOf(dir: string): string {
  return `\\\\.\\pipe\\fedpeft-${createHash('sha256').update(dir.toLowerCase()).digest('hex').slice(0, 32)}`
}

function drained(socket: Socket): Promise<void> {
  return new Promise(done => {
    const over = (): void => {
      socket.off('drain', over)
      socket.off('close', over)
      done()
    }
    socket.on('drain', over)
    socket.on('close', over)
  })
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

function silent(dir: string, timeoutMs: number): string {
  return `the process that runs from ${dir} gave no answer for ${timeoutMs / 1000} s: is it very busy, or stopped?`
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
