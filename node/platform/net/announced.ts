/** Which of its own addresses a peer tells to others. */
import type { Multiaddr } from '@multiformats/multiaddr'
import { kindOf, relayOf, scopeOf } from './addresses.ts'

/** Ways to one relay that are told: each is tried in its turn by those who come. */
const WAYS_PER_RELAY = 2

/**
 * A relay lends its own addresses, all of them, once for WebRTC and once without: of these the best two are kept, and of
 * the pair the one for WebRTC, whose relayed half everybody can work out.
 * @param given - the addresses of relays as the person gave them: they worked from here, so they are kept before others
 */
export function announcedAddresses(
  addresses: readonly Multiaddr[],
  hasWebRtc: boolean,
  given: readonly string[]
): Multiaddr[] {
  const own: Multiaddr[] = []
  const byRelay = new Map<string, Multiaddr[]>()
  for (const address of addresses) {
    const kind = kindOf(address)
    const relay = relayOf(address)
    if (relay === null) own.push(address)
    else if (kind === (hasWebRtc ? 'webrtc' : 'circuit')) {
      byRelay.set(relay, [...(byRelay.get(relay) ?? []), address])
    }
  }
  const rank = (address: Multiaddr): number => {
    const way = address.toString().split('/p2p-circuit')[0]!
    if (given.includes(way)) return 0
    const scope = scopeOf(address)
    return scope === 'public' ? 1 : scope === 'private' ? 2 : 3
  }
  const relayed = [...byRelay.values()].flatMap(ways =>
    ways.sort((a, b) => rank(a) - rank(b)).slice(0, WAYS_PER_RELAY)
  )
  return [...own, ...relayed]
}
