import { expect } from 'chai'
import { peerIdOf } from '../../protocols/peer-id.ts'
import type { Network } from '../../protocols/ports.ts'
import { createSimWorld, type SimWorldOptions } from '../../sim/sim-network.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { networkConformance } from '../conformance/network.ts'

function id(n: number): string {
  return peerIdOf(new Uint8Array(32).fill(n))
}

networkConformance('simulated', async () => {
  const clock = new VirtualClock()
  const world = createSimWorld({ clock, seed: 1 })
  const networks: Network[] = []
  let driving = 0
  const until = async (condition: () => boolean): Promise<void> => {
    driving++
    try {
      if (!(await clock.runUntil(condition, 600_000))) throw new Error('nothing is left that could happen')
    } finally {
      driving--
    }
  }
  return {
    async join() {
      const network = world.join(id(networks.length + 100))
      networks.push(network)
      return network
    },
    async kill(network) {
      world.kill(network.peerId)
    },
    until,
    async moment() {
      const moment = new Promise<void>(resolve => void clock.after(100, resolve))
      let passed = false
      void moment.then(() => (passed = true))
      // Somebody inside `until` already moves the time.
      if (driving === 0) await until(() => passed)
      await moment
    },
    async close() {}
  }
})

describe('simulated network', () => {
  const TOPIC = 'fedpeft/1/run/sim'

  /** Five peers gossip; what each heard, from whom and when, as text. */
  async function heardWith(options: Partial<SimWorldOptions>): Promise<string[]> {
    const clock = new VirtualClock()
    const world = createSimWorld({ clock, seed: 1, ...options })
    const networks = [1, 2, 3, 4, 5].map(n => world.join(id(n)))
    const heard: string[] = []
    networks.forEach((network, i) => {
      network.subscribe(TOPIC, async (from, data) => {
        heard.push(`${i} ${from.slice(-4)} ${data[0]} ${clock.nowMs().toFixed(3)}`)
        return 'accept'
      })
    })
    await clock.advance(1000)
    for (let n = 0; n < 20; n++)
      for (const network of networks) await network.publish(TOPIC, Uint8Array.of(n))
    await clock.runUntilIdle()
    return heard
  }

  it('repeats itself with the same seed, and does not with another', async () => {
    const options = { lossRate: 0.1, duplicateRate: 0.1 }
    const first = await heardWith(options)
    expect(await heardWith(options)).to.deep.equal(first)
    expect(await heardWith({ ...options, seed: 2 })).not.to.deep.equal(first)
  })

  it('delivers everything out of order, and loses and repeats as much as it is told to', async () => {
    const all = await heardWith({})
    expect(all).to.have.length(20 * 5 * 4)
    const numbers = all
      .filter(line => line.startsWith(`0 ${id(2).slice(-4)}`))
      .map(line => Number(line.split(' ')[2]))
    expect(numbers).to.have.length(20)
    expect(numbers).not.to.deep.equal([...numbers].sort((a, b) => a - b))
    const lossy = (await heardWith({ lossRate: 0.25 })).length
    expect(lossy).to.be.within(0.65 * all.length, 0.85 * all.length)
    expect((await heardWith({ duplicateRate: 0.5 })).length).to.be.within(1.4 * all.length, 1.6 * all.length)
    expect(await heardWith({ lossRate: 1 })).to.deep.equal([])
  })

  it('keeps the sides of a partition apart until it heals', async () => {
    const clock = new VirtualClock()
    const world = createSimWorld({ clock, seed: 1 })
    const [a, b, c] = [world.join(id(1)), world.join(id(2)), world.join(id(3))]
    const events: string[] = []
    a.onPeer((peer, connected) => events.push(`${peer === b.peerId ? 'b' : 'c'} ${connected}`))
    const heard: string[] = []
    for (const network of [b, c]) {
      network.subscribe(TOPIC, async (_, data) => {
        heard.push(`${network === b ? 'b' : 'c'} ${data[0]}`)
        return 'accept'
      })
    }
    await clock.advance(100)
    world.partition([a.peerId, b.peerId], [c.peerId])
    await a.publish(TOPIC, Uint8Array.of(1))
    await clock.advance(100)
    expect(heard).to.deep.equal(['b 1'])
    expect(a.peers()).to.deep.equal([b.peerId])
    world.heal()
    await a.publish(TOPIC, Uint8Array.of(2))
    await clock.advance(100)
    expect(heard.sort()).to.deep.equal(['b 1', 'b 2', 'c 2'])
    expect(events.slice(2)).to.deep.equal(['c false', 'c true'])
  })

  it('breaks the streams across a new partition', async () => {
    const clock = new VirtualClock()
    const world = createSimWorld({ clock, seed: 1 })
    const [a, b] = [world.join(id(1)), world.join(id(2))]
    b.serve('/fedpeft/slow/1', 0, async function* () {
      await new Promise(resolve => void clock.after(10_000, () => resolve(null)))
    })
    let code = ''
    const asking = async (): Promise<void> => {
      const options = { timeoutMs: 60_000, maxFrameBytes: 1 }
      for await (const _ of a.request(b.peerId, '/fedpeft/slow/1', new Uint8Array(0), options));
    }
    asking().catch(error => {
      code = error.code
    })
    await clock.advance(1000)
    world.partition([a.peerId], [b.peerId])
    await clock.advance(1)
    expect(code).to.equal('RESET')
  })

  it('shares no memory between peers', async () => {
    const clock = new VirtualClock()
    const world = createSimWorld({ clock, seed: 1 })
    const [a, b] = [world.join(id(1)), world.join(id(2))]
    const received: Uint8Array[] = []
    b.subscribe(TOPIC, async (_, data) => {
      received.push(data)
      return 'accept'
    })
    const data = Uint8Array.of(1)
    await a.publish(TOPIC, data)
    data[0] = 9
    await clock.runUntilIdle()
    expect([...received[0]!]).to.deep.equal([1])
    expect(received[0]!.buffer).not.to.equal(data.buffer)
  })

  it('counts what passes by topic and protocol, and lets a recorder see it', async () => {
    const clock = new VirtualClock()
    const world = createSimWorld({ clock, seed: 1 })
    const records: string[] = []
    const a = world.join(id(1), ({ direction, kind, label, bytes }) =>
      records.push(`${direction} ${kind} ${label} ${bytes.length}`)
    )
    const b = world.join(id(2))
    b.subscribe(TOPIC, async () => 'accept')
    b.serve('/fedpeft/echo/1', 10, async function* (_, body) {
      yield body
      yield body
    })
    await a.publish(TOPIC, new Uint8Array(5))
    const asking = async (): Promise<void> => {
      const options = { timeoutMs: 1000, maxFrameBytes: 10 }
      for await (const _ of a.request(b.peerId, '/fedpeft/echo/1', new Uint8Array(7), options));
    }
    void asking()
    await clock.runUntilIdle()
    expect(records).to.deep.equal([
      `out gossip ${TOPIC} 5`,
      'out request /fedpeft/echo/1 7',
      'in answer /fedpeft/echo/1 7',
      'in answer /fedpeft/echo/1 7'
    ])
    expect(a.bytes().received.get('/fedpeft/echo/1')).to.deep.equal({ messages: 2, bytes: 14 })
    expect(b.bytes().received.get(TOPIC)).to.deep.equal({ messages: 1, bytes: 5 })
    expect(b.bytes().sent.get('/fedpeft/echo/1')).to.deep.equal({ messages: 2, bytes: 14 })
  })

  it('refuses a second peer of the same id while the first is there', () => {
    const world = createSimWorld({ clock: new VirtualClock(), seed: 1 })
    world.join(id(1))
    expect(() => world.join(id(1))).to.throw(RangeError, id(1))
    world.kill(id(1))
    world.join(id(1))
  })
})
