/**
 * In which order the addresses of a peer are tried. libp2p tries them one after the other, six seconds each, in an
 * order that knows nothing of where this machine is: the home address of a peer behind somebody else's router comes
 * first there, and swallows the time in which a relay would have answered.
 */
import { BlockList } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'
import { circuitOf, hostOf, kindOf, scopeOf } from './addresses.ts'

/** A network card's address and the length of its network's prefix, as `os.networkInterfaces` gives it: `10.0.1.2/24`. */
export type Cidr = string

export interface DialPlan {
  /** Straight to the peer, the likeliest first. */
  readonly direct: readonly Multiaddr[]
  /** Through a relay to a direct connection. */
  readonly webrtc: readonly Multiaddr[]
  /** Through a relay for good: the last resort. */
  readonly relayed: readonly Multiaddr[]
}

/**
 * @param addresses - with the peer's id behind each
 * @param here - of this machine's own cards
 * @param speaksWebRtc - whether this peer can dial `/webrtc`; the relay in such an address serves without it too
 */
export function dialPlan(
  addresses: readonly Multiaddr[],
  here: readonly Cidr[],
  speaksWebRtc: boolean
): DialPlan {
  const near = new BlockList()
  for (const cidr of here) {
    const [address, bits] = cidr.split('/')
    if (address !== undefined && bits !== undefined) {
      near.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4')
    }
  }
  const direct: Multiaddr[] = []
  const webrtc: Multiaddr[] = []
  const relayed = new Map<string, Multiaddr>()
  for (const address of addresses) {
    const kind = kindOf(address)
    if (kind === null) continue
    if (kind !== 'webrtc' && kind !== 'circuit') {
      direct.push(address)
      continue
    }
    if (kind === 'webrtc' && speaksWebRtc) webrtc.push(address)
    const circuit = circuitOf(address)
    relayed.set(circuit.toString(), circuit)
  }
  const byRank = (a: Multiaddr, b: Multiaddr): number => rankOf(a, near) - rankOf(b, near)
  return {
    direct: direct.sort(byRank),
    webrtc: webrtc.sort(byRank),
    relayed: [...relayed.values()].sort(byRank)
  }
}

/** The lower the likelier. A loopback address that is not ours is refused at once; a private one may be a black hole. */
function rankOf(address: Multiaddr, near: BlockList): number {
  const scope = scopeOf(address)
  if (scope === null || scope === 'public') return 1
  if (scope === 'loopback') return 2
  const { host } = hostOf(address)!
  return near.check(host, host.includes(':') ? 'ipv6' : 'ipv4') ? 0 : 3
}
