import { execFileSync } from 'node:child_process'
import { leftovers, type Namespaces, namespaceOf, runIn, spell } from './host-commands.ts'

/**
 * libp2p takes the ranges for documentation (203.0.113.0/24 and so on) for private ones and treats their owners as
 * hidden. Nothing here is connected to the world, so any range will do.
 */
const PUBLIC_NET = '5.5.5'

/** The next hop: link-local, so that it can be the same on every cable of a router. */
const INTERNET_GATEWAY = '169.254.0.1'
const HOME_GATEWAY = '169.254.0.2'

/**
 * Hosts on an internet of their own, each a Linux network namespace: public ones, and private networks behind a router
 * that translates addresses and drops what nobody inside has asked for. Every packet between two public addresses
 * passes through one router, `net`, whose links can be cut.
 */
export class Hosts {
  static #count = 0
  readonly #spaces: Namespaces
  /** By name: its address as others see it, and the gateway's end of its cable if that is the internet's. */
  readonly #hosts = new Map<string, { address: string; readonly router: string | null }>()
  #publicHosts = 0
  #privateNetworks = 0
  readonly #onExit = (): void => this.close()

  constructor() {
    this.#spaces = { prefix: `fedpeft-${process.pid}-${++Hosts.#count}-` }
    for (const leftover of leftovers()) leftover()
    process.once('exit', this.#onExit)
    this.#space('net')
    this.#in('net', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    // Nobody on the way answers for a private address.
    spell(this.#spaces, 'net', ['route add blackhole 10.0.0.0/8'])
  }

  /** What a command line starts with, to run in that host. */
  launcher(host: string): string[] {
    if (!this.#hosts.has(host)) throw new RangeError(`no host ${host}`)
    return ['ip', 'netns', 'exec', namespaceOf(this.#spaces, host)]
  }

  /** As the host itself sees it. */
  addressOf(host: string): string {
    return this.#hosts.get(host)!.address
  }

  isPublic(host: string): boolean {
    return this.#hosts.get(host)?.router === null
  }

  /** A host with an address that everyone reaches. @returns the address */
  addPublic(host: string): string {
    const address = `${PUBLIC_NET}.${++this.#publicHosts}`
    this.#space(host)
    this.#connect('net', INTERNET_GATEWAY, host, address)
    this.#hosts.set(host, { address, router: null })
    return address
  }

  /** A home: hosts of 10.N.0.0/24 behind a router with one public address. */
  addPrivateNetwork(router: string, hosts: readonly string[]): void {
    this.addPublic(router)
    const net = `10.${++this.#privateNetworks}.0`
    this.#in(router, ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    for (const [i, host] of hosts.entries()) {
      const address = `${net}.${i + 1}`
      this.#space(host)
      this.#connect(router, HOME_GATEWAY, host, address)
      this.#hosts.set(host, { address, router })
    }
    this.#nft(
      router,
      `table inet home {
        chain translate { type nat hook postrouting priority 100; oifname "eth0" masquerade
        }
        chain forward { type filter hook forward priority 0; policy accept;
          ct state established,related accept
          iifname "eth0" drop
        }
        chain input { type filter hook input priority 0; policy accept;
          ct state established,related accept
          iifname "eth0" drop
        }
      }`
    )
  }

  /** From now on this host, or whoever is behind this router, gets out nothing but TCP to these ports, and in nothing else. */
  firewall(host: string, allowed: ReadonlyArray<{ readonly address: string; readonly port: number }>): void {
    const accepts = allowed.map(
      ({ address, port }) => `oifname "eth0" ip daddr ${address} tcp dport ${port} accept\n`
    )
    const chain = (hook: string): string =>
      `chain fw_${hook} { type filter hook ${hook} priority -10; policy accept;
        ct state established,related accept
        ${accepts.join('')}
        ${hook === 'output' ? 'oifname "eth0" drop' : 'iifname "eth0" drop'}
      }`
    this.#nft(
      host,
      `table inet wall {
${chain('output')}
${chain('input')}
}`
    )
  }

  /**
   * The host gets another address, as after a new lease: what stood before is neither closed nor answered. On a router
   * it is the public one, and what its hosts had open is translated no more.
   */
  renumber(host: string): string {
    const entry = this.#hosts.get(host)
    if (entry === undefined || entry.router !== null) throw new RangeError(`${host} is no public host`)
    const address = `${PUBLIC_NET}.${++this.#publicHosts}`
    spell(this.#spaces, 'net', [`route del ${entry.address}/32`, `route add ${address}/32 dev to-${host}`])
    spell(this.#spaces, host, [
      `addr add ${address}/32 dev eth0`,
      `addr del ${entry.address}/32 dev eth0`,
      // The gateway's route went with the address.
      `route replace ${INTERNET_GATEWAY} dev eth0 scope link`,
      `route replace default via ${INTERNET_GATEWAY}`
    ])
    entry.address = address
    return address
  }

  /** Drops every packet between a host of one group and one of another, public hosts and routers alike. */
  partition(...groups: ReadonlyArray<readonly string[]>): void {
    this.#cut(groups, 'drop')
  }

  /** The same, but senders are told: connections break at their next word, and not after a silence. */
  partitionAloud(...groups: ReadonlyArray<readonly string[]>): void {
    this.#cut(groups, 'meta l4proto tcp reject with tcp reset')
  }

  #cut(groups: ReadonlyArray<readonly string[]>, how: string): void {
    const rules: string[] = []
    for (const from of groups) {
      for (const to of groups) {
        if (from === to || from.length === 0 || to.length === 0) continue
        const set = (names: readonly string[]): string =>
          `{ ${names.map(name => `"to-${name}"`).join(', ')} }`
        rules.push(`iifname ${set(from)} oifname ${set(to)} ${how}`)
      }
    }
    this.heal()
    this.#nft(
      'net',
      `table inet cut {
      chain forward { type filter hook forward priority 0; policy accept; ${rules.join('\n')}
      }
      }`
    )
  }

  heal(): void {
    this.#nft('net', 'table inet cut\ndelete table inet cut')
  }

  /** Removes everything. The programs in the hosts must have ended. */
  close(): void {
    process.removeListener('exit', this.#onExit)
    for (const leftover of leftovers(this.#spaces.prefix)) leftover()
    this.#hosts.clear()
  }

  #space(name: string): void {
    // Names of interfaces have fifteen letters at most.
    if (!/^[a-z][a-z0-9-]{0,10}$/.test(name)) throw new RangeError(`not a name for a host: ${name}`)
    execFileSync('ip', ['netns', 'add', namespaceOf(this.#spaces, name)])
    spell(this.#spaces, name, ['link set lo up'])
  }

  /** A cable from `eth0` of the host to the gateway; both route the one address over it, so there is no shared segment. */
  #connect(router: string, gateway: string, host: string, address: string): void {
    const peer = namespaceOf(this.#spaces, host)
    spell(this.#spaces, router, [
      `link add to-${host} type veth peer name eth0 netns ${peer}`,
      `addr add ${gateway}/32 dev to-${host}`,
      `link set to-${host} up`,
      `route add ${address}/32 dev to-${host}`
    ])
    spell(this.#spaces, host, [
      `addr add ${address}/32 dev eth0`,
      'link set eth0 up',
      `route add ${gateway} dev eth0 scope link`,
      `route add default via ${gateway}`
    ])
  }

  #in(name: string, command: readonly string[], input?: string): void {
    runIn(this.#spaces, name, command, input)
  }

  #nft(name: string, rules: string): void {
    this.#in(name, ['nft', '-f', '-'], rules)
  }
}
