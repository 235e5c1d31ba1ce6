/**
 * WebRTC connections that are one. `@libp2p/webrtc` 6.0.33 takes the end of the signalling for success
 * (`readCandidatesUntilConnected`), on either side: where no packet passes, a peer would see a connection on which every
 * stream fails, and prefer it to the relayed one, which works.
 */
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'

/** After the other side was done with the signalling: it may be a round trip ahead. */
const CONNECTED_WITHIN_MS = 5_000

/** What is asked of a browser's or node-datachannel's connection. */
export interface PeerConnection extends EventTarget {
  readonly connectionState: string
}

/** The components of a transport, whose connections are upgraded once they are connected. */
export function upgradedWhenConnected<T extends object>(components: T): T {
  return new Proxy(components, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      return key === 'upgrader' ? careful(value as Upgrader) : value
    }
  })
}

function careful(
  upgrader: Upgrader
): Pick<
  Upgrader,
  | 'upgradeInbound'
  | 'upgradeOutbound'
  | 'createInboundAbortSignal'
  | 'getConnectionEncrypters'
  | 'getStreamMuxers'
> {
  return {
    upgradeInbound: async (connection, options) => {
      await connected(connection, options.signal)
      return upgrader.upgradeInbound(connection, options)
    },
    upgradeOutbound: async (connection, options) => {
      await connected(connection, options.signal)
      return upgrader.upgradeOutbound(connection, options)
    },
    createInboundAbortSignal: signal => upgrader.createInboundAbortSignal(signal),
    getConnectionEncrypters: () => upgrader.getConnectionEncrypters(),
    getStreamMuxers: () => upgrader.getStreamMuxers()
  }
}

/** @throws Error if it is not, in time; the connection is then closed */
export async function connected(
  connection: MultiaddrConnection & { readonly peerConnection?: PeerConnection },
  signal?: AbortSignal,
  withinMs = CONNECTED_WITHIN_MS
): Promise<void> {
  const { peerConnection } = connection
  // Not one of WebRTC's.
  if (peerConnection === undefined) return
  const isConnected = await new Promise<boolean>(resolve => {
    const timer = setTimeout(() => end(false), withinMs)
    const look = (): void => {
      const { connectionState } = peerConnection
      if (connectionState === 'connected') end(true)
      else if (connectionState === 'failed' || connectionState === 'closed') end(false)
    }
    const giveUp = (): void => end(false)
    const end = (is: boolean): void => {
      clearTimeout(timer)
      peerConnection.removeEventListener('connectionstatechange', look)
      signal?.removeEventListener('abort', giveUp)
      resolve(is)
    }
    peerConnection.addEventListener('connectionstatechange', look)
    signal?.addEventListener('abort', giveUp)
    if (signal?.aborted) giveUp()
    else look()
  })
  if (isConnected) return
  const error = new Error(`the signalling ended, but the connection is ${peerConnection.connectionState}`)
  connection.abort(error)
  throw error
}
