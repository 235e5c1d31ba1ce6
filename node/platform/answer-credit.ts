/**
 * Back-pressure where a connection has none. A WebRTC data channel hands over whatever arrives, however slow its reader is;
 * libp2p resets the stream once 4 MiB wait. Over such a connection the reader of an answer says how much it has taken, and
 * the server sends no more than a window ahead. TCP and WebSocket do this by themselves, beneath libp2p.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { pEvent, TimeoutError } from 'p-event'
import { ANSWER_WINDOW_BYTES, CHUNK_BYTES } from '../../protocols/limits.ts'
import type { TaggedFrame } from './frame-assembly.ts'
import { FRAME_KIND, writeFrame } from './libp2p-stream.ts'

/** What one `taken` frame stands for. */
const CREDIT_BYTES = CHUNK_BYTES

/** Whether the two sides of a request over this connection use credit. Both see the same connection. */
export function needsCredit(connection: Connection): boolean {
  return connection.multiplexer === '/webrtc'
}

/** Of whoever asked. */
export class CreditGiver {
  readonly #stream: Stream
  readonly #timeoutMs: number
  #taken = 0

  constructor(stream: Stream, timeoutMs: number) {
    this.#stream = stream
    this.#timeoutMs = timeoutMs
  }

  /** Tell it of every frame that has been worked on. */
  async took(bytes: number): Promise<void> {
    this.#taken += bytes
    for (; this.#taken >= CREDIT_BYTES; this.#taken -= CREDIT_BYTES) {
      await writeFrame(this.#stream, FRAME_KIND.taken, new Uint8Array(0), this.#timeoutMs)
    }
  }
}

/** Of whoever answers. */
export class CreditTaker {
  readonly #stream: Stream
  #ahead = 0
  readonly #news = new EventTarget()

  /** @param frames - what comes after the request */
  constructor(stream: Stream, frames: AsyncGenerator<TaggedFrame>) {
    this.#stream = stream
    void this.#listen(frames)
  }

  /**
   * Waits until a frame of that length may be sent, and counts it as sent.
   * @throws p-event's TimeoutError if nothing was taken for so long; what broke the stream
   */
  async spend(bytes: number, stallMs: number): Promise<void> {
    const late = AbortSignal.timeout(stallMs)
    while (this.#ahead > 0 && this.#ahead + bytes > ANSWER_WINDOW_BYTES) {
      if (this.#stream.status !== 'open') throw new Error(`the stream is ${this.#stream.status}`)
      try {
        await pEvent(this.#news, 'news', { signal: late })
      } catch {
        throw new TimeoutError(`nothing taken within ${stallMs} ms`)
      }
    }
    this.#ahead += bytes
  }

  async #listen(frames: AsyncGenerator<TaggedFrame>): Promise<void> {
    try {
      for await (const { kind } of frames) {
        if (kind !== FRAME_KIND.taken) break
        this.#ahead = Math.max(0, this.#ahead - CREDIT_BYTES)
        this.#news.dispatchEvent(new Event('news'))
      }
    } catch {
      // The stream broke: whoever writes on it is told there.
    }
    this.#news.dispatchEvent(new Event('news'))
  }
}
