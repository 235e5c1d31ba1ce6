/** A peer without any of our defences or manners: bare libp2p, and what lies below it. */
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { encode } from 'it-length-prefixed'
import { createLibp2p, type Libp2p } from 'libp2p'

export interface Hostile {
  readonly node: Libp2p<{ pubsub: GossipSub }>
  /** To the victim. */
  readonly connection: Connection
  /** Until the victim has closed the connection. */
  readonly gone: Promise<void>
}

const LIMITLESS = 1_000_000

/** @param withIdentify - false for one that has an identify protocol of its own */
export async function hostileNode(withIdentify = true): Promise<Hostile['node']> {
  const services = {
    ...(withIdentify ? { identify: identify() } : {}),
    pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, D: 4, Dlo: 2, Dhi: 8, floodPublish: true })
  }
  return (await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxInboundStreams: LIMITLESS, maxOutboundStreams: LIMITLESS })],
    connectionManager: { maxParallelDials: 500, maxConnections: LIMITLESS, maxDialQueueLength: LIMITLESS },
    connectionMonitor: { enabled: false },
    services
  })) as unknown as Hostile['node']
}

export async function connectTo(node: Hostile['node'], address: string): Promise<Hostile> {
  const connection = await node.dial(multiaddr(address))
  const gone = new Promise<void>(resolve => {
    if (connection.status !== 'open') resolve()
    else connection.addEventListener('close', () => resolve(), { once: true })
  })
  return { node, connection, gone }
}

/** Raw bytes below the multiplexer, inside the encryption. */
export function sendRaw(connection: Connection, bytes: Uint8Array): boolean {
  const { muxer } = connection as unknown as { muxer: { maConn: { send(bytes: Uint8Array): boolean } } }
  return muxer.maConn.send(bytes)
}

/** Lets the socket's buffers fill up. */
export function stopReading(connection: Connection): void {
  const { maConn } = connection as unknown as { maConn: { pause(): void; socket?: { pause(): void } } }
  maConn.pause()
  maConn.socket?.pause()
}

export function openStream(connection: Connection, protocol: string): Promise<Stream> {
  return connection.newStream(protocol, {
    maxOutboundStreams: LIMITLESS,
    signal: AbortSignal.timeout(20_000)
  })
}

/** One of our requests: length, kind, body. */
export function requestFrame(body: Uint8Array): Uint8Array {
  return encode.single(Uint8Array.of(0, ...body)).subarray()
}

/**
 * Opens a stream, says the protocol and asks, all in one frame: for one that reads nothing, and so would wait for ever to hear
 * that the protocol is spoken.
 * @param stream - an odd number that the connection has not used yet
 */
export function askBlindly(connection: Connection, stream: number, protocol: string, body: Uint8Array): void {
  const lines = ['/multistream/1.0.0', protocol].map(line =>
    encode.single(new TextEncoder().encode(`${line}\n`)).subarray()
  )
  const said = Buffer.concat([...lines, requestFrame(body)])
  sendRaw(connection, Buffer.concat([yamuxHeader(0, 1, stream, said.length), said]))
}

/** Closes this half of a stream. */
export function finish(connection: Connection, stream: number): void {
  sendRaw(connection, yamuxHeader(1, 4, stream, 0))
}

export function yamuxHeader(type: number, flags: number, stream: number, length: number): Uint8Array {
  const bytes = new Uint8Array(12)
  const view = new DataView(bytes.buffer)
  view.setUint8(1, type)
  view.setUint16(2, flags)
  view.setUint32(4, stream)
  view.setUint32(8, length)
  return bytes
}

/** A length of 2^40 as a varint, and a little of what it promises. */
export function endlessFrame(): Uint8Array {
  return Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x20, ...new Array<number>(1_000).fill(7))
}
