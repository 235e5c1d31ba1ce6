/**
 * A Hugging Face Hub on loopback, as far as a download sees it: what a revision is, what a repository holds, and the
 * files, the large ones by a redirect to another host with other rules. And what goes wrong with each.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HubRepo {
  /** A commit by each branch or tag. */
  readonly refs: Readonly<Record<string, string>>
  /** Files by commit. */
  readonly commits: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>
  /** If set, only who sends this token sees it. */
  readonly token?: string
  /** Seen by all, but only who sends the token may have its files. */
  readonly gated?: boolean
}

/** What goes wrong with the requests for a file. */
export interface FileFault {
  /** Connections that end after so many bytes of what was asked for. */
  cutAfter?: number
  /**
   * The end waits until the other side has put everything up to this position of the file away: what it has received
   * but not looked at yet is lost with the connection.
   */
  isThere?: (position: number) => Promise<void>
  /** How often; then it goes well. For ever if not given. */
  times?: number
  /** Sent instead of the file. */
  content?: Uint8Array
  /** The whole file comes, whatever range was asked for. */
  ignoreRange?: boolean
  /** What the repository's list says of its size. */
  listedBytes?: number
  /** An answer without a file. */
  status?: number
  /** The connection stays open, and after the bytes nothing comes. */
  hang?: boolean
}

export interface HubRequest {
  readonly host: 'hub' | 'cdn'
  readonly path: string
  readonly range: string | null
  readonly authorization: string | null
}

export interface HubServer {
  /** What HF_ENDPOINT is set to. */
  readonly endpoint: string
  readonly repos: Map<string, HubRepo>
  /** By file name. */
  readonly faults: Map<string, FileFault>
  /** Answers to every request of the interface, instead of what was asked for. */
  failure: { status: number; errorCode?: string; body?: string } | null
  readonly requests: HubRequest[]
  /** Resolves when the next connection was cut or hangs. */
  faulted(): Promise<void>
  close(): Promise<void>
}

/** Files of this size and more lie in LFS, as those that a repository's .gitattributes name do. */
const LFS_BYTES = 1000

export async function startHub(): Promise<HubServer> {
  const hub = new Hub()
  await hub.start()
  return hub
}

