/** Which transport an address is for, where it lies, and how it is written. */
import { BlockList } from 'node:net'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import {
  Circuit,
  DNSADDR,
  Memory,
  TCP,
  WebRTC,
  WebRTCDirect,
  WebSockets,
  WebSocketsSecure
} from '@multiformats/multiaddr-matcher'
import { NetworkError } from '../../../protocols/errors.ts'

export type AddressKind =
  | 'tcp'
  | 'ws'
  | 'wss'
  | 'webrtc-direct' // UDP, straight to a listener whose certificate hash the address names
  | 'webrtc' // signalled through a relay, then straight from peer to peer
  | 'circuit' // through a relay for good
  | 'dnsaddr' // a name that stands for any of the above
  | 'memory'

/** What a network is made of: the sockets of a machine, or nothing but this process. */
export type TransportSet = 'internet' | 'memory'

/** Where an address can be dialled from. */
export type AddressScope = 'loopback' | 'link-local' | 'private' | 'public'

/** `/dnsaddr` before the others, as its matcher is the narrowest. */
const MATCHERS: ReadonlyArray<readonly [AddressKind, { exactMatch(address: Multiaddr): boolean }]> = [
  ['dnsaddr', DNSADDR],
  ['memory', Memory],
  ['webrtc', WebRTC],
  ['circuit', Circuit],
  ['webrtc-direct', WebRTCDirect],
  ['wss', WebSocketsSecure],
  ['ws', WebSockets],
  ['tcp', TCP]
]

/** RFC 1918, RFC 6598 (carrier-grade translation), RFC 4193. */
const PRIVATE_NETWORKS: ReadonlyArray<readonly [string, number, 'ipv4' | 'ipv6']> = [
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['fc00::', 7, 'ipv6']
]

const networks = { loopback: new BlockList(), linkLocal: new BlockList(), private: new BlockList() }
networks.loopback.addSubnet('127.0.0.0', 8, 'ipv4')
networks.loopback.addAddress('::1', 'ipv6')
networks.linkLocal.addSubnet('169.254.0.0', 16, 'ipv4')
networks.linkLocal.addSubnet('fe80::', 10, 'ipv6')
for (const [network, bits, family] of PRIVATE_NETWORKS) networks.private.addSubnet(network, bits, family)

/** The transport that dials or listens on this address; null if none of ours does. */
export function kindOf(address: Multiaddr): AddressKind | null {
  return MATCHERS.find(([, matcher]) => matcher.exactMatch(address))?.[0] ?? null
}

/** Of a text that may be anything. */
export function kindOfText(address: string): AddressKind | null {
  try {
    return kindOf(multiaddr(address))
  } catch {
    return null
  }
}

/** @throws NetworkError BAD_ADDRESS, saying what an address looks like */
export function parseAddress(address: string, transports: TransportSet): Multiaddr {
  const example = transports === 'memory' ? '/memory/name' : '/ip4/127.0.0.1/tcp/4001'
  let parsed: Multiaddr
  try {
    parsed = multiaddr(address)
  } catch (cause) {
    throw new NetworkError(
      'BAD_ADDRESS',
      { address },
      `not a network address: ${JSON.stringify(address)}; one looks like ${example}/p2p/12D3KooW...`,
      { cause }
    )
  }
  const kind = kindOf(parsed)
  const isMarker = address === '/p2p-circuit'
  if (isMarker && transports === 'internet') return parsed
  if (kind === null || (kind === 'memory') !== (transports === 'memory')) {
    const spoken = transports === 'memory' ? 'memory' : 'tcp, ws, wss, webrtc and webrtc-direct'
    throw new NetworkError(
      'BAD_ADDRESS',
      { address },
      `this peer speaks ${spoken} only, and ${address} is something else; an address looks like ${example}`
    )
  }
  return parsed
}

/** The address without the way through a relay in front of it, or as it is. */
export function hostOf(address: Multiaddr): { readonly host: string; readonly port: number | null } | null {
  const components = address.getComponents()
  const host = components.find(({ name }) => /^(ip4|ip6|dns|dns4|dns6)$/.test(name))?.value
  if (host === undefined) return null
  const port = components.find(({ name }) => name === 'tcp' || name === 'udp')?.value
  return { host, port: port === undefined ? null : Number(port) }
}

/** A name counts as public. Null where there is no host (memory). */
export function scopeOf(address: Multiaddr): AddressScope | null {
  const named = hostOf(address)
  return named === null ? null : scopeOfHost(named.host)
}

export function scopeOfHost(host: string): AddressScope {
  const family = host.includes(':') ? 'ipv6' : 'ipv4'
  if (!/^[\d.]+$/.test(host) && family === 'ipv4') return host === 'localhost' ? 'loopback' : 'public'
  if (networks.loopback.check(host, family)) return 'loopback'
  if (networks.linkLocal.check(host, family)) return 'link-local'
  return networks.private.check(host, family) ? 'private' : 'public'
}

/** Whom the address leads to, if it says so: of an address through a relay not the relay. */
export function peerOf(address: Multiaddr): string | null {
  const components = address.getComponents()
  const circuit = components.findIndex(({ name }) => name === 'p2p-circuit')
  return components.slice(circuit + 1).findLast(({ name }) => name === 'p2p')?.value ?? null
}

/** The peer that relays, of an address through a relay. */
export function relayOf(address: Multiaddr): string | null {
  const components = address.getComponents()
  const circuit = components.findIndex(({ name }) => name === 'p2p-circuit')
  return circuit < 0
    ? null
    : (components.slice(0, circuit).findLast(({ name }) => name === 'p2p')?.value ?? null)
}

/** An address for WebRTC through a relay without its WebRTC: the relayed connection itself. */
export function circuitOf(address: Multiaddr): Multiaddr {
  return multiaddr(address.getComponents().filter(({ name }) => name !== 'webrtc'))
}
