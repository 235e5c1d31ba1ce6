import type { PeerId as Libp2pPeerId, MultiaddrConnection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { BanList } from '../../../../node/platform/guard/ban-list.ts'
import { ConnectionGuard } from '../../../../node/platform/guard/connection-guard.ts'
import { GUARD_LIMITS } from '../../../../node/platform/guard/guard-limits.ts'
import { peerIdOf } from '../../../../protocols/peer-id.ts'
import { VirtualClock } from '../../../../sim/virtual-clock.ts'

class Arrival extends EventTarget {
  readonly remoteAddr
  status = 'open'

  constructor(address: string) {
    super()
    this.remoteAddr = multiaddr(address)
  }

  close(): void {
    this.status = 'closed'
    this.dispatchEvent(new Event('close'))
  }
}

const asConnection = (arrival: Arrival): MultiaddrConnection => arrival as unknown as MultiaddrConnection
const libp2pId = (seed: number): Libp2pPeerId => {
  const id = peerIdOf(new Uint8Array(32).fill(seed))
  return { toString: () => id } as Libp2pPeerId
}

function world() {
  const clock = new VirtualClock(1_000)
  const bans = new BanList(clock)
  const tooMany: string[] = []
  const logged: string[] = []
  const guard = new ConnectionGuard({
    clock,
    limits: GUARD_LIMITS,
    bans,
    onTooMany: peer => tooMany.push(peer),
    log: message => logged.push(message)
  })
  const { gater } = guard
  const arrive = (address: string): Arrival | null => {
    const arrival = new Arrival(address)
    if (gater.denyInboundConnection!(asConnection(arrival)) !== true) return arrival
    // As libp2p does with one that is refused.
    arrival.close()
    return null
  }
  const establish = (arrival: Arrival, seed: number): boolean =>
    gater.denyInboundEncryptedConnection!(libp2pId(seed), asConnection(arrival)) === false &&
    gater.denyInboundUpgradedConnection!(libp2pId(seed), asConnection(arrival)) === false
  return { clock, bans, guard, gater, arrive, establish, tooMany, logged }
}

const HOSPITAL = '/ip4/203.0.113.7/tcp/5000'

describe('the door', () => {
  it('lets four full cohorts behind one address in at once', () => {
    const { arrive, establish, guard } = world()
    for (let i = 0; i < GUARD_LIMITS.connectionsPerAddress; i++) {
      expect(establish(arrive(HOSPITAL)!, i % 250)).to.equal(true)
    }
    expect(guard.size).to.include({ established: GUARD_LIMITS.connectionsPerAddress, pending: 0 })
    expect(arrive(HOSPITAL)).to.equal(null)
  })

  it('refuses handshakes that are begun and not ended, of one address and of all', () => {
    const { arrive, guard, logged } = world()
    const held: Arrival[] = []
    for (let i = 0; i < 300; i++) {
      const arrival = arrive(HOSPITAL)
      if (arrival !== null) held.push(arrival)
    }
    expect(held).to.have.length(GUARD_LIMITS.pendingPerAddress)
    expect(logged, 'one line for all that were refused').to.have.length(1)
    for (let i = 0; i < 1_000; i++) arrive(`/ip4/198.51.100.${i % 250}/tcp/5000`)
    expect(guard.size.pending).to.equal(GUARD_LIMITS.pending)
    // Who gives up leaves room.
    for (const arrival of held) arrival.close()
    expect(guard.size.pending).to.equal(GUARD_LIMITS.pending - held.length)
  })

  it('counts what comes within a second, and forgets it', async () => {
    const { arrive, clock, guard } = world()
    let admitted = 0
    for (let i = 0; i < 1_000; i++) {
      const arrival = arrive(HOSPITAL)
      if (arrival !== null) admitted++
      arrival?.close()
    }
    expect(admitted).to.equal(GUARD_LIMITS.arrivalsPerAddress.burst)
    await clock.advance(10_000)
    expect(arrive(HOSPITAL)).to.not.equal(null)
    expect(arrive('/ip4/203.0.113.8/tcp/5000'), 'a neighbour').to.not.equal(null)
    for (let i = 0; i < 1_000; i++) arrive(`/ip4/198.51.100.${i % 250}/tcp/5000`)?.close()
    await clock.advance(60_000)
    guard.sweep()
    expect(guard.size.addresses, 'those with a connection').to.equal(2)
  })

  it('takes an IPv6 network of one customer for one address', () => {
    const { arrive } = world()
    let admitted = 0
    for (let i = 0; i < 1_000; i++) if (arrive(`/ip6/2001:db8::${i}/tcp/5000`) !== null) admitted++
    expect(admitted).to.equal(GUARD_LIMITS.pendingPerAddress)
  })

  it('has no limit for an address that is none: of this machine, or through a relay', () => {
    const { arrive, establish } = world()
    const relayed = `/ip4/203.0.113.7/tcp/4001/p2p/${libp2pId(1)}/p2p-circuit`
    for (let i = 0; i < 400; i++) {
      for (const address of ['/ip4/127.0.0.1/tcp/5000', relayed]) {
        expect(establish(arrive(address)!, i % 250)).to.equal(true)
      }
    }
  })

  it('refuses a banned address before the handshake, a banned peer after it, and dials neither', () => {
    const { arrive, bans, gater } = world()
    bans.ban('203.0.113.0/24', '', null)
    bans.ban(String(libp2pId(1)), '', null)
    expect(arrive(HOSPITAL)).to.equal(null)
    expect(arrive('/ip6/::ffff:203.0.113.9/tcp/5000'), 'as an IPv6 listener sees it').to.equal(null)
    const other = arrive('/ip4/198.51.100.1/tcp/5000')!
    expect(gater.denyInboundEncryptedConnection!(libp2pId(1), asConnection(other))).to.equal(true)
    expect(gater.denyInboundEncryptedConnection!(libp2pId(2), asConnection(other))).to.equal(false)
    expect(gater.denyDialPeer!(libp2pId(1))).to.equal(true)
    expect(gater.denyDialMultiaddr!(multiaddr(HOSPITAL))).to.equal(true)
    expect(gater.denyInboundRelayReservation!(libp2pId(1))).to.equal(true)
    expect(gater.denyInboundRelayedConnection!(libp2pId(2), libp2pId(1))).to.equal(true)
    bans.unban('203.0.113.0/24')
    expect(arrive(HOSPITAL)).to.not.equal(null)
  })

  it('tells who connects under one peer id again and again', () => {
    const { arrive, establish, tooMany } = world()
    for (let i = 0; i < GUARD_LIMITS.arrivalsPerPeer.burst; i++) {
      const arrival = arrive('/ip4/127.0.0.1/tcp/5000')!
      expect(establish(arrival, 1)).to.equal(true)
      arrival.close()
    }
    expect(establish(arrive('/ip4/127.0.0.1/tcp/5000')!, 1)).to.equal(false)
    expect(tooMany).to.deep.equal([String(libp2pId(1))])
  })
})
