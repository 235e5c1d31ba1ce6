/** Runs a page of ours in the Chromium of this machine, without a package to drive it: the page says what it found. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { text } from 'node:stream/consumers'
import { packageDir } from '../../node/platform/package-dir.ts'
import { scratchFolder } from './cli.ts'

/** Debian and Ubuntu, Fedora, Google's own. */
const names = ['chromium', 'chromium-browser', 'google-chrome']

/** The name of its program, or null if it is not here. */
export function findChromium(): string | null {
  return names.find(name => spawnSync(name, ['--version']).status === 0) ?? null
}

const types: Readonly<Record<string, string>> = {
  '.ts': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm'
}

/**
 * Opens a page with a module of ours, and waits for what that posts to /findings: { found } or { failure }.
 * @param modulePath - from the project's folder, e.g. test/support/chromium-page.ts
 * @throws Error in the words of the page, or of a browser that ends first
 */
export async function runInChromium<T>(program: string, modulePath: string): Promise<T> {
  const { promise: findings, resolve, reject } = Promise.withResolvers<string>()
  const failed = `fetch('/findings', { method: 'POST', body: JSON.stringify({ failure: 'it does not load' }) })`
  const page = `<!doctype html><script type="module" src="/${modulePath}" onerror="${failed}"></script>`
  const server = createServer((request, response) => {
    answer(request, response, page, resolve).catch(error => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  const profile = scratchFolder()
  const options = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking']
  const quiet = ['--disable-component-update', '--disable-sync', '--no-first-run', '--disable-dev-shm-usage']
  const args = [...options, ...quiet, `--user-data-dir=${profile.path}`, `http://127.0.0.1:${port}/`]
  // A group of its own, so that its helpers end with it.
  const browser = spawn(program, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  browser.stderr.setEncoding('utf8').on('data', (more: string) => {
    words += more
  })
  browser.on('error', reject)
  const ended = new Promise<void>(end => browser.on('close', () => end()))
  ended.then(() => reject(new Error(`${program} ended before the page was done: ${words.slice(-1000)}`)))
  try {
    const { found, failure } = JSON.parse(await findings) as { found?: T; failure?: string }
    if (found === undefined) throw new Error(`the page failed: ${failure}`)
    return found
  } finally {
    if (browser.pid !== undefined) killGroup(browser.pid)
    await ended
    server.closeAllConnections()
    server.close()
    profile.remove()
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  page: string,
  resolve: (findings: string) => void
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1')
  if (request.method === 'POST' && pathname === '/findings') {
    resolve(await text(request))
    return void response.end()
  }
  if (pathname === '/') return void response.setHeader('content-type', 'text/html').end(page)
  const type = types[extname(pathname)]
  const path = normalize(pathname)
  if (type === undefined || path.includes('..')) return void response.writeHead(404).end()
  const content = readFileSync(join(packageDir(), path))
  response.setHeader('content-type', type)
  response.end(type === 'text/javascript' ? stripTypeScriptTypes(content.toString('utf8')) : content)
}
