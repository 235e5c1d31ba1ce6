/**
 * yamux whose frames are looked at before it takes them: it buffers a data frame whole before it looks at its length, so one
 * that is announced with 4 GiB would be taken until memory is gone. From the first byte on: what comes in the same packet as
 * the end of the handshake is there before anybody hears of the connection.
 */
import type { MessageStream, StreamMuxer } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import type { Uint8ArrayList } from 'uint8arraylist'
import { STREAM_WINDOW_BYTES } from './guard-limits.ts'
import { YAMUX_DATA, type YamuxHeader, YamuxHeaders } from './yamux-frames.ts'

export interface FrameWatcher {
  /** Bytes have come. */
  onHeard(): void
  /** Each frame's header. @throws to close the connection */
  onHeader(header: YamuxHeader): void
  /** The frames made no sense. */
  onBroken(error: Error): void
  /** A frame longer than any window is announced. */
  onOversized(bytes: number): void
}

interface Receiver {
  onData(bytes: Uint8Array | Uint8ArrayList): void
}

const watches = new WeakMap<object, FrameWatch>()

/** Of a multiplexer made here; undefined for another kind. */
export function frameWatchOf(muxer: object): FrameWatch | undefined {
  return watches.get(muxer)
}

export class FrameWatch {
  #watcher: FrameWatcher | null = null
  /** Why it was closed before anybody watched. */
  #oversized: number | null = null

  constructor(muxer: Receiver) {
    const headers = new YamuxHeaders()
    const onData = muxer.onData.bind(muxer)
    muxer.onData = bytes => {
      this.#watcher?.onHeard()
      headers.read(bytes, header => this.#check(header))
      try {
        onData(bytes)
      } catch (error) {
        this.#watcher?.onBroken(error as Error)
        throw error
      }
    }
  }

  watch(watcher: FrameWatcher): void {
    this.#watcher = watcher
    if (this.#oversized !== null) watcher.onOversized(this.#oversized)
  }

  #check(header: YamuxHeader): void {
    if (header.type === YAMUX_DATA && header.length > STREAM_WINDOW_BYTES) {
      this.#oversized = header.length
      this.#watcher?.onOversized(header.length)
      throw new Error(`a frame of ${header.length} bytes, above the window`)
    }
    this.#watcher?.onHeader(header)
  }
}

export function guardedYamux(): ReturnType<typeof yamux> {
  const create = yamux({ streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES } })
  return () => {
    const factory = create()
    return {
      protocol: factory.protocol,
      createStreamMuxer(connection: MessageStream): StreamMuxer {
        const muxer = factory.createStreamMuxer(connection)
        watches.set(muxer, new FrameWatch(muxer as unknown as Receiver))
        return muxer
      }
    } as typeof factory
  }
}
