/** Requests over libp2p streams: one frame there, frames back, an end mark; every stream closed on every path. */
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { pEvent, TimeoutError } from 'p-event'
import { BLOB_PROTOCOL } from '../../protocols/blob-messages.ts'
import { NetworkError, ProtocolError, type ProtocolErrorCode } from '../../protocols/errors.ts'
import {
  DIAL_TIMEOUT_MS,
  REQUEST_TIMEOUT_MS,
  SERVE_STALL_MS,
  SERVED_STREAMS_PER_PEER
} from '../../protocols/limits.ts'
import { PEERS_PROTOCOL } from '../../protocols/peer-exchange.ts'
import type { Network, PeerId, RequestOptions } from '../../protocols/ports.ts'
import { CHAIN_PROTOCOL, MESSAGE_PROTOCOL, TRANSCRIPT_PROTOCOL } from '../../protocols/run-protocols.ts'
import { RUNS_PROTOCOL } from '../../protocols/run-registry.ts'
import type { TrafficRecorder } from '../../protocols/traffic.ts'
import { CreditGiver, CreditTaker, needsCredit } from './answer-credit.ts'
import { FrameTooLong, type TaggedFrame } from './frame-assembly.ts'
import type { PeerGuard } from './guard/peer-guard.ts'
import type { FedpeftNode } from './libp2p-node.ts'
import { FRAME_KIND, readFrames, writeFrame } from './libp2p-stream.ts'
import { carriesBodies } from './net/relay-server.ts'
import { systemClock } from './system-clock.ts'

/**
 * What may be asked over a relayed connection, which a stranger pays for and cuts after some MiB: the small requests of
 * the control protocols. Bodies (blobs) are not among them: they would use it up, and others hold the same body. Only where
 * the relay's operator lets them through they are asked for as well.
 */
const RUNS_RELAYED: ReadonlySet<string> = new Set([
  PEERS_PROTOCOL, // whom do you know: the way out of being relayed
  RUNS_PROTOCOL, // which runs are offered
  MESSAGE_PROTOCOL, // a message that gossip may have missed
  TRANSCRIPT_PROTOCOL, // what was said in a round
  CHAIN_PROTOCOL // the links since
])

function mayRunOn(connection: Connection, protocol: string): boolean {
  if (connection.limits === undefined || RUNS_RELAYED.has(protocol)) return true
  return protocol === BLOB_PROTOCOL && carriesBodies(connection)
}

/** For a request that needs a straight connection: one may be in the making. */
const STRAIGHT_WAIT_MS = 5_000

export type ServeHandler = Parameters<Network['serve']>[2]

/** Whoever asked closes its half once it has the answer; a stream that it leaves open counts among those that it may have. */
const CLOSING_MS = 30_000

export interface RequestPorts {
  readonly node: FedpeftNode
  readonly guard: PeerGuard
  readonly record: TrafficRecorder
  readonly log: (message: string) => void
}

/**
 * Sends `body` and yields the frames of the answer. Nothing is read from the network between two `next`, and the
 * timeout runs only while a frame is waited for.
 * @throws NetworkError UNREACHABLE, TIMEOUT, TOO_LARGE, RESET
 */
export async function* requestFrames(
  ports: RequestPorts,
  to: PeerId,
  protocol: string,
  body: Uint8Array,
  options: RequestOptions
): AsyncGenerator<Uint8Array> {
  const { record, guard } = ports
  const { stream, connection } = await openStream(ports, to, protocol, options)
  const credit = needsCredit(connection) ? new CreditGiver(stream, options.timeoutMs) : null
  // From here on, so that what arrives while we still write is held back, not dropped.
  const frames = readFrames(stream, options.maxFrameBytes)
  let finished = false
  try {
    await within(stream, options.timeoutMs, writeFrame(stream, FRAME_KIND.data, body, options.timeoutMs))
    record({ direction: 'out', kind: 'request', peer: to, label: protocol, bytes: body })
    for (;;) {
      const { done, value: frame } = await within(stream, options.timeoutMs, frames.next())
      guard.answered(to)
      if (done) throw new NetworkError('RESET', { peer: to, protocol })
      if (frame.kind === FRAME_KIND.end) break
      if (frame.kind === FRAME_KIND.bodyTooLarge) {
        throw new NetworkError('TOO_LARGE', { peer: to, protocol, bytes: body.length })
      }
      record({ direction: 'in', kind: 'answer', peer: to, label: protocol, bytes: frame.payload })
      yield frame.payload
      await credit?.took(frame.payload.length)
    }
    finished = true
    closeQuietly(stream)
  } catch (error) {
    const told = requestError(error, to, protocol, options)
    if (told.code === 'TIMEOUT') guard.unanswered(to)
    if (isTooLong(error)) guard.offend(to, 'oversized-frame', `in an answer of ${protocol}`)
    throw told
  } finally {
    // A reader that leaves early tells the server so.
    if (!finished) abortQuietly(stream, new Error('the request was given up'))
    void frames.return(undefined).catch(() => {})
  }
}

