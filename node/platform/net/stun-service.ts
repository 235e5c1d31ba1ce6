/** STUN beside each TCP port that a bootstrap peer listens on: UDP, the same number, as its peers expect it there. */
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../../protocols/ports.ts'
import { hostOf, kindOf } from './addresses.ts'
import { type StunResponder, startStunResponder } from './stun-responder.ts'

export interface StunServiceInit {
  /** As configured: the port may be 0. */
  readonly listen: readonly string[]
  /** As they have come out. */
  readonly listening: readonly Multiaddr[]
  readonly clock: Clock
  readonly warn: (message: string) => void
}

export interface StunService {
  /** `host:port` of each, for the person. */
  readonly places: readonly string[]
  close(): Promise<void>
}

/** A port that cannot be had is a warning: peers then need another STUN server, or a port of their own that is open. */
export async function startStunService(init: StunServiceInit): Promise<StunService> {
  const responders: StunResponder[] = []
  for (const { host, port } of placesOf(init)) {
    try {
      responders.push(await startStunResponder(host, port, init.clock))
    } catch (error) {
      init.warn(
        `cannot answer STUN on UDP port ${port} (${error instanceof Error ? error.message : error}): peers behind address ` +
          'translation will not learn their public addresses here; give them --stun HOST:PORT of another server'
      )
    }
  }
  return {
    places: responders.map(({ address: { host, port } }) =>
      host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    ),
    close: async () => void (await Promise.all(responders.map(responder => responder.close())))
  }
}

function placesOf({ listen, listening }: StunServiceInit): Array<{ host: string; port: number }> {
  const places = new Map<string, { host: string; port: number }>()
  for (const text of listen) {
    const address = multiaddr(text)
    const named = hostOf(address)
    const kind = kindOf(address)
    if (named === null || (kind !== 'tcp' && kind !== 'ws' && kind !== 'wss')) continue
    const isWildcard = named.host === '0.0.0.0' || named.host === '::'
    const ports =
      named.port !== 0 && named.port !== null
        ? [named.port]
        : listening.flatMap(each => {
            const out = hostOf(each)
            const isSame = kindOf(each) === kind && (isWildcard || out?.host === named.host)
            return isSame && out?.port ? [out.port] : []
          })
    for (const port of ports) places.set(`${named.host} ${port}`, { host: named.host, port })
  }
  return [...places.values()]
}
