import { NetworkError } from '../protocols/errors.ts'
import { ANSWER_WINDOW_BYTES } from '../protocols/limits.ts'
import type { Clock, PeerId, RequestOptions } from '../protocols/ports.ts'

export interface SimExchangeInit {
  readonly clock: Clock
  readonly from: PeerId
  readonly to: PeerId
  readonly protocol: string
  readonly options: RequestOptions
  /** One trip from peer to peer, drawn anew for each frame. */
  readonly latencyMs: () => number
  readonly onFrame: (frame: Uint8Array) => void
}

/**
 * One simulated request under way: a stream that keeps order, holds back a server that runs ahead of its reader
 * (at most one window is in flight), and can break at any moment.
 */
export class SimExchange {
  readonly from: PeerId
  readonly to: PeerId
  readonly #init: SimExchangeInit
  readonly #arrived: Uint8Array[] = []
  #inFlightBytes = 0
  #lastArrivalMs = 0
  #ended = false
  #error: NetworkError | undefined
  #wakeReader: (() => void) | undefined
  #wakeServer: (() => void) | undefined

  constructor(init: SimExchangeInit) {
    this.#init = init
    this.from = init.from
    this.to = init.to
  }

  /** The stream is gone: the reader sees `code`, the server stops at its next frame. */
  break(code: 'RESET' | 'UNREACHABLE' | 'TOO_LARGE', data: Readonly<Record<string, unknown>> = {}): void {
    if (this.#ended || this.#error !== undefined) return
    this.#error = new NetworkError(code, { peer: this.to, protocol: this.#init.protocol, ...data })
    this.#wake()
  }

  /** Runs the server's side to its end. Its frames arrive one trip later each, in order. */
  async serve(answer: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const frame of answer) {
        while (this.#inFlightBytes >= ANSWER_WINDOW_BYTES && this.#error === undefined) {
          await new Promise<void>(resolve => (this.#wakeServer = resolve))
        }
        if (this.#error !== undefined) return
        // A copy: peers share no memory.
        const copy = frame.slice()
        this.#inFlightBytes += copy.length
        this.#deliver(() => this.#arrived.push(copy))
      }
      this.#deliver(() => (this.#ended = true))
    } catch {
      // What went wrong over there stays over there; the reader sees a broken stream.
      this.#deliver(() => this.break('RESET'))
    }
  }

  async *read(): AsyncGenerator<Uint8Array> {
    const { options, onFrame } = this.#init
    try {
      for (;;) {
        const frame = this.#arrived.shift()
        if (this.#error !== undefined) throw this.#error
        if (frame !== undefined) {
          if (frame.length > options.maxFrameBytes) {
            throw new NetworkError('TOO_LARGE', { bytes: frame.length, maxBytes: options.maxFrameBytes })
          }
          onFrame(frame)
          yield frame
          this.#inFlightBytes -= frame.length
          this.#wakeServer?.()
        } else if (this.#ended) return
        else await this.#nextArrival()
      }
    } finally {
      // A reader that leaves early breaks the stream for the server.
      this.break('RESET')
    }
  }

  #nextArrival(): Promise<void> {
    const { clock, options, protocol } = this.#init
    return new Promise((resolve, reject) => {
      const cancel = clock.after(options.timeoutMs, () => {
        this.#wakeReader = undefined
        reject(new NetworkError('TIMEOUT', { peer: this.to, protocol, timeoutMs: options.timeoutMs }))
      })
      this.#wakeReader = () => {
        cancel()
        resolve()
      }
    })
  }

  #deliver(arrive: () => void): void {
    const { clock, latencyMs } = this.#init
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, clock.nowMs() + latencyMs())
    clock.after(this.#lastArrivalMs - clock.nowMs(), () => {
      arrive()
      this.#wakeReader?.()
    })
  }

  #wake(): void {
    this.#wakeReader?.()
    this.#wakeServer?.()
  }
}
