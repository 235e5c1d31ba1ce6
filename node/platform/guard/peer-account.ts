/** What one peer takes of this process: its connections, its streams, and how much of its allowances is left. */
import type { Connection, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Clock } from '../../../protocols/ports.ts'
import { GOSSIP_RPC_BYTES, type GuardLimits } from './guard-limits.ts'
import { frameWatchOf } from './guarded-yamux.ts'
import { HeldFrame } from './held-frame.ts'
import type { OffenceReason } from './offences.ts'
import { TokenBucket } from './token-bucket.ts'
import { YAMUX_PING, YAMUX_SYN } from './yamux-frames.ts'

export interface PeerAccount {
  /** Oldest first. */
  readonly connections: Set<Connection>
  readonly openings: TokenBucket
  readonly requests: TokenBucket
  readonly requestBytes: TokenBucket
  readonly gossipMessages: TokenBucket
  readonly gossipBytes: TokenBucket
  readonly publishedMessages: TokenBucket
  readonly publishedBytes: TokenBucket
  readonly strayMessages: TokenBucket
  readonly control: TokenBucket
  readonly frames: TokenBucket
  readonly pings: TokenBucket
  /** When anything at all came from it. */
  heardMs: number
  /** Requests in a row without an answer. */
  unanswered: number
  /** Of the stream's frame that is not whole yet. */
  readonly held: WeakMap<Stream, HeldFrame>
  readonly isIdle: boolean
  /** What waits to be read from it or to be taken by it. */
  heldBytes(): number
}

type AllowanceName =
  | 'streamOpenings'
  | 'requests'
  | 'requestBytes'
  | 'gossipMessages'
  | 'gossipBytes'
  | 'publishedMessages'
  | 'publishedBytes'
  | 'strayMessages'
  | 'control'
  | 'frames'
  | 'pings'

type Bytes = Uint8Array | Uint8ArrayList
type Offend = (reason: OffenceReason, detail?: string) => void

interface Receiver {
  onData(bytes: Bytes): void
}

interface Buffered {
  readonly readBufferLength: number
  readonly writeBufferLength: number
  maxWriteBufferLength?: number
}

/**
 * What libp2p's connection keeps for itself: the multiplexer, the encrypted stream below it and the socket below that.
 */
interface Inner {
  readonly muxer?: EventTarget & { readonly protocol: string; readonly maConn?: Buffered }
  readonly maConn?: Buffered & EventTarget
}

const GOSSIP_PROTOCOLS = /^\/(meshsub|floodsub)\//

export function openAccount(limits: GuardLimits, clock: Clock): PeerAccount {
  const bucket = (name: AllowanceName): TokenBucket => new TokenBucket(limits[name], clock)
  const connections = new Set<Connection>()
  const held = new WeakMap<Stream, HeldFrame>()
  const buckets = {
    openings: bucket('streamOpenings'),
    requests: bucket('requests'),
    requestBytes: bucket('requestBytes'),
    gossipMessages: bucket('gossipMessages'),
    gossipBytes: bucket('gossipBytes'),
    publishedMessages: bucket('publishedMessages'),
    publishedBytes: bucket('publishedBytes'),
    strayMessages: bucket('strayMessages'),
    control: bucket('control'),
    frames: bucket('frames'),
    pings: bucket('pings')
  }
  return {
    ...buckets,
    connections,
    held,
    heardMs: clock.nowMs(),
    unanswered: 0,
    get isIdle() {
      return Object.values(buckets).every(({ isFull }) => isFull)
    },
    heldBytes() {
      let bytes = 0
      for (const connection of connections) {
        const { muxer, maConn } = innerOf(connection)
        bytes += (muxer?.maConn?.writeBufferLength ?? 0) + (maConn?.writeBufferLength ?? 0)
        for (const stream of connection.streams) {
          bytes += stream.readBufferLength + stream.writeBufferLength + (held.get(stream)?.bytes ?? 0)
        }
      }
      return bytes
    }
  }
}

/** Takes what comes over a connection from its peer's allowances, before libp2p works on it. */
export function watchConnection(
  connection: Connection,
  account: PeerAccount,
  limits: GuardLimits,
  clock: Clock,
  offend: Offend
): void {
  const { muxer, maConn } = innerOf(connection)
  for (const layer of [muxer?.maConn, maConn]) {
    if (layer !== undefined) layer.maxWriteBufferLength = limits.unsentBytes
  }
  maConn?.addEventListener('close', event => {
    const { error } = event as Event & { readonly error?: Error }
    if (error?.name === 'StreamBufferError') offend('slow-reading', 'it takes nothing of what is sent to it')
  })
  if (muxer === undefined) return
  watchFrames(muxer, account, clock, offend)
  muxer.addEventListener('stream', event => {
    const { detail: stream } = event as CustomEvent<Stream>
    const open = [...account.connections].flatMap(({ streams }) => streams).filter(isInbound).length
    if (open > limits.streamsPerPeer || !account.openings.take(1)) {
      stream.abort(new Error('too many streams'))
      offend('stream-quota', `${open} at once`)
      return
    }
    watchStream(stream, account, clock, offend)
  })
}

function watchFrames(muxer: object, account: PeerAccount, clock: Clock, offend: Offend): void {
  frameWatchOf(muxer)?.watch({
    onHeard: () => {
      account.heardMs = clock.nowMs()
    },
    onHeader: ({ type, flags }) => {
      const isPing = type === YAMUX_PING && (flags & YAMUX_SYN) !== 0
      if (account.frames.take(1) && (!isPing || account.pings.take(1))) return
      offend('broken-muxing', isPing ? 'too many pings' : 'too many frames')
      throw new Error('too many frames')
    },
    onOversized: bytes => offend('oversized-frame', `${bytes} bytes at once`),
    onBroken: error => offend('broken-muxing', error.message)
  })
}

function watchStream(stream: Stream, account: PeerAccount, clock: Clock, offend: Offend): void {
  // Until the protocol is known too: its name comes in such frames, with the first of its own behind it perhaps.
  // What came before this line has not been counted, and where frames begin is not known then.
  let frame = stream.readBufferLength === 0 ? new HeldFrame() : null
  if (frame !== null) account.held.set(stream, frame)
  const receiver = stream as unknown as Receiver
  const onData = receiver.onData.bind(stream)
  const refuse = (reason: OffenceReason, detail: string): void => {
    offend(reason, detail)
    stream.abort(new Error(detail))
  }
  receiver.onData = bytes => {
    account.heardMs = clock.nowMs()
    const isGossip = GOSSIP_PROTOCOLS.test(stream.protocol)
    const allowance = isGossip ? account.gossipBytes : account.requestBytes
    if (!allowance.take(bytes.byteLength)) {
      return refuse(isGossip ? 'gossip-quota' : 'request-quota', 'too many bytes')
    }
    if (frame?.read(bytes) === false || (!isGossip && stream.protocol !== '')) {
      frame = null
      account.held.delete(stream)
    }
    if (isGossip && frame !== null && frame.longest > GOSSIP_RPC_BYTES) {
      return refuse('oversized-frame', `${frame.longest} bytes of gossip at once`)
    }
    onData(bytes)
  }
}

function isInbound({ direction }: Stream): boolean {
  return direction === 'inbound'
}

function innerOf(connection: Connection): Inner {
  return connection as unknown as Inner
}
