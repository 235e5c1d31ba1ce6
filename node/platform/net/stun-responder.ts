/** Answers STUN binding requests on UDP, so that the peers of this network need no one else's server. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'
import type { Clock } from '../../../protocols/ports.ts'
import { decodeBindingRequest, encodeBindingAnswer } from './stun-message.ts'

export interface StunResponder {
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number }
  close(): Promise<void>
}

/**
 * Answers in a second, to everyone together. A peer asks a few times per connection; whoever forges senders gets no more
 * than this through us, and hardly larger than what they sent.
 */
const ANSWERS_PER_SECOND = 500

/** @throws the socket's error (EADDRINUSE, EACCES, ...) */
export async function startStunResponder(host: string, port: number, clock: Clock): Promise<StunResponder> {
  const socket = createSocket({ type: isIPv4(host) ? 'udp4' : 'udp6', ipv6Only: !isIPv4(host) })
  const failed = once(socket, 'error').then(([error]) => Promise.reject(error))
  socket.bind(port, host)
  await Promise.race([once(socket, 'listening'), failed])
  failed.catch(() => {})
  const budget = new AnswerBudget(clock)
  socket.on('message', (packet, sender) => {
    const request = decodeBindingRequest(packet)
    if (request === null || !budget.take()) return
    answer(socket, encodeBindingAnswer(request, addressBytes(sender.address), sender.port), sender)
  })
  const bound = socket.address()
  return {
    address: { host: bound.address, port: bound.port },
    close: () => new Promise(resolve => socket.close(() => resolve()))
  }
}

/** So many answers in each second, whoever asks. */
export class AnswerBudget {
  readonly #clock: Clock
  readonly #perSecond: number
  #sinceMs = Number.NEGATIVE_INFINITY
  #left = 0

  constructor(clock: Clock, perSecond: number = ANSWERS_PER_SECOND) {
    this.#clock = clock
    this.#perSecond = perSecond
  }

  take(): boolean {
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#sinceMs >= 1_000) {
      this.#sinceMs = nowMs
      this.#left = this.#perSecond
    }
    return this.#left-- > 0
  }
}

function answer(socket: Socket, packet: Uint8Array, to: { address: string; port: number }): void {
  // Lost answers are the protocol's daily bread: the asker asks again.
  socket.send(packet, to.port, to.address, () => {})
}

/** The 4 or 16 bytes of an address as Node writes it. */
export function addressBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number)
  const bare = address.split('%')[0]!
  const [head, tail] = bare.split('::')
  const words = (part: string | undefined): number[] =>
    part === undefined || part === ''
      ? []
      : part.split(':').flatMap(word => {
          if (!word.includes('.')) return [Number.parseInt(word, 16)]
          const [a, b, c, d] = word.split('.').map(Number) as [number, number, number, number]
          return [a * 256 + b, c * 256 + d]
        })
  const [front, back] = [words(head), words(tail)]
  const all = [...front, ...new Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0), ...back]
  return Uint8Array.from(all.flatMap(word => [word >> 8, word & 255]))
}
