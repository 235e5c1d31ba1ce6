import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, PeerId as Libp2pPeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { RelayReservations } from '../../../../node/platform/net/relay-reservations.ts'
import { openTransports } from '../../../../node/platform/net/transports.ts'
import { VirtualClock } from '../../../../sim/virtual-clock.ts'

describe('transports', () => {
  const warnings: string[] = []
  beforeEach(() => void warnings.splice(0))
  const init = {
    transports: 'internet',
    tls: null,
    isPrivate: false,
    stunServers: () => [],
    warn: (word: string) => void warnings.push(word)
  } as const

  it('without the native library of WebRTC: a warning that says what is lost, and the rest', async () => {
    const opened = await openTransports({
      ...init,
      listen: ['/ip4/127.0.0.1/tcp/0', '/webrtc'],
      loadWebRtc: () => Promise.reject(new Error('no such library for this machine'))
    })
    expect(warnings.join()).to.include('no such library for this machine').and.include('through a relay only')
    expect([opened.hasWebRtc, opened.isRelayed, opened.listen]).to.deep.equal([
      false,
      true,
      ['/ip4/127.0.0.1/tcp/0']
    ])
    // TCP, WebSocket and the relay.
    expect(opened.factories).to.have.length(3)
  })

  it('loads WebRTC only for those who listen on it', async () => {
    const load = (): never => expect.fail('loaded in vain')
    await openTransports({ ...init, listen: ['/ip4/127.0.0.1/tcp/0', '/p2p-circuit'], loadWebRtc: load })
    await openTransports({ ...init, listen: ['/webrtc'], isPrivate: true, loadWebRtc: load })
    expect(warnings).to.have.length(1)
  })
})

describe('places on relays', () => {
  /** Relays that give places or not, and the connections to them. */
  class World {
    readonly clock = new VirtualClock()
    readonly held = new Set<string>()
    readonly full = new Set<string>()
    readonly connections = new Map<string, Connection[]>()
    readonly asked: string[] = []
    readonly places = new RelayReservations({
      clock: this.clock,
      transport: () => ({
        reservationStore: {
          hasReservation: peer => this.held.has(peer.toString()),
          addRelay: async peer => this.#ask(peer.toString())
        }
      }),
      listen: async address => this.#ask(address.getComponents().find(({ name }) => name === 'p2p')!.value!),
      connections: peer => this.connections.get(peer.toString()) ?? [],
      log: () => {}
    })

    #ask(relay: string): void {
      this.asked.push(relay)
      if (this.full.has(relay)) throw new Error('full')
      this.held.add(relay)
    }

    connect(peer: Libp2pPeerId, more: Partial<Connection> = {}): void {
      const remoteAddr = multiaddr('/ip4/8.8.8.8/tcp/4001')
      const connection = { remotePeer: peer, remoteAddr, status: 'open', direction: 'outbound', ...more }
      this.connections.set(peer.toString(), [connection as Connection])
      this.places.met(peer)
    }
  }

  const relay = async (): Promise<Libp2pPeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))

  it('one is taken at once, and again whenever it is lost', async () => {
    const [world, peer] = [new World(), await relay()]
    world.places.start()
    world.connect(peer)
    await world.clock.advance(1)
    expect([...world.held]).to.deep.equal([peer.toString()])
    world.held.clear()
    await world.clock.advance(5_000)
    expect(world.asked).to.have.length(2)
    world.connections.clear()
    world.held.clear()
    await world.clock.advance(60_000)
    expect(world.asked, 'not without a connection').to.have.length(2)
    world.connect(peer)
    await world.clock.advance(1)
    expect(world.asked).to.have.length(3)
    world.places.stop()
    expect(world.clock.pending).to.equal(0)
  })

  it('a full relay is asked again, but not all the time; no more than four are used', async () => {
    const world = new World()
    const relays = await Promise.all([1, 2, 3, 4, 5, 6].map(relay))
    world.full.add(relays[0]!.toString())
    world.places.start()
    for (const peer of relays) {
      world.connect(peer)
      await world.clock.advance(1)
    }
    expect(world.held.size).to.equal(4)
    await world.clock.advance(60_000)
    const toFull = world.asked.filter(asked => asked === relays[0]!.toString())
    expect(toFull.length).to.be.within(1, 3)
    world.places.stop()
  })

  it('no place through a relayed connection; STUN where a relay was dialled, not where it came from', async () => {
    const world = new World()
    const [straight, inbound, relayed] = await Promise.all([relay(), relay(), relay()])
    world.connect(straight!, { remoteAddr: multiaddr('/ip6/2001:db8::7/tcp/4001') })
    world.connect(inbound!, { direction: 'inbound', remoteAddr: multiaddr('/ip4/8.8.8.8/tcp/51234') })
    world.connect(relayed!, { limits: {} })
    await world.clock.advance(1)
    expect([...world.held].sort()).to.deep.equal([straight, inbound].map(String).sort())
    expect(world.places.stunServers()).to.deep.equal(['[2001:db8::7]:4001'])
  })
})