/** Answers the requests of one protocol. @returns a function that stops, and breaks off what is under way */
export function serveFrames(
  ports: RequestPorts,
  protocol: string,
  maxBodyBytes: number,
  handle: ServeHandler
): () => void {
  const { node, guard, log } = ports
  const open = new Set<Stream>()
  const onStream = async (stream: Stream, connection: Connection): Promise<void> => {
    const from = connection.remotePeer.toString()
    if (!mayRunOn(connection, protocol) || !guard.admitsRequest(from, protocol))
      return abortQuietly(stream, new Error('refused'))
    open.add(stream)
    try {
      await answer(ports, { stream, connection }, protocol, maxBodyBytes, handle)
      closeInTime(stream)
    } catch (error) {
      const isTheirs = error instanceof ProtocolError && MALFORMED.has(error.code)
      if (isTheirs) guard.offend(from, 'malformed-request', `${protocol}: ${messageOf(error)}`)
      log(`${protocol} for ${from} broke off: ${messageOf(error)}`)
      abortQuietly(stream, error)
    } finally {
      open.delete(stream)
    }
  }
  const handling = node.handle(protocol, onStream, {
    maxInboundStreams: SERVED_STREAMS_PER_PEER,
    maxOutboundStreams: SERVED_STREAMS_PER_PEER,
    runOnLimitedConnection: RUNS_RELAYED.has(protocol) || protocol === BLOB_PROTOCOL
  })
  handling.catch(error => log(`cannot serve ${protocol}: ${messageOf(error)}`))
  return () => {
    // In the order of the calls: the registration itself is still being written when a test stops it at once.
    handling.then(() => node.unhandle(protocol)).catch(error => log(`${protocol}: ${messageOf(error)}`))
    for (const stream of open) abortQuietly(stream, new Error(`${protocol} is served no longer`))
  }
}

/** What a handler throws if the request is none, or carries what no honest peer sends. */
const MALFORMED: ReadonlySet<string> = new Set<ProtocolErrorCode>([
  'BAD_MESSAGE',
  'BAD_SIGNATURE',
  'BAD_PEER_ID'
])

async function answer(
  ports: RequestPorts,
  { stream, connection }: OpenedStream,
  protocol: string,
  maxBodyBytes: number,
  handle: ServeHandler
): Promise<void> {
  const { record, guard } = ports
  const from = connection.remotePeer.toString()
  const sinceMs = systemClock.nowMs()
  // Whoever leaves while the handler thinks would be noticed only at the next write otherwise.
  const gone = new Promise<never>((_, reject) => {
    stream.addEventListener('close', event => reject(event.error ?? new Error('the requester left')), {
      once: true
    })
  })
  gone.catch(() => {})
  const frames = readFrames(stream, maxBodyBytes)
  let body: TaggedFrame
  try {
    const first = await within(stream, REQUEST_TIMEOUT_MS, frames.next())
    if (first.done || first.value.kind !== FRAME_KIND.data) throw new Error('no request came')
    body = first.value
  } catch (error) {
    if (error instanceof NetworkError && error.code === 'TIMEOUT')
      guard.stalled(from, 'slow-writing', sinceMs)
    if (!isTooLong(error)) {
      void frames.return(undefined).catch(() => {})
      throw error
    }
    guard.offend(from, 'oversized-frame', `to ${protocol}`)
    await writeFrame(stream, FRAME_KIND.bodyTooLarge, new Uint8Array(0), SERVE_STALL_MS)
    void frames.return(undefined).catch(() => {})
    return
  }
  const credit = needsCredit(connection) ? new CreditTaker(stream, frames) : null
  if (credit === null) void frames.return(undefined).catch(() => {})
  record({ direction: 'in', kind: 'request', peer: from, label: protocol, bytes: body.payload })
  const iterator = handle(from, body.payload)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await Promise.race([iterator.next(), gone])
      if (done) break
      await writeInTime(guard, stream, credit, from, value)
      record({ direction: 'out', kind: 'answer', peer: from, label: protocol, bytes: value })
    }
  } finally {
    // Not awaited: a handler that hangs must not hold the stream.
    void Promise.resolve(iterator.return?.()).catch(() => {})
  }
  await writeFrame(stream, FRAME_KIND.end, new Uint8Array(0), SERVE_STALL_MS)
}

/** @throws p-event's TimeoutError if it was not taken, or too little of it */
async function writeInTime(
  guard: PeerGuard,
  stream: Stream,
  credit: CreditTaker | null,
  to: PeerId,
  frame: Uint8Array
): Promise<void> {
  const sinceMs = systemClock.nowMs()
  try {
    await credit?.spend(frame.length, SERVE_STALL_MS)
    await writeFrame(stream, FRAME_KIND.data, frame, SERVE_STALL_MS)
  } catch (error) {
    if (error instanceof TimeoutError) guard.stalled(to, 'slow-reading', sinceMs)
    throw error
  }
}

