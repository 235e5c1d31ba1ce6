import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { PeerLine } from '../../../support/network-peer.ts'
import { withHosts } from '../../../support/with-hosts.ts'

const PROGRAM = fileURLToPath(new URL('../../../support/network-peer.ts', import.meta.url))

/** A peer in a host, and the last that it said. */
class HostPeer {
  readonly child: ChildProcess
  last: PeerLine = { peer: '', addresses: [], connections: [], bodies: [] }

  constructor(launcher: readonly string[], args: readonly string[]) {
    const [command, ...before] = launcher
    this.child = spawn(command!, [...before, process.execPath, PROGRAM, ...args], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    createInterface({ input: this.child.stdout! }).on('line', line => (this.last = JSON.parse(line)))
  }
}

describe('peers on hosts of their own', function () {
  this.timeout(120_000)
  const hosts = withHosts()
  const peers: HostPeer[] = []
  afterEach(async () => {
    const ended = peers.splice(0).map(({ child }) => {
      const gone = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      return gone
    })
    await Promise.all(ended)
  })

  const start = (host: string, ...args: string[]): HostPeer => {
    const peer = new HostPeer(hosts().launcher(host), args)
    peers.push(peer)
    return peer
  }

  async function until(condition: () => boolean, what: string): Promise<void> {
    const deadlineMs = Date.now() + 60_000
    while (!condition()) {
      if (Date.now() > deadlineMs) {
        throw new Error(
          `${what}: ${JSON.stringify(
            peers.map(({ last }) => last),
            null,
            1
          )}`
        )
      }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  async function bootstrap(host: string): Promise<string> {
    const address = hosts().addPublic(host)
    const boot = start(host, 'boot')
    await until(() => boot.last.addresses.length > 0, 'no bootstrap peer')
    return boot.last.addresses.find(each => each.includes(`/${address}/`))!
  }

  it('two peers behind two routers end on a direct connection, and bodies pass over it', async () => {
    const door = await bootstrap('boot')
    hosts().addPrivateNetwork('home-a', ['a'])
    hosts().addPrivateNetwork('home-b', ['b'])
    const [a, b] = [start('a', 'join', door), start('b', 'join', door)]
    await until(() => a.last.bodies.includes(b.last.peer) && b.last.bodies.includes(a.last.peer), 'no bodies')
    expect(a.last.connections).to.include(`${b.last.peer} webrtc`)
  })

  it('a peer whose firewall lets nothing out but TCP to the bootstrap peer is reached through it, without bodies', async () => {
    const door = await bootstrap('door')
    hosts().addPrivateNetwork('home-c', ['c'])
    hosts().addPrivateNetwork('home-d', ['d'])
    hosts().firewall('d', [{ address: hosts().addressOf('door'), port: 4001 }])
    const [a, b] = [start('c', 'join', door), start('d', 'join', door)]
    await until(() => a.last.connections.includes(`${b.last.peer} tcp relayed`), 'no relayed connection')
    expect(a.last.bodies).to.not.include(b.last.peer)
    expect(b.last.bodies.length, 'the bootstrap peer answers it').to.equal(1)
  })

  it('mDNS: peers on one network find each other, and those of a private network only their own', async () => {
    hosts().addPublic('lan')
    const key = 'ab'.repeat(32)
    const [a, b] = [start('lan', 'local'), start('lan', 'local')]
    const [c, d] = [start('lan', 'local', key), start('lan', 'local', key)]
    const knows = (one: HostPeer, other: HostPeer): boolean => one.last.bodies.includes(other.last.peer)
    await until(() => knows(a, b) && knows(b, a) && knows(c, d) && knows(d, c), 'they do not meet')
    for (const [one, others] of [[a, [c, d]] as const, [c, [a, b]] as const]) {
      for (const other of others) expect(one.last.connections.join()).to.not.include(other.last.peer)
    }
  })
})
