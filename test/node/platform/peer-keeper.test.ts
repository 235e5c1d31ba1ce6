import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { PeerKeeper } from '../../../node/platform/peer-keeper.ts'
import {
  DIALLED_PEERS_MAX,
  PEER_EXCHANGE_INTERVAL_MS,
  PEER_FORGET_MS,
  REDIAL_MAX_MS
} from '../../../protocols/limits.ts'
import type { KnownPeer } from '../../../protocols/peer-exchange.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'

const BOOTSTRAP = '/ip4/10.0.0.1/tcp/4001/p2p/boot'

function known(peer: string): KnownPeer {
  return { peer, addresses: [`/ip4/10.0.0.2/tcp/1/p2p/${peer}`] }
}

/** A keeper in a world where `up` says who can be reached and `tells` what each peer answers. */
class World {
  readonly clock = new VirtualClock()
  readonly up = new Set<string>()
  readonly tells = new Map<string, KnownPeer[]>()
  readonly dials: Array<{ peer: string; atMs: number }> = []
  readonly asked: string[] = []
  readonly connected = new Set<string>()
  readonly relayed = new Set<string>()
  /** Of the relayed ones, those that could be reached straight. */
  readonly straight = new Set<string>()
  readonly keeper: PeerKeeper

  constructor(bootstrap: string[] = [BOOTSTRAP], self = 'm') {
    this.keeper = new PeerKeeper(
      {
        self,
        clock: this.clock,
        random: seededRandom(1),
        dial: async (peer, addresses) => {
          const target = peer ?? addresses[0]!.split('/').at(-1)!
          this.dials.push({ peer: target, atMs: this.clock.nowMs() })
          if (!this.up.has(target)) throw new Error('nobody there')
          // A straight way, if there is one by now.
          if (this.connected.has(target) && !this.straight.has(target)) throw new Error('no straight way')
          if (this.straight.has(target)) this.relayed.delete(target)
          this.connect(target)
          return target
        },
        connected: () => [...this.connected],
        isDirect: peer => !this.relayed.has(peer),
        addressesOf: async peer => known(peer).addresses,
        ask: async peer => {
          this.asked.push(peer)
          return this.tells.get(peer) ?? []
        },
        log: () => {}
      },
      bootstrap
    )
    this.keeper.start()
  }

  connect(peer: string): void {
    if (this.connected.has(peer)) return
    this.connected.add(peer)
    void this.keeper.connected(peer)
  }

  lose(peer: string): void {
    this.up.delete(peer)
    this.connected.delete(peer)
    this.keeper.disconnected(peer)
  }

  dialsOf(peer: string): number[] {
    return this.dials.filter(dial => dial.peer === peer).map(({ atMs }) => atMs)
  }
}

