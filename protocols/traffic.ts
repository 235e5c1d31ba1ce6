/**
 * What a peer's traffic looks like above the encryption: a tap for tests and accounts, and counters by purpose.
 */
import type { PeerId } from './ports.ts'

/** One plaintext that crossed the boundary between a peer and its network. */
export interface TrafficRecord {
  readonly direction: 'in' | 'out'
  readonly kind: 'gossip' | 'request' | 'answer'
  /** The other side of a request or answer; of a gossip message its publisher, so ourselves for one that goes out. */
  readonly peer: PeerId
  /** Topic of a gossip message, protocol of a request or of one frame of its answer. */
  readonly label: string
  readonly bytes: Uint8Array
}

export type TrafficRecorder = (record: TrafficRecord) => void

export interface TrafficCount {
  readonly messages: number
  readonly bytes: number
}

export interface TrafficTally {
  /** By topic or protocol. A gossip message counts once when it is published, however many copies the network makes. */
  readonly sent: ReadonlyMap<string, TrafficCount>
  readonly received: ReadonlyMap<string, TrafficCount>
}

/** Adds up records by direction and label, and hands each on. */
export class TrafficCounters {
  readonly #next: TrafficRecorder | undefined
  readonly #sent = new Map<string, TrafficCount>()
  readonly #received = new Map<string, TrafficCount>()

  constructor(next?: TrafficRecorder) {
    this.#next = next
  }

  readonly record: TrafficRecorder = record => {
    const counts = record.direction === 'out' ? this.#sent : this.#received
    const { messages, bytes } = counts.get(record.label) ?? { messages: 0, bytes: 0 }
    counts.set(record.label, { messages: messages + 1, bytes: bytes + record.bytes.length })
    this.#next?.(record)
  }

  tally(): TrafficTally {
    return { sent: new Map(this.#sent), received: new Map(this.#received) }
  }
}
