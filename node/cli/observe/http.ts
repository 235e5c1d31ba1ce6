/** The `--http` flag: health, metrics and a page for a browser. */
import { InvalidArgumentError, Option } from 'commander'
import { type HttpServer, serveHttp } from '../../platform/http-server.ts'
import type { MetricsText } from '../../platform/prometheus.ts'
import { healthOf } from './health.ts'
import type { Report } from './report.ts'
import { statusText } from './status-text.ts'

export interface HttpPlace {
  readonly host: string
  readonly port: number
}

/** Other machines see nothing unless the person says so: the answers name the peers of a run and their addresses. */
const LOOPBACK = '127.0.0.1'

export function httpOption(): Option {
  return new Option(
    '--http <[host:]port>',
    `serve /healthz, /metrics and a status page (default: off; without a host on ${LOOPBACK} only; 0 takes any free port)`
  ).argParser(parseHttpPlace)
}

export function parseHttpPlace(text: string): HttpPlace {
  const [, bracketed, plain, digits] =
    /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535) {
    throw new InvalidArgumentError(
      'It must be a port, or HOST:PORT: 9464, 0.0.0.0:9464 and [::1]:9464 are examples.'
    )
  }
  return { host: bracketed ?? plain ?? LOOPBACK, port }
}

/** @throws NetworkError PORT_TAKEN, BAD_ADDRESS */
export function serveMonitors(
  { host, port }: HttpPlace,
  { report, metrics }: { readonly report: () => Report; readonly metrics: () => Promise<MetricsText> }
): Promise<HttpServer> {
  return serveHttp(host, port, {
    '/healthz': () => {
      const health = healthOf(report())
      const body = `${JSON.stringify(health)}\n`
      return {
        status: health.status === 'ok' ? 200 : 503,
        contentType: 'application/json; charset=utf-8',
        body
      }
    },
    '/metrics': async () => {
      const { contentType, text } = await metrics()
      return { status: 200, contentType, body: text }
    },
    '/': () => ({ status: 200, contentType: 'text/html; charset=utf-8', body: page(report()) })
  })
}

/** What `fedpeft-node status` prints. */
function page(report: Report): string {
  const escaped = statusText(report).replace(/[&<>]/g, character => `&#${character.charCodeAt(0)};`)
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="10">' +
    '<meta name="viewport" content="width=device-width"><title>fedpeft</title>' +
    '<style>body{font:14px/1.5 monospace;margin:2em}pre{white-space:pre-wrap;overflow-wrap:anywhere}</style></head>' +
    `<body><pre>${escaped}</pre><p><a href="/healthz">health</a> <a href="/metrics">metrics</a></p></body></html>\n`
  )
}