describe('peer keeper', () => {
  it('dials a bootstrap address until it answers, ever more slowly, and never gives it up', async () => {
    const world = new World()
    await world.clock.advance(2 * PEER_FORGET_MS)
    const times = world.dialsOf('boot')
    const waits = times.slice(1).map((atMs, i) => atMs - times[i]!)
    expect(waits[0]).to.be.below(500)
    expect(Math.max(...waits)).to.be.at.most(1.25 * REDIAL_MAX_MS)
    expect(waits.at(-1)).to.be.at.least(0.75 * REDIAL_MAX_MS)
    world.up.add('boot')
    await world.clock.advance(2 * REDIAL_MAX_MS)
    expect([...world.connected]).to.deep.equal(['boot'])
    const before = world.dials.length
    await world.clock.advance(PEER_FORGET_MS)
    expect(world.dials.length, 'once connected it is left alone').to.equal(before)
  })

  it('dials everyone that those whom it meets know of', async () => {
    const world = new World()
    for (const peer of ['boot', 'a', 'b', 'z']) world.up.add(peer)
    world.tells.set('boot', [known('a'), known('b'), known('m')])
    world.tells.set('b', [known('z')])
    await world.clock.advance(2000)
    expect([...world.connected].sort()).to.deep.equal(['a', 'b', 'boot', 'z'])
    expect(world.dialsOf('m'), 'not itself').to.deep.equal([])
  })

  it('hears of newcomers from those to whom it is connected', async () => {
    const world = new World()
    world.up.add('boot').add('late')
    await world.clock.advance(1000)
    world.tells.set('boot', [known('late')])
    await world.clock.advance(2 * PEER_EXCHANGE_INTERVAL_MS)
    expect([...world.connected]).to.include('late')
  })

  it('of two that learn of each other at once, the greater id waits a moment', async () => {
    const [first, second] = [new World([], 'a'), new World([], 'b')]
    first.keeper.learn([known('b')])
    second.keeper.learn([known('a')])
    await first.clock.advance(5000)
    await second.clock.advance(5000)
    expect(first.dialsOf('b')[0]).to.equal(0)
    expect(second.dialsOf('a')[0]).to.be.within(300, 500)
  })

  it('comes back to a peer that was lost, and forgets one that stays away', async () => {
    const world = new World([])
    world.up.add('a')
    world.keeper.learn([known('a')])
    await world.clock.advance(1000)
    world.lose('a')
    await world.clock.advance(60_000)
    world.up.add('a')
    await world.clock.advance(2 * REDIAL_MAX_MS)
    expect([...world.connected]).to.deep.equal(['a'])
    world.lose('a')
    await world.clock.advance(PEER_FORGET_MS + 2 * REDIAL_MAX_MS)
    const before = world.dials.length
    await world.clock.advance(PEER_FORGET_MS)
    expect(world.dials.length).to.equal(before)
  })

  it('dials at once when a lost peer is named with a new address', async () => {
    const world = new World([])
    world.keeper.learn([known('a')])
    await world.clock.advance(60_000)
    world.up.add('a')
    const before = world.dials.length
    world.keeper.learn([known('a')])
    await world.clock.advance(1)
    expect(world.dials.length, 'nothing new').to.equal(before)
    world.keeper.learn([{ peer: 'a', addresses: ['/ip4/10.0.0.9/tcp/9/p2p/a'] }])
    await world.clock.advance(500)
    expect([...world.connected]).to.deep.equal(['a'])
  })

  it('tries to replace a relayed connection, ever more slowly, until a straight one is there', async () => {
    const world = new World([])
    world.up.add('a')
    world.relayed.add('a')
    world.keeper.learn([known('a')])
    await world.clock.advance(30 * 60_000)
    const times = world.dialsOf('a')
    const waits = times.slice(1).map((atMs, i) => atMs - times[i]!)
    expect(waits[0]).to.be.within(3_000, 7_000)
    expect(waits[1]!).to.be.above(waits[0]!)
    expect(Math.max(...waits)).to.be.within(3 * 60_000, 7 * 60_000)
    world.straight.add('a')
    await world.clock.advance(10 * 60_000)
    const tries = world.dialsOf('a').length
    await world.clock.advance(30 * 60_000)
    expect(world.dialsOf('a').length, 'straight: left alone').to.equal(tries)
  })

  it('tries everyone who is away at once when it is told to hurry', async () => {
    const world = new World([])
    world.up.add('here')
    world.keeper.learn([known('here'), known('away')])
    await world.clock.advance(5 * 60_000)
    const [here, away] = [world.dialsOf('here').length, world.dialsOf('away').length]
    world.keeper.hurry()
    await world.clock.advance(500)
    expect(world.dialsOf('away').length).to.be.within(away + 1, away + 2)
    expect(world.dialsOf('here').length).to.equal(here)
  })

  it('asks a bootstrap peer again soon after it was met: others find a relay only then', async () => {
    const world = new World()
    world.up.add('boot').add('late')
    await world.clock.advance(1_000)
    world.tells.set('boot', [known('late')])
    await world.clock.advance(2_000)
    expect([...world.connected]).to.include('late')
  })

  it('tries one that was named and never reached ever less, however often it is named', async () => {
    const world = new World([])
    for (let minute = 0; minute < 30; minute++) {
      world.keeper.learn([known('walled')])
      await world.clock.advance(60_000)
    }
    const times = world.dialsOf('walled')
    expect(times.length).to.be.within(15, 30)
    expect(times.at(-1)! - times.at(-2)!).to.be.above(60_000)
  })

  it('leaves alone a peer that listens nowhere', async () => {
    const world = new World([])
    world.connected.add('quiet')
    await world.keeper.connected('quiet')
    world.keeper.learn([{ peer: 'silent', addresses: [] }])
    world.connected.delete('quiet')
    await world.clock.advance(1000)
    expect(world.dialsOf('silent')).to.deep.equal([])
  })

  it('stops dialling when it has enough peers, but not the bootstrap', async () => {
    const world = new World()
    for (let i = 0; i < DIALLED_PEERS_MAX; i++) world.connected.add(`c${i}`)
    world.up.add('extra')
    world.keeper.learn([known('extra')])
    await world.clock.advance(60_000)
    expect(world.dialsOf('extra')).to.deep.equal([])
    expect(world.dialsOf('boot').length).to.be.greaterThan(3)
  })

  it('asks few peers at a time, however many there are', async () => {
    const world = new World([])
    for (let i = 0; i < 50; i++) world.connected.add(`c${i}`)
    await world.clock.advance(10 * PEER_EXCHANGE_INTERVAL_MS)
    expect(world.asked.length).to.be.within(2 * 8, 2 * 14)
  })

  it('does nothing any more once it is stopped', async () => {
    const world = new World()
    world.keeper.stop()
    world.keeper.learn([known('a')])
    world.keeper.disconnected('a')
    await world.clock.advance(60_000)
    expect(world.dials).to.deep.equal([])
    expect(world.clock.pending).to.equal(0)
  })
})
