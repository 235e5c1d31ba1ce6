/**
 * `/fedpeft/instance/1`: does another process act with my identity? Two that do (two copies of one folder) cannot meet, as
 * nobody dials itself and gossip drops one's own words; but others hear both. So each process tells those it is connected to a
 * number of its own (16 random bytes) every now and then, and is answered how many others they have heard from that identity
 * since they first heard this one (one byte). What is answered is a hint for a person and nothing more: anyone can lie.
 */
import { toHex } from './hex.ts'
import type { Clock, Network, PeerId } from './ports.ts'

export const INSTANCE_PROTOCOL = '/fedpeft/instance/1'

const NUMBER_BYTES = 16

/** Twins are a mistake that lasts: there is no hurry, and one request of 16 bytes a minute costs nobody anything. */
const FIRST_MS = 5_000
const EVERY_MS = 60_000

/** As many neighbours as make it likely that one of them hears both. */
const ASKED = 8
const TIMEOUT_MS = 5_000

/** Of the identities heard of last; more numbers of one than these are no honest mistake. */
const IDENTITIES_MAX = 4_096
const NUMBERS_MAX = 4

export interface TwinWatchInit {
  readonly network: Network
  readonly clock: Clock
  readonly randomBytes: (length: number) => Uint8Array
  /** Told once, with how many of those asked hear another process. */
  onTwin(witnesses: number): void
}

interface Heard {
  readonly firstMs: number
  lastMs: number
}

/** @returns a function that ends it */
export function watchForTwins({ network, clock, randomBytes, onTwin }: TwinWatchInit): () => void {
  const number = randomBytes(NUMBER_BYTES)
  const heard = new Map<PeerId, Map<string, Heard>>()
  let isOver = false
  let isTold = false
  let cancel = (): void => {}

  const stopServing = network.serve(INSTANCE_PROTOCOL, NUMBER_BYTES, async function* (from, body) {
    if (body.length === NUMBER_BYTES)
      yield Uint8Array.of(othersHeard(heard, from, toHex(body), clock.nowMs()))
  })

  const ask = async (peer: PeerId): Promise<boolean> => {
    const options = { timeoutMs: TIMEOUT_MS, maxFrameBytes: 1 }
    try {
      for await (const answer of network.request(peer, INSTANCE_PROTOCOL, number, options))
        return (answer[0] ?? 0) > 0
    } catch {
      // It has gone, or does not speak this.
    }
    return false
  }
  const round = async (): Promise<void> => {
    const answers = await Promise.all(network.peers().slice(-ASKED).map(ask))
    if (isOver) return
    const witnesses = answers.filter(isTwin => isTwin).length
    if (witnesses > 0 && !isTold) onTwin(witnesses)
    isTold ||= witnesses > 0
    // Goes on: by what it says the others tell its twin.
    cancel = clock.after(EVERY_MS, () => void round())
  }
  cancel = clock.after(FIRST_MS, () => void round())

  return () => {
    isOver = true
    cancel()
    stopServing()
  }
}

/** Notes what was heard. @returns of how many other numbers one has come after this one was first heard: they live side by side */
function othersHeard(
  heard: Map<PeerId, Map<string, Heard>>,
  from: PeerId,
  number: string,
  nowMs: number
): number {
  const numbers = heard.get(from) ?? new Map<string, Heard>()
  const own = numbers.get(number) ?? { firstMs: nowMs, lastMs: nowMs }
  own.lastMs = nowMs
  // The last one is the newest: a process that was started anew pushes its predecessors out.
  numbers.delete(number)
  numbers.set(number, own)
  heard.delete(from)
  heard.set(from, numbers)
  dropOldest(numbers, NUMBERS_MAX)
  dropOldest(heard, IDENTITIES_MAX)
  return [...numbers].filter(([other, { lastMs }]) => other !== number && lastMs > own.firstMs).length
}

function dropOldest(map: Map<string, unknown>, keep: number): void {
  for (const key of map.keys()) {
    if (map.size <= keep) return
    map.delete(key)
  }
}
