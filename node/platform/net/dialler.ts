/** Makes a connection to a peer: straight if it can, else through a relay to a straight one, else through the relay. */
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { NetworkError } from '../../../protocols/errors.ts'
import { DIAL_TIMEOUT_MS } from '../../../protocols/limits.ts'
import type { PeerId } from '../../../protocols/ports.ts'
import { dialPlan } from './dial-order.ts'
import type { Handshakes } from './handshakes.ts'

export interface DiallerPorts {
  /** @param onStep - told of libp2p's steps by their names */
  dial(address: Multiaddr, signal: AbortSignal, onStep: (step: string) => void): Promise<Connection>
  /** Of every dial of this network. */
  readonly handshakes: Handshakes
  /** This machine's own cards, as `10.0.1.2/24`. */
  cards(): readonly string[]
  readonly speaksWebRtc: boolean
  /** Waits until the peer at the other end is known to speak our protocols. */
  met(connection: Connection, signal: AbortSignal): Promise<void>
  /** Open connections to that peer, straight ones first. */
  connections(peer: PeerId): readonly Connection[]
}

/** What one address may take when there are others: an address that nobody answers is a black hole more often than slow. */
const DIRECT_ADDRESS_MS = 2_500

/** With a relay to fall back on, the straight addresses together may take this long. */
const DIRECT_BEFORE_RELAY_MS = 5_000

/** Signalling through the relay, then ICE and DTLS: some fifteen times there and back. */
const WEBRTC_MS = 15_000

/** Somebody answers, but not with what a peer says: another program, or a peer with a network key that is not ours. */
export const NO_HANDSHAKE = 'connected, but no handshake'

/**
 * @param expected - null if whoever answers is welcome
 * @throws NetworkError UNREACHABLE, with what each address said
 */
export async function connectTo(
  ports: DiallerPorts,
  expected: PeerId | null,
  addresses: readonly Multiaddr[]
): Promise<Connection> {
  const { direct, webrtc, relayed } = dialPlan(addresses, ports.cards(), ports.speaksWebRtc)
  const failures = new Map<string, string>()
  const hasRelay = webrtc.length + relayed.length > 0
  const straight = await firstOf(ports, direct, failures, {
    eachMs: direct.length > 1 || hasRelay ? DIRECT_ADDRESS_MS : DIAL_TIMEOUT_MS,
    allMs: hasRelay ? DIRECT_BEFORE_RELAY_MS : DIAL_TIMEOUT_MS
  })
  if (straight !== null) return straight
  const overWebRtc = await firstOf(ports, webrtc, failures, { eachMs: WEBRTC_MS, allMs: WEBRTC_MS })
  if (overWebRtc !== null) return overWebRtc
  const already = expected === null ? undefined : ports.connections(expected)[0]
  if (already === undefined) {
    const through = await firstOf(ports, relayed, failures, {
      eachMs: DIAL_TIMEOUT_MS,
      allMs: DIAL_TIMEOUT_MS
    })
    if (through !== null) return through
  }
  throw unreachable(expected, addresses, failures)
}

interface Patience {
  readonly eachMs: number
  readonly allMs: number
}

async function firstOf(
  ports: DiallerPorts,
  addresses: readonly Multiaddr[],
  failures: Map<string, string>,
  { eachMs, allMs }: Patience
): Promise<Connection | null> {
  const over = AbortSignal.timeout(allMs)
  for (const address of addresses) {
    if (over.aborted) break
    const signal = AbortSignal.any([over, AbortSignal.timeout(eachMs)])
    const watched = ports.handshakes.begin(address.toString())
    try {
      const connection = await ports.dial(address, signal, watched.step)
      await ports.met(connection, AbortSignal.any([AbortSignal.timeout(DIAL_TIMEOUT_MS)]))
      return connection
    } catch (error) {
      const patience = `within ${Math.min(eachMs, allMs) / 1000} s`
      const reason = signal.aborted ? `no answer ${patience}` : messageOf(error)
      failures.set(address.toString(), watched.isInHandshake() ? `${NO_HANDSHAKE}: ${reason}` : reason)
    } finally {
      watched.end()
    }
  }
  return null
}

function unreachable(
  expected: PeerId | null,
  addresses: readonly Multiaddr[],
  failures: ReadonlyMap<string, string>
): NetworkError {
  const address = addresses.join(', ')
  const reasons =
    failures.size > 1
      ? [...failures].map(([at, reason]) => `\n  ${at}: ${reason}`).join('')
      : ([...failures.values()][0] ?? 'no address that this peer has a transport for')
  return new NetworkError(
    'UNREACHABLE',
    { address, ...(expected === null ? {} : { peer: expected }) },
    `cannot reach a peer at ${address}: ${reasons}`
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
