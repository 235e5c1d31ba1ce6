/** The libp2p transports that a peer's addresses ask for, each loaded only then: WebRTC alone takes a quarter second. */
import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import type { Libp2pOptions } from 'libp2p'
import { NetworkError } from '../../../protocols/errors.ts'
import { kindOfText, parseAddress, type TransportSet } from './addresses.ts'
import type { RelayTransport } from './relay-reservations.ts'
import type { TlsFiles } from './tls-files.ts'
import { upgradedWhenConnected } from './webrtc-connected.ts'

type Factory = NonNullable<Libp2pOptions['transports']>[number]

/** As the standard has it; the types of Node.js do not. */
interface IceServer {
  urls: string[]
}

export interface TransportsInit {
  readonly transports: TransportSet
  /** `/webrtc` and `/p2p-circuit` ask for a place on a relay, which is found among the peers. */
  readonly listen: readonly string[]
  readonly tls: TlsFiles | null
  /** With a network key nothing is dialled or heard that does not prove it first: no WebRTC, which skips the proof. */
  readonly isPrivate: boolean
  /** `host:port` of servers that tell a peer its public address, asked anew for each connection. */
  readonly stunServers: () => readonly string[]
  readonly warn: (message: string) => void
  /** By default from the package; for tests. */
  readonly loadWebRtc?: () => Promise<Pick<typeof import('@libp2p/webrtc'), 'webRTC' | 'webRTCDirect'>>
}

export interface OpenedTransports {
  readonly factories: Factory[]
  /** What libp2p is to listen on. */
  readonly listen: string[]
  readonly hasWebRtc: boolean
  /** Whether this peer wants to be reached through relays. */
  readonly isRelayed: boolean
  /** Set once the node is made. */
  relayTransport(): RelayTransport | null
  /** Call it when the node has stopped. */
  close(): Promise<void>
}

/** @throws NetworkError BAD_ADDRESS, BAD_TLS */
export async function openTransports(init: TransportsInit): Promise<OpenedTransports> {
  const { listen, transports } = init
  for (const address of listen) parseAddress(address, transports)
  if (transports === 'memory') {
    const { memory } = await import('@libp2p/memory')
    return {
      factories: [memory()],
      listen: [...listen],
      hasWebRtc: false,
      isRelayed: false,
      relayTransport: () => null,
      async close() {}
    }
  }
  const wanted = new Set(listen.map(kindOfText))
  if (wanted.has('wss') && init.tls === null) {
    throw new NetworkError(
      'BAD_ADDRESS',
      { address: listen.find(address => kindOfText(address) === 'wss') },
      'to listen on wss this peer needs a certificate and its key: add --tls-cert FILE and --tls-key FILE'
    )
  }
  const isRelayed = listen.some(address => address === '/p2p-circuit' || kindOfText(address) === 'webrtc')
  const factories: Factory[] = [await openTcp(), await openWebSockets(init.tls)]
  const webrtc = await openWebRtc(wanted, init)
  factories.push(...webrtc)
  let relay: RelayTransport | null = null
  if (isRelayed) {
    const { circuitRelayTransport } = await import('@libp2p/circuit-relay-v2')
    // Its own search for relays gets in the way of relay-reservations.ts: to it every relay is an old acquaintance.
    const create = circuitRelayTransport({ discoveryFilter: { has: () => true, add() {}, remove() {} } })
    factories.push(((components: CircuitRelayTransportComponents) => {
      const transport = create(components)
      relay = transport as unknown as RelayTransport
      return transport
    }) as Factory)
  }
  const hasWebRtc = webrtc.length > 0
  return {
    factories,
    listen: listen.filter(
      address => address !== '/p2p-circuit' && (hasWebRtc || !/^webrtc/.test(kindOfText(address) ?? ''))
    ),
    hasWebRtc,
    isRelayed,
    relayTransport: () => relay,
    close: async () => {
      if (hasWebRtc) await releaseWebRtc()
    }
  }
}

async function openTcp(): Promise<Factory> {
  const { tcp } = await import('@libp2p/tcp')
  return tcp()
}

async function openWebSockets(tls: TlsFiles | null): Promise<Factory> {
  const { webSockets } = await import('@libp2p/websockets')
  return webSockets(tls === null ? {} : { https: { cert: tls.cert, key: tls.key } })
}

/** None if it is not asked for, or cannot be had: this machine may lack the native library, and most of a network works without. */
async function openWebRtc(wanted: ReadonlySet<string | null>, init: TransportsInit): Promise<Factory[]> {
  const isWanted = wanted.has('webrtc') || wanted.has('webrtc-direct')
  if (!isWanted) return []
  if (init.isPrivate) {
    init.warn(
      'with a network key WebRTC is off, as it cannot ask for the key before it opens a connection: peers behind address ' +
        'translation are reached through the relay only'
    )
    return []
  }
  try {
    const load = init.loadWebRtc ?? (() => import('@libp2p/webrtc'))
    const { webRTC, webRTCDirect } = await load()
    // Always given: without it libp2p asks the servers of four companies where we are.
    const iceServers = (): IceServer[] => init.stunServers().map(server => ({ urls: [`stun:${server}`] }))
    const settings = { rtcConfiguration: () => ({ iceServers: iceServers() }) }
    const opened = [webRTCDirect(settings) as unknown as Factory]
    webRtcNodes++
    // libp2p refuses to start the one that signals through relays without a transport for relays.
    if (wanted.has('webrtc')) {
      const factory = webRTC(settings) as unknown as Factory
      opened.push(components => factory(upgradedWhenConnected(components)))
    }
    return opened
  } catch (error) {
    init.warn(
      `WebRTC cannot be loaded on this machine (${error instanceof Error ? error.message : error}): peers behind address ` +
        'translation are reached through a relay only, and this one is if it is behind one itself'
    )
    return []
  }
}

/** Nodes in this process that use the native library. */
let webRtcNodes = 0

/**
 * A connection whose handshake was under way when its node stopped is held by the native library, and holds the process:
 * with the last node the library lets go of everything.
 */
async function releaseWebRtc(): Promise<void> {
  webRtcNodes--
  const { cleanup } = await import('node-datachannel')
  if (webRtcNodes === 0) cleanup()
}
