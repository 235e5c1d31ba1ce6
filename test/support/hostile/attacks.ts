/** What a hostile peer does: each attack goes on until the victim has closed the connection, or until it is told to stop. */
import { randomBytes } from 'node:crypto'
import { createConnection } from 'node:net'
import { RPC } from '@libp2p/gossipsub/message'
import type { Stream } from '@libp2p/interface'
import { encode } from 'it-length-prefixed'
import { ed25519Signer, nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { BLOB_PROTOCOL } from '../../../protocols/blob-messages.ts'
import { type MessageType, PROTOCOL_VERSION, sealMessage, ZERO_HASH } from '../../../protocols/envelope.ts'
import { fromHex } from '../../../protocols/hex.ts'
import { ChainRequest, Tip } from '../../../protocols/messages.js'
import { encodeKnownPeers, PEERS_PROTOCOL } from '../../../protocols/peer-exchange.ts'
import { peerIdOf } from '../../../protocols/peer-id.ts'
import {
  CHAIN_PROTOCOL,
  MESSAGE_PROTOCOL,
  TRANSCRIPT_PROTOCOL,
  topicOfRun
} from '../../../protocols/run-protocols.ts'
import { RUNS_PROTOCOL } from '../../../protocols/run-registry.ts'
import {
  askBlindly,
  connectTo,
  endlessFrame,
  finish,
  type Hostile,
  hostileNode,
  openStream,
  requestFrame,
  sendRaw,
  stopReading,
  yamuxHeader
} from './node.ts'

export interface Target {
  readonly address: string
  /** Hexadecimal, of the run that the victims are in. */
  readonly run: string
  readonly baseModel: string
  readonly signal: AbortSignal
}

export type Attack = (target: Target) => Promise<void>

const MESHSUB = '/meshsub/1.1.0'
const SERVED = [
  PEERS_PROTOCOL,
  RUNS_PROTOCOL,
  CHAIN_PROTOCOL,
  MESSAGE_PROTOCOL,
  TRANSCRIPT_PROTOCOL,
  BLOB_PROTOCOL
]

/** Connects, and does one thing again and again. */
function again(step: (hostile: Hostile, target: Target) => Promise<unknown>, pauseMs = 0): Attack {
  return async target => {
    const node = await hostileNode()
    const hostile = await connectTo(node, target.address)
    const isOn = (): boolean => !target.signal.aborted && hostile.connection.status === 'open'
    while (isOn()) {
      await step(hostile, target).catch(() => {})
      await pause(pauseMs)
    }
    await node.stop()
  }
}

/** Connects, sets something up, and stays; comes back under the same name until it is let in no more. */
function stubborn(begin: (hostile: Hostile, target: Target) => Promise<unknown>): Attack {
  return async target => {
    const node = await hostileNode()
    for (let refused = 0; refused < 5 && !target.signal.aborted; ) {
      const hostile = await connectTo(node, target.address).catch(() => null)
      if (hostile === null) refused++
      else await Promise.race([begin(hostile, target), hostile.gone, aborted(target.signal)]).catch(() => {})
      if (hostile !== null) await Promise.race([hostile.gone, aborted(target.signal)])
      await pause(200)
    }
    await node.stop()
  }
}

/** Serves what it is asked in its own way, from before the first connection on. */
function serving(protocols: readonly string[], answer: (stream: Stream) => Promise<void>): Attack {
  return async target => {
    const node = await hostileNode(!protocols.includes('/ipfs/id/1.0.0'))
    const options = { maxInboundStreams: 10_000 }
    const handle = (stream: Stream): void => void answer(stream).catch(() => {})
    for (const protocol of SERVED) await node.handle(protocol, handle, options)
    if (protocols.includes('/ipfs/id/1.0.0')) await node.handle('/ipfs/id/1.0.0', handle, options)
    // Whoever is cut off comes back: what it serves is asked for now and then only.
    while (!target.signal.aborted) {
      const hostile = await connectTo(node, target.address).catch(() => null)
      if (hostile === null) {
        await pause(500)
        continue
      }
      await Promise.race([hostile.gone, aborted(target.signal), lure(hostile, target)])
      await Promise.race([hostile.gone, aborted(target.signal)])
    }
    await node.stop()
  }
}

/** Says that it has a longer chain, so that it is asked for it. */
async function lure({ node, connection }: Hostile, target: Target): Promise<void> {
  while (connection.status === 'open' && !target.signal.aborted) {
    const payload = Tip.encode({ height: 1_000_000, linkHash: randomBytes(32), phase: 'AdvertiseKeys' })
    const tip = envelope(target, 'tip', payload)
    await node.services.pubsub.publish(topicOfRun(fromHex(target.run)!), tip).catch(() => {})
    await pause(1_000)
  }
}

async function sendAll(stream: Stream, bytes: Uint8Array): Promise<void> {
  // So that this process hears of anything else at all.
  await pause(0)
  if (!stream.send(bytes)) await stream.onDrain({ signal: AbortSignal.timeout(5_000) })
}

let gossipStream: { readonly of: object; readonly stream: Stream } | null = null

async function gossip({ connection }: Hostile, bytes: Uint8Array): Promise<void> {
  if (gossipStream?.of !== connection || gossipStream.stream.status !== 'open') {
    gossipStream = { of: connection, stream: await openStream(connection, MESHSUB) }
  }
  await sendAll(gossipStream.stream, bytes)
}

const crypto = nodeCrypto()
const signer = ed25519Signer(randomBytes(32))

function envelope({ run, baseModel }: Target, type: MessageType, payload: Uint8Array): Uint8Array {
  const context = {
    version: PROTOCOL_VERSION,
    run: fromHex(run)!,
    round: 0,
    attempt: 0,
    view: 0,
    previousLink: ZERO_HASH,
    rosterHash: ZERO_HASH,
    baseModel: fromHex(baseModel)!,
    encodingHash: ZERO_HASH
  }
  return sealMessage(type, context as Parameters<typeof sealMessage>[1], payload, signer, crypto).bytes
}

function rpc(message: Parameters<typeof RPC.encode>[0]): Uint8Array {
  return encode.single(RPC.encode(message)).subarray()
}

async function ask(hostile: Hostile, protocol: string, body: Uint8Array): Promise<void> {
  const stream = await openStream(hostile.connection, protocol)
  stream.send(requestFrame(body))
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'oversized-requests': again(async ({ connection }) => {
    const stream = await openStream(connection, RUNS_PROTOCOL)
    stream.send(endlessFrame())
  }, 5),
  'oversized-gossip': again(hostile => gossip(hostile, endlessFrame()), 50),
  'oversized-frame-of-the-multiplexer': stubborn(async ({ connection }, { signal }) => {
    sendRaw(connection, yamuxHeader(0, 1, 1_001, 2 ** 32 - 1))
    const chunk = new Uint8Array(65_536)
    while (connection.status === 'open' && !signal.aborted) {
      if (!sendRaw(connection, chunk)) await pause(1)
    }
  }),
  'malformed-gossip': again(hostile => gossip(hostile, encode.single(randomBytes(300)).subarray())),
  'unsigned-gossip': again((hostile, { run }) =>
    gossip(
      hostile,
      rpc({ subscriptions: [], messages: [{ topic: topicOfRun(fromHex(run)!), data: randomBytes(100) }] })
    )
  ),
  'invalid-gossip': again(async ({ node }, { run }) => {
    await node.services.pubsub.publish(topicOfRun(fromHex(run)!), randomBytes(200))
  }),
  'flooding-gossip': again(async ({ node }, target) => {
    await node.services.pubsub.publish(
      topicOfRun(fromHex(target.run)!),
      envelope(target, 'tip', randomBytes(5_000))
    )
  }),
  'flooding-with-subscriptions': again(hostile => {
    const subscriptions = Array.from({ length: 1_000 }, () => ({
      subscribe: true,
      topic: randomBytes(50).toString('hex')
    }))
    return gossip(hostile, rpc({ subscriptions, messages: [] }))
  }),
  'flooding-other-topics': again(hostile => {
    const data = randomBytes(2_000)
    return gossip(
      hostile,
      rpc({ subscriptions: [], messages: [{ topic: 'anything', data, from: data, seqno: data }] })
    )
  }),
  'malformed-requests': again(async hostile => {
    for (const protocol of [RUNS_PROTOCOL, MESSAGE_PROTOCOL, CHAIN_PROTOCOL, TRANSCRIPT_PROTOCOL]) {
      await ask(hostile, protocol, new Uint8Array(100).fill(0xff)).catch(() => {})
    }
  }, 2),
  'flooding-requests': again(async hostile => {
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const stream = await openStream(hostile.connection, PEERS_PROTOCOL)
        stream.send(requestFrame(new Uint8Array(0)))
        await stream.close()
        for await (const _ of stream) break
        stream.abort(new Error('enough'))
      })
    )
  }),
  'ten-thousand-streams': stubborn(async ({ connection }) => {
    for (let i = 0; i < 10_000 && connection.status === 'open'; i++) {
      sendRaw(connection, yamuxHeader(1, 1, 2_001 + 2 * i, 0))
      if (i % 100 === 0) await pause(1)
    }
  }),
  'streams-that-stay-open': stubborn(async ({ connection }) => {
    for (let i = 0; i < 10_000 && connection.status === 'open'; i++) {
      void openStream(connection, SERVED[i % SERVED.length]!).catch(() => {})
      if (i % 20 === 0) await pause(1)
    }
  }),
  pings: stubborn(async ({ connection }, { signal }) => {
    stopReading(connection)
    const pings = Uint8Array.from(
      Array.from({ length: 1_000 }, (_, i) => [...yamuxHeader(2, 1, 0, i)]).flat()
    )
    while (connection.status === 'open' && !signal.aborted) {
      sendRaw(connection, pings)
      await pause(1)
    }
  }),
  'no-multiplexer': stubborn(async ({ connection }) => sendRaw(connection, new Uint8Array(100).fill(0xff))),
  'never-reading': stubborn(async ({ connection }, { run, signal }) => {
    const body = ChainRequest.encode({ run: fromHex(run)!, fromHeight: 0 })
    stopReading(connection)
    for (let asked = 0; connection.status === 'open' && !signal.aborted; asked++) {
      const stream = 1_001 + 2 * asked
      askBlindly(connection, stream, CHAIN_PROTOCOL, body)
      // As whoever has its answer does, so that others may follow.
      if (asked >= 10) finish(connection, stream - 20)
      // As many as the quota of requests lets through: what is wrong is only that it takes no answer.
      await pause(asked < 400 ? 20 : 100)
    }
  }),
  'writing-slowly': stubborn(async ({ connection }, { signal }) => {
    const frame = requestFrame(randomBytes(200))
    const streams = await Promise.all(SERVED.map(protocol => openStream(connection, protocol)))
    for (let at = 0; at < frame.length && connection.status === 'open' && !signal.aborted; at++) {
      for (const stream of streams) {
        try {
          stream.send(frame.subarray(at, at + 1))
        } catch {
          // That one was given up by the victim.
        }
      }
      await pause(1_000)
    }
  }),
  'never-answering': serving([], () => new Promise(() => {})),
  'answering-with-anything': serving([], async stream => {
    for (let i = 0; i < 1_000; i++) await sendAll(stream, requestFrame(randomBytes(1_000)))
    await stream.close()
  }),
  'answering-without-end': serving([], async stream => {
    const frame = requestFrame(new Uint8Array(60_000))
    for (;;) await sendAll(stream, frame)
  }),
  'answering-too-long': serving([], async stream => {
    stream.send(endlessFrame())
  }),
  'answering-with-crowds': serving([], async stream => {
    const crowd = Array.from({ length: 256 }, () => ({
      peer: peerIdOf(randomBytes(32)),
      addresses: Array.from({ length: 8 }, () => `/ip4/127.0.0.1/tcp/${1 + (randomBytes(2)[0]! % 200)}`)
    }))
    await sendAll(stream, requestFrame(encodeKnownPeers(crowd)))
    await sendAll(stream, encode.single(Uint8Array.of(1)).subarray())
    await stream.close()
  }),
  'identify-without-end': serving(['/ipfs/id/1.0.0'], async stream => {
    for (;;) await sendAll(stream, encode.single(new Uint8Array(8_000)).subarray())
  }),
  'wrong-blobs': serving([], async stream => {
    for (let i = 0; i < 8; i++) await sendAll(stream, requestFrame(randomBytes(320)))
    await sendAll(stream, encode.single(Uint8Array.of(1)).subarray())
    await stream.close()
  }),
  replay: again(replay),
  'ten-thousand-connections': async ({ address, signal }) => {
    const { port, host } = socketOf(address)
    for (let i = 0; i < 10_000 && !signal.aborted; i++) {
      const socket = createConnection(port, host)
      socket.on('error', () => {})
      if (i % 3 === 0) socket.on('connect', () => socket.destroy())
      if (i % 3 === 1) socket.on('connect', () => socket.write(randomBytes(500)))
      if (i % 50 === 0) await pause(5)
    }
    await aborted(signal)
  },
  'half-open': async ({ address, signal }) => {
    const { port, host } = socketOf(address)
    for (let i = 0; i < 400; i++) {
      const socket = createConnection(port, host)
      socket.on('error', () => {})
      if (i % 2 === 0) socket.write('\x13/multistream/1.0.0\n\x07/noise\n')
    }
    await aborted(signal)
  },
  'connecting-again-and-again': async ({ address, signal }) => {
    const node = await hostileNode()
    while (!signal.aborted) {
      const hostile = await connectTo(node, address).catch(() => null)
      hostile?.connection.abort(new Error('and again'))
      if (hostile === null) await pause(20)
    }
    await node.stop()
  }
}

/** Says again what others have said, by gossip and directly. */
async function replay({ node, connection }: Hostile, { run, signal }: Target): Promise<void> {
  const topic = topicOfRun(fromHex(run)!)
  const heard: Uint8Array[] = []
  node.services.pubsub.addEventListener('message', ({ detail }) => heard.push(detail.data))
  node.services.pubsub.subscribe(topic)
  while (connection.status === 'open' && !signal.aborted) {
    for (const bytes of heard.slice(-50)) {
      await node.services.pubsub.publish(topic, bytes).catch(() => {})
      const stream = await openStream(connection, MESSAGE_PROTOCOL)
      stream.send(requestFrame(bytes))
      await stream.close()
    }
    await pause(5)
  }
}

function socketOf(address: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^\/ip4\/([^/]+)\/tcp\/(\d+)/.exec(address)!
  return { host: host!, port: Number(port) }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => (ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms)))
}
