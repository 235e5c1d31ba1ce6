/**
 * Bounded reading and writing of libp2p streams, as the two halves that it-pipe composes. A v3 stream's own iterator
 * and `messageStreamToDuplex` push what arrives into a list without end; here a stream is paused for as long as its
 * reader is busy, so the muxer's window closes and the sender waits.
 */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { pEvent, TimeoutError } from 'p-event'
import { Uint8ArrayList } from 'uint8arraylist'
import { FrameAssembly, type TaggedFrame } from './frame-assembly.ts'

type Bytes = Uint8Array | Uint8ArrayList

/** The first byte of every frame on the wire. Without its end mark an answer was broken off, whatever TCP says. */
export const FRAME_KIND = { data: 0, end: 1, bodyTooLarge: 2, taken: 3 } as const

/**
 * Everything that arrives, one read at a time. Listens from this call on, not from the first `next`.
 * Ends when the other side has closed its half; throws what broke the stream.
 */
export function boundedSource(stream: Stream): AsyncGenerator<Bytes> {
  const chunks: Bytes[] = []
  let error: unknown
  let ended = stream.readableEnded
  let resuming = false
  let wake = (): void => {}
  const pause = (): void => {
    if (chunks.length > 0 && stream.readStatus === 'readable') stream.pause()
  }
  const onMessage = (event: StreamMessageEvent): void => {
    chunks.push(event.data)
    if (!resuming) pause()
    wake()
  }
  const onEnd = (): void => {
    ended = true
    wake()
  }
  const onClose = (event: StreamCloseEvent): void => {
    // Without an error there may be bytes left that arrived before the end; `end` follows them.
    if (event.error !== undefined) error = event.error
    else if (stream.readBufferLength === 0) ended = true
    wake()
  }
  stream.addEventListener('message', onMessage)
  stream.addEventListener('end', onEnd)
  stream.addEventListener('close', onClose)
  if (stream.status === 'reset' || stream.status === 'aborted') error = closedError(stream)
  else if (stream.status === 'closed' && stream.readBufferLength === 0) ended = true

  async function* generate(): AsyncGenerator<Bytes> {
    try {
      for (;;) {
        const chunk = chunks.shift()
        if (chunk !== undefined) {
          yield chunk
          continue
        }
        if (error !== undefined) throw error
        if (ended) return
        const woken = new Promise<void>(resolve => (wake = resolve))
        if (stream.readStatus === 'paused') {
          // `resume` hands over what has piled up before it tells the muxer: a pause from within would be undone
          // there, and the window would never close again.
          resuming = true
          stream.resume()
          resuming = false
          pause()
        }
        if (chunks.length === 0) await woken
      }
    } finally {
      stream.removeEventListener('message', onMessage)
      stream.removeEventListener('end', onEnd)
      stream.removeEventListener('close', onClose)
    }
  }
  return generate()
}

/**
 * Writes as fast as the other side takes it: at most one chunk waits in memory.
 * @throws what broke the stream, or p-event's TimeoutError if a chunk was not taken within `stallMs`
 */
export async function boundedSink(
  stream: Stream,
  source: AsyncIterable<Bytes>,
  stallMs: number
): Promise<void> {
  for await (const chunk of source) {
    if (stream.send(chunk)) continue
    // Not anew at every drain: whoever takes one byte a minute would hold a chunk for months.
    const late = AbortSignal.timeout(stallMs)
    // One window update may free less than a chunk: on the first `drain` the rest of it still waits.
    while (stream.writableNeedsDrain || stream.writeBufferLength > 0) {
      try {
        await pEvent(stream, ['drain', 'idle'], { rejectionEvents: ['close'], signal: late })
      } catch (cause) {
        if (late.aborted) throw new TimeoutError(`not taken within ${stallMs} ms`)
        throw closedError(stream, cause)
      }
    }
  }
}

/** Frames of at most `maxPayloadBytes`, each in memory of its own. @throws FrameTooLong before a longer one is taken */
export async function* readFrames(stream: Stream, maxPayloadBytes: number): AsyncGenerator<TaggedFrame> {
  const assembly = new FrameAssembly(maxPayloadBytes)
  for await (const bytes of boundedSource(stream)) {
    for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) {
      for (let at = 0; at < piece.length; ) {
        at = assembly.take(piece, at)
        const frame = assembly.finished()
        if (frame !== null) yield frame
      }
    }
  }
  if (assembly.isBegun) throw new Error('the stream ended within a frame')
}

export async function writeFrame(
  stream: Stream,
  kind: number,
  payload: Uint8Array,
  stallMs: number
): Promise<void> {
  await pipe(
    [new Uint8ArrayList(Uint8Array.of(kind), payload)],
    async function* prefix(source) {
      // Length and payload in one piece: each piece is its own encrypted packet.
      for (const frame of source) yield encode.single(frame, { maxDataLength: frame.byteLength })
    },
    source => boundedSink(stream, source, stallMs)
  )
}

function closedError(stream: Stream, cause?: unknown): Error {
  const event = cause as Partial<StreamCloseEvent> | undefined
  return event?.error ?? new Error(`the stream is ${stream.status}`)
}
