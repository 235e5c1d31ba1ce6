/** Addresses and blocks of them, as far as bans and limits need them. */
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The IP address at the other end of a connection.
 * @returns null if none is known: in memory, or through a relay, whose address is not that of the one behind it
 */
export function ipOf(address: Multiaddr): string | null {
  const components = address.getComponents()
  if (components.some(({ name }) => name === 'p2p-circuit')) return null
  const found = components.find(({ name }) => name === 'ip4' || name === 'ip6')?.value
  return found === undefined ? null : plainIp(found)
}

/** An IPv4 address inside an IPv6 one as itself: a listener on `::` hears of both kinds that way. */
export function plainIp(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)
  return mapped?.[1] ?? ip
}

/** What one party can choose freely: an IPv4 address, and of IPv6 the 64 bits that a provider gives to one customer. */
export function blockOf(ip: string): string {
  if (!isIPv6(ip)) return ip
  const halves = ip.toLowerCase().replace(/%.*$/, '').split('::')
  const [head = [], tail = []] = halves.map(half => (half === '' ? [] : half.split(':')))
  const zeros = halves.length === 1 ? 0 : Math.max(0, 8 - head.length - tail.length)
  const words = [...head, ...new Array<string>(zeros).fill('0'), ...tail]
  const first = words.slice(0, 4).map(word => Number.parseInt(word, 16).toString(16))
  return `${first.join(':')}::/64`
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

export function isLoopback(ip: string): boolean {
  return loopback.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
}

/** Addresses that one ban covers. */
export interface AddressBlock {
  /** As it is written down: `10.0.0.0/8`, `203.0.113.7`. */
  readonly text: string
  contains(ip: string): boolean
}

/** @returns null for what is neither an IP address nor a block in CIDR notation (RFC 4632) */
export function parseBlock(text: string): AddressBlock | null {
  const [address = '', prefix, ...rest] = text.split('/')
  const ip = plainIp(address)
  const version = isIP(ip)
  if (version === 0 || rest.length > 0 || ip.includes('%')) return null
  const kind = version === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  if (prefix === undefined) list.addAddress(ip, kind)
  else {
    if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) return null
    list.addSubnet(ip, Number(prefix), kind)
  }
  return {
    text: prefix === undefined ? ip : `${ip}/${Number(prefix)}`,
    contains: other => list.check(other, isIPv6(other) ? 'ipv6' : 'ipv4')
  }
}