/** A commit's name that is not taken from anything real. */
export function commitOf(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

class Hub implements HubServer {
  endpoint = ''
  failure: HubServer['failure'] = null
  readonly repos = new Map<string, HubRepo>()
  readonly faults = new Map<string, FileFault>()
  readonly requests: HubRequest[] = []
  readonly #hub = createServer((request, response) => this.#answer('hub', request, response))
  readonly #cdn = createServer((request, response) => this.#answer('cdn', request, response))
  /** Content in LFS by hash, with its name. */
  readonly #content = new Map<string, { name: string; bytes: Uint8Array }>()
  #faulted = Promise.withResolvers<void>()
  #cdnAddress = ''

  async start(): Promise<void> {
    this.endpoint = await listening(this.#hub)
    this.#cdnAddress = await listening(this.#cdn)
  }

  faulted(): Promise<void> {
    return this.#faulted.promise
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }

  #answer(host: HubRequest['host'], request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url!, this.endpoint)
    const { authorization = null, range = null } = request.headers
    this.requests.push({ host, path: pathname, range, authorization })
    if (host === 'cdn') return this.#sendContent(pathname, searchParams, request, response)
    if (this.failure !== null) {
      const { status, errorCode, body = '' } = this.failure
      return refuse(response, status, errorCode, body)
    }
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(pathname)
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/([^/]+)$/.exec(pathname)
    const [, name = '', kind, revision = ''] = api ?? file?.toSpliced(2, 0, 'resolve') ?? []
    const repo = this.repos.get(name)
    const mayKnow = repo?.token === undefined || repo.gated || authorization === `Bearer ${repo.token}`
    if (repo === undefined || !mayKnow) {
      // Strangers are not told apart from those who look for what is not there.
      return refuse(response, authorization === null ? 401 : 404, 'RepoNotFound')
    }
    const commit = repo.refs[decodeURIComponent(revision)] ?? decodeURIComponent(revision)
    const files = repo.commits[commit]
    if (files === undefined) return refuse(response, 404, 'RevisionNotFound')
    if (kind === 'revision') {
      return sendJson(response, {
        _id: '1',
        id: name,
        sha: commit,
        private: false,
        gated: repo.gated ? 'auto' : false
      })
    }
    if (kind === 'tree')
      return sendJson(
        response,
        Object.entries(files).map(([path, bytes]) =>
          treeEntry(path, bytes, this.faults.get(path)?.listedBytes)
        )
      )
    if (repo.gated && authorization !== `Bearer ${repo.token}`) {
      return refuse(response, authorization === null ? 401 : 403, 'GatedRepo')
    }
    const wanted = file![3]!
    const bytes = files[wanted]
    if (bytes === undefined) return refuse(response, 404, 'EntryNotFound')
    this.#sendFile(wanted, bytes, commit, request, response)
  }

  #sendFile(
    name: string,
    bytes: Uint8Array,
    commit: string,
    request: IncomingMessage,
    response: ServerResponse
  ): void {
    response.setHeader('x-repo-commit', commit)
    if (bytes.length < LFS_BYTES) {
      response.setHeader('etag', `"${gitHash(bytes)}"`)
      return this.#send(name, bytes, request, response)
    }
    const hash = sha256(bytes)
    this.#content.set(hash, { name, bytes })
    response.writeHead(302, {
      location: `${this.#cdnAddress}/content/${hash}?signature=s3cret`,
      'x-linked-etag': `"${hash}"`,
      'x-linked-size': bytes.length
    })
    response.end()
  }

  #sendContent(
    path: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse
  ): void {
    const found = this.#content.get(path.replace('/content/', ''))
    // As a store with signed addresses does, it refuses a second proof of who asks.
    const isRefused = request.headers.authorization !== undefined || query.get('signature') !== 's3cret'
    if (found === undefined || isRefused) return refuse(response, 400)
    response.setHeader('etag', `"${path}"`)
    this.#send(found.name, found.bytes, request, response)
  }

  #send(name: string, whole: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
    const fault = this.#faultOf(name)
    if (fault?.status !== undefined) {
      refuse(response, fault.status)
      return this.#tellFault()
    }
    const bytes = fault?.content ?? whole
    const range = fault?.ignoreRange ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    const from = Number(range?.[1] ?? 0)
    const to = range?.[2] ? Number(range[2]) + 1 : bytes.length
    if (from >= bytes.length && bytes.length > 0) return refuse(response, 416)
    if (range) response.setHeader('content-range', `bytes ${from}-${to - 1}/${bytes.length}`)
    response.setHeader('accept-ranges', 'bytes')
    response.writeHead(range ? 206 : 200, { 'content-length': to - from })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    const part = bytes.subarray(from, to)
    if (fault?.cutAfter === undefined && !fault?.hang) {
      response.end(part)
      return
    }
    const cutAfter = fault.cutAfter ?? 0
    response.write(part.subarray(0, cutAfter), async () => {
      await fault.isThere?.(from + cutAfter)
      if (!fault.hang) response.socket!.destroy()
      this.#tellFault()
    })
    response.flushHeaders()
  }

  #faultOf(name: string): FileFault | undefined {
    const fault = this.faults.get(name)
    if (fault?.times !== undefined && fault.times-- <= 0) return undefined
    return fault
  }

  #tellFault(): void {
    this.#faulted.resolve()
    this.#faulted = Promise.withResolvers()
  }
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function treeEntry(path: string, bytes: Uint8Array, size = bytes.length): object {
  const pointer = size < LFS_BYTES ? {} : { lfs: { oid: sha256(bytes), size, pointerSize: 134 } }
  return { type: 'file', path, size, oid: gitHash(bytes), ...pointer }
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.end(JSON.stringify(value))
}

function refuse(response: ServerResponse, status: number, errorCode?: string, body = ''): void {
  if (errorCode !== undefined) {
    response.setHeader('x-error-code', errorCode)
    response.setHeader('x-error-message', `the words of the Hub for ${errorCode}`)
  }
  response.writeHead(status)
  response.end(body)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Git's name of a file's content. */
function gitHash(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}
