import { type Connection, type Libp2pEvents, type PeerId, TypedEventEmitter } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { ConnectionWatch } from '../../../node/platform/connection-watch.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'

const PUBLIC = '/ip4/5.5.5.1/tcp/4001'
const HOME = '/ip4/10.1.0.1/tcp/4001'

/** A node with connections by peer, of which some answer. */
class World {
  readonly clock = new VirtualClock()
  readonly events = new TypedEventEmitter<Libp2pEvents>()
  readonly connections: Connection[] = []
  readonly dead = new Set<Connection>()
  readonly closed: string[] = []
  readonly announced: string[] = []
  own: Multiaddr[] = []
  readonly watch: ConnectionWatch

  constructor() {
    const connectionManager = {
      getConnections: (peer?: PeerId) =>
        this.connections.filter(
          ({ status, remotePeer }) => status === 'open' && (peer === undefined || remotePeer === peer)
        ),
      closeConnections: async (peer: PeerId) => {
        this.closed.push(String(peer))
      }
    }
    const addressManager = {
      getAddressesWithMetadata: () => this.own.map(address => ({ multiaddr: address, type: 'transport' })),
      confirmObservedAddr: (address: Multiaddr) => this.announced.push(String(address))
    }
    const components = { events: this.events, connectionManager, addressManager }
    this.watch = new ConnectionWatch(components, () => {}, this.clock)
    this.watch.start()
  }

  listen(...addresses: string[]): void {
    this.own = addresses.map(address => multiaddr(address))
    this.events.safeDispatchEvent('transport:listening')
  }

  /** @param answer - what a new stream on it comes to, if it is not dead */
  connect(peer: string, answer: () => void = () => {}): Connection {
    const connection = {
      status: 'open',
      remotePeer: peer,
      remoteAddr: multiaddr(HOME),
      abort() {
        connection.status = 'aborted'
      },
      newStream: async (_protocol: string, { signal }: { signal: AbortSignal }) => {
        if (this.dead.has(connection as unknown as Connection)) {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('late'))))
        }
        answer()
        return { abort() {} }
      }
    }
    const opened = connection as unknown as Connection
    this.connections.push(opened)
    this.events.safeDispatchEvent('connection:open', { detail: opened })
    return opened
  }
}

describe('connection watch', () => {
  it('announces the addresses of its own interfaces, each once, as they come', async () => {
    const world = new World()
    world.listen(PUBLIC, '/memory/name')
    expect(world.announced).to.deep.equal([PUBLIC])
    world.own.push(multiaddr(HOME))
    await world.clock.advance(10_000)
    expect(world.announced).to.deep.equal([PUBLIC, HOME])
    world.watch.stop()
    expect(world.clock.pending).to.equal(0)
  })

  it('looks through its connections when an address is gone, and ends those that do not answer', async () => {
    const world = new World()
    world.listen(PUBLIC, HOME)
    const [alive, dead] = [world.connect('alive'), world.connect('dead')]
    const refusing = world.connect('refusing', () => {
      throw new Error('no such protocol')
    })
    world.dead.add(dead)
    await world.clock.advance(30_000)
    expect(dead.status, 'as long as there is no reason to doubt').to.equal('open')
    world.own = [multiaddr(HOME)]
    await world.clock.advance(10_000)
    expect([alive.status, dead.status, refusing.status]).to.deep.equal(['open', 'aborted', 'open'])
    expect(world.closed).to.deep.equal(['dead'])
    world.watch.stop()
  })

  it('doubts the old connection of a peer that connects again', async () => {
    const world = new World()
    const old = world.connect('peer')
    const others = world.connect('other')
    for (const connection of [old, others]) world.dead.add(connection)
    const fresh = world.connect('peer')
    await world.clock.advance(10_000)
    expect([old.status, fresh.status, others.status]).to.deep.equal(['aborted', 'open', 'open'])
    expect(world.closed).to.deep.equal(['peer'])
  })

  it('keeps two connections that both answer, as two peers that dial each other at once have', async () => {
    const world = new World()
    const both = [world.connect('peer'), world.connect('peer')]
    await world.clock.advance(10_000)
    expect(both.map(({ status }) => status)).to.deep.equal(['open', 'open'])
    expect(world.closed).to.deep.equal([])
  })
})