interface OpenedStream {
  readonly stream: Stream
  readonly connection: Connection
}

async function openStream(
  { node, guard }: RequestPorts,
  to: PeerId,
  protocol: string,
  options: RequestOptions
): Promise<OpenedStream> {
  if (guard.isBanned(to)) {
    throw new NetworkError(
      'UNREACHABLE',
      { peer: to, protocol },
      `cannot ask ${to} for ${protocol}: it is banned`
    )
  }
  const id = peerIdFromString(to)
  const connections = (): Connection[] => node.getConnections(id).filter(({ status }) => status === 'open')
  const { timeoutMs } = options
  const isConnected = (): boolean => connections().length > 0
  const signal = AbortSignal.timeout(isConnected() ? timeoutMs : Math.min(timeoutMs, DIAL_TIMEOUT_MS))
  try {
    const best = straightest(connections())
    const runOnLimitedConnection = best === undefined || mayRunOn(best, protocol)
    if (!runOnLimitedConnection) {
      await untilStraight(node, to, AbortSignal.any([signal, AbortSignal.timeout(STRAIGHT_WAIT_MS)]))
    }
    const connection = straightest(connections()) ?? (await node.dial(id, { signal }))
    if (!mayRunOn(connection, protocol)) throw onlyRelayed()
    const stream = await connection.newStream(protocol, { signal, runOnLimitedConnection: true })
    return { stream, connection }
  } catch (cause) {
    const data = { peer: to, protocol }
    if (signal.aborted && isConnected()) {
      guard.unanswered(to)
      throw new NetworkError('TIMEOUT', { ...data, timeoutMs }, undefined, { cause })
    }
    throw new NetworkError('UNREACHABLE', data, `cannot ask ${to} for ${protocol}: ${messageOf(cause)}`, {
      cause
    })
  }
}

/** A relayed connection last, and WebRTC before that: TCP is faster, and holds back by itself. */
function straightest(connections: readonly Connection[]): Connection | undefined {
  const rank = (connection: Connection): number =>
    connection.limits !== undefined ? 2 : needsCredit(connection) ? 1 : 0
  return [...connections].sort((a, b) => rank(a) - rank(b))[0]
}

function onlyRelayed(cause?: unknown): Error {
  return new Error('it is here through a relay only, which carries no such bodies', { cause })
}

/** @throws if the peer is here through a relay only, and stays so */
async function untilStraight(node: FedpeftNode, to: PeerId, signal: AbortSignal): Promise<void> {
  try {
    await pEvent<'connection:open', CustomEvent<Connection>>(node, 'connection:open', {
      signal,
      filter: ({ detail }) => detail.remotePeer.toString() === to && detail.limits === undefined
    })
  } catch (cause) {
    throw onlyRelayed(cause)
  }
}

/** Breaks the stream if the work takes longer, which makes the work itself fail. */
async function within<T>(stream: Stream, timeoutMs: number, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => abortQuietly(stream, new NetworkError('TIMEOUT', { timeoutMs })), timeoutMs)
  try {
    return await work
  } finally {
    clearTimeout(timer)
  }
}

function requestError(error: unknown, peer: PeerId, protocol: string, options: RequestOptions): NetworkError {
  const data = { peer, protocol }
  if (error instanceof NetworkError) {
    return error.code === 'TIMEOUT'
      ? new NetworkError('TIMEOUT', { ...data, timeoutMs: options.timeoutMs })
      : error
  }
  if (isTooLong(error)) {
    return new NetworkError('TOO_LARGE', { ...data, maxBytes: options.maxFrameBytes }, undefined, {
      cause: error
    })
  }
  return new NetworkError('RESET', data, undefined, { cause: error })
}

function isTooLong(error: unknown): boolean {
  return error instanceof FrameTooLong
}

function abortQuietly(stream: Stream, error: unknown): void {
  try {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
  } catch {
    // Its connection may be gone already; then there is nobody left to tell.
  }
}

function closeInTime(stream: Stream): void {
  closeQuietly(stream)
  const timer = setTimeout(() => abortQuietly(stream, new Error('the other side does not close')), CLOSING_MS)
  timer.unref()
  stream.addEventListener('close', () => clearTimeout(timer), { once: true })
}

function closeQuietly(stream: Stream): void {
  stream.close().catch(error => abortQuietly(stream, error))
}

function messageOf(error: unknown): string {
  // What a data channel that breaks rejects with.
  if (error instanceof Event) return `the data channel broke (${error.type})`
  return error instanceof Error ? error.message : String(error)
}
