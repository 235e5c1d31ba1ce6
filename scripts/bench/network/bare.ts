/** What the blob protocol is held against: the same bytes over one libp2p stream of the same settings, and over raw TCP. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { pEvent } from 'p-event'
import { temporaryIdentity } from '../../../node/platform/identity.ts'
import { type FedpeftNode, startNode } from '../../../node/platform/libp2p-node.ts'
import { WireBytes } from '../../../node/platform/wire-bytes.ts'

const STREAM_PROTOCOL = '/fedpeft-bench/stream/1'

/** As long as a chunk of a blob. */
const PIECE_BYTES = 256 * 1024

/** A node with the settings of a peer, and nothing of a peer above them. */
export async function bareNode(listen: readonly string[]): Promise<FedpeftNode> {
  const wire = new WireBytes()
  const { node } = await startNode({
    identity: (await temporaryIdentity()).privateKey,
    listen,
    announce: [],
    transports: 'internet',
    tls: null,
    networkKey: null,
    isRelay: false,
    relaysBodies: false,
    mdns: false,
    bootstrapAddresses: [],
    stunServers: () => [],
    metrics: () => wire.metrics(),
    gossipScore: () => 0,
    connectionGater: {},
    onMoved: () => {},
    log: () => {},
    warn: () => {}
  })
  return node
}

/** Sends `bytes` bytes to whoever opens a stream. */
export async function serveStream(node: FedpeftNode, bytes: number): Promise<void> {
  const piece = new Uint8Array(PIECE_BYTES)
  await node.handle(STREAM_PROTOCOL, async stream => {
    try {
      for (let sent = 0; sent < bytes; sent += PIECE_BYTES)
        await send(stream, piece.subarray(0, bytes - sent))
      await stream.close()
    } catch (error) {
      stream.abort(error as Error)
    }
  })
}

async function send(stream: Stream, piece: Uint8Array): Promise<void> {
  if (stream.send(piece)) return
  while (stream.writableNeedsDrain) await pEvent(stream, ['drain', 'idle'], { rejectionEvents: ['close'] })
}

/** @returns milliseconds from the request to the last byte */
export async function pullStream(node: FedpeftNode, address: string, bytes: number): Promise<number> {
  await node.dial(multiaddr(address))
  const startMs = performance.now()
  const stream = await node.dialProtocol(multiaddr(address), STREAM_PROTOCOL)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let received = 0
  stream.addEventListener('message', ({ data }) => {
    received += data.byteLength
    if (received >= bytes) resolve()
  })
  stream.addEventListener('close', event =>
    reject(event.error ?? new Error(`${received} bytes came of ${bytes}`))
  )
  await promise
  const ms = performance.now() - startMs
  await stream.close().catch(() => {})
  return ms
}

/** Sends `bytes` bytes to whoever connects. */
export async function serveTcp(bytes: number): Promise<Server> {
  const piece = new Uint8Array(PIECE_BYTES)
  const server = createServer({ noDelay: true }, async socket => {
    socket.on('error', () => {})
    for (let sent = 0; sent < bytes && !socket.destroyed; sent += PIECE_BYTES)
      if (!socket.write(piece.subarray(0, bytes - sent))) await once(socket, 'drain').catch(() => {})
    socket.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

/** @returns milliseconds from the connection to the last byte */
export async function pullTcp(port: number, bytes: number): Promise<number> {
  const startMs = performance.now()
  const socket = connect(port, '127.0.0.1')
  let received = 0
  socket.on('data', data => {
    received += data.length
  })
  await once(socket, 'close')
  if (received !== bytes) throw new Error(`${received} bytes came of ${bytes}`)
  return performance.now() - startMs
}
