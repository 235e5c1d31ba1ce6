/**
 * A small HTTP server for monitors: fixed paths, GET only, no body is ever read, and nothing that a client sends is kept.
 * Every limit is for whoever connects and then does nothing, or far too much.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { NetworkError } from '../../protocols/errors.ts'

export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

export interface HttpServer {
  /** With the port that was taken. */
  readonly url: string
  close(): Promise<void>
}

/** A monitor or two, and a browser's six connections. */
const CONNECTIONS_MAX = 32

/** A browser's request has some two kilobytes. */
const HEADER_BYTES = 16 * 1024

const REQUEST_MS = 5_000

/** By path, without its query. */
export type HttpRoutes = Readonly<Record<string, () => HttpAnswer | Promise<HttpAnswer>>>

/** @throws NetworkError PORT_TAKEN, BAD_ADDRESS */
export async function serveHttp(host: string, port: number, routes: HttpRoutes): Promise<HttpServer> {
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: REQUEST_MS,
      connectionsCheckingInterval: REQUEST_MS
    },
    (request, response) => void answer(request, response, routes)
  )
  server.maxConnections = CONNECTIONS_MAX
  await new Promise<void>((done, fail) => {
    server.once('error', cause => fail(listenError(cause as NodeJS.ErrnoException, host, port)))
    server.listen(port, host, done)
  })
  // A fault while it runs is of one connection.
  server.on('error', () => {})
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
      })
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, routes: HttpRoutes): Promise<void> {
  const path = (request.url ?? '').split('?')[0]!
  // What would come after the headers is not read: the connection ends with the answer.
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) !== 0
  if (hasBody) response.setHeader('Connection', 'close')
  const found = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return write(response, plain(405, 'GET or HEAD only\n'))
  }
  if (found === undefined) {
    return write(response, plain(404, `there is nothing here; there is ${Object.keys(routes).join(', ')}\n`))
  }
  try {
    write(response, await found())
  } catch (error) {
    write(response, plain(500, `${error instanceof Error ? error.message : String(error)}\n`))
  }
}

function write(response: ServerResponse, { status, contentType, body }: HttpAnswer): void {
  response
    .writeHead(status, {
      'Content-Type': contentType,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      // The page has no script; names that peers give could not become one either.
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    })
    .end(body)
}

function plain(status: number, body: string): HttpAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body }
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): NetworkError {
  const address = `${host}:${port}`
  if (cause.code === 'EADDRINUSE') {
    return new NetworkError(
      'PORT_TAKEN',
      { address, port },
      `--http ${address}: this port is in use by another program; choose another one`,
      { cause }
    )
  }
  const reason =
    cause.code === 'EACCES' ? 'this user may not listen there; choose a port above 1023' : cause.message
  return new NetworkError('BAD_ADDRESS', { address }, `--http ${address}: ${reason}`, { cause })
}
