/** What every implementation of the `Network` port does. Each is run through all of it. */
import { expect } from 'chai'
import { NetworkError, type NetworkErrorCode } from '../../protocols/errors.ts'
import { ANSWER_WINDOW_BYTES, CHUNK_BYTES, GOSSIP_MESSAGE_BYTES } from '../../protocols/limits.ts'
import { peerIdOf } from '../../protocols/peer-id.ts'
import type { Network, PeerId } from '../../protocols/ports.ts'

export interface ConformanceWorld {
  /** A new network that is connected with every one before it. */
  join(): Promise<Network>
  /** That peer vanishes without a word. */
  kill(network: Network): Promise<void>
  /** Lets this world's time pass until the condition holds. @throws if that takes too long */
  until(condition: () => boolean): Promise<void>
  /** Lets a moment pass in which everything that can happen has time to. */
  moment(): Promise<void>
  close(): Promise<void>
}

const TOPIC = 'fedpeft/1/run/conformance'
const ECHO = '/fedpeft/echo/1'
const OPTIONS = { timeoutMs: 5_000, maxFrameBytes: CHUNK_BYTES }
const STRANGER = peerIdOf(new Uint8Array(32).fill(7))

export function networkConformance(name: string, createWorld: () => Promise<ConformanceWorld>): void {
  describe(`Network: ${name}`, () => {
    let world: ConformanceWorld
    beforeEach(async () => {
      world = await createWorld()
    })
    afterEach(() => world.close())
    const wait = <T>(promise: Promise<T>): Promise<T> => settled(world, promise)
    const current = (): ConformanceWorld => world
    describe('gossip', () => gossipBehaviours(current))
    describe('requests', () => requestBehaviours(current, wait))
    describe('requests that go wrong', () => requestFaults(current, wait))
    describe('peers', () => peerBehaviours(current, wait))
  })
}

function gossipBehaviours(current: () => ConformanceWorld): void {
  it('reaches every subscriber, with its publisher, and neither the publisher nor anyone else', async () => {
    const world = current()
    const [a, b, c, d] = [await world.join(), await world.join(), await world.join(), await world.join()]
    const heard = { a: [] as string[], b: [] as string[], c: [] as string[] }
    a.subscribe(TOPIC, note(heard.a))
    b.subscribe(TOPIC, note(heard.b))
    c.subscribe(TOPIC, note(heard.c))
    d.subscribe(`${TOPIC}/other`, async () => expect.fail('not subscribed'))
    await publishUntil(world, a, () => heard.b.length > 0 && heard.c.length > 0)
    expect(heard.b[0]).to.equal(`${a.peerId} hello`)
    expect(heard.c[0]).to.equal(`${a.peerId} hello`)
    expect(heard.a).to.deep.equal([])
  })

  it('goes on after messages that were ignored, rejected, or broke a handler', async () => {
    const world = current()
    const [a, b] = [await world.join(), await world.join()]
    const heard: string[] = []
    b.subscribe(TOPIC, async (_, data) => {
      const text = new TextDecoder().decode(data)
      heard.push(text)
      if (text === 'throw') throw new Error('a fault of ours')
      return text === 'ignore' || text === 'reject' ? text : 'accept'
    })
    for (const text of ['hello', 'ignore', 'reject', 'throw', 'last']) {
      await publishUntil(world, a, () => heard.includes(text), text)
    }
    expect(new Set(heard)).to.deep.equal(new Set(['hello', 'ignore', 'reject', 'throw', 'last']))
  })

  it('is heard by every handler of a topic until it is removed', async () => {
    const world = current()
    const [a, b] = [await world.join(), await world.join()]
    const [first, second]: [string[], string[]] = [[], []]
    const removeFirst = b.subscribe(TOPIC, note(first))
    b.subscribe(TOPIC, note(second))
    await publishUntil(world, a, () => first.length > 0 && second.length > 0)
    removeFirst()
    const before = first.length
    await publishUntil(world, a, () => second.includes(`${a.peerId} again`), 'again')
    expect(first.length).to.equal(before)
  })

  it('carries the longest message, and refuses a longer one aloud', async () => {
    const world = current()
    const [a, b] = [await world.join(), await world.join()]
    const lengths: number[] = []
    b.subscribe(TOPIC, async (_, data) => {
      lengths.push(data.length)
      return 'accept'
    })
    const longest = new Uint8Array(GOSSIP_MESSAGE_BYTES).fill(1)
    const error = await failure(a.publish(TOPIC, new Uint8Array(GOSSIP_MESSAGE_BYTES + 1)))
    expect(error.code).to.equal('TOO_LARGE')
    expect(error.data).to.include({ topic: TOPIC, maxBytes: GOSSIP_MESSAGE_BYTES })
    await publishUntil(world, a, () => lengths.length > 0, longest)
    expect(lengths[0]).to.equal(GOSSIP_MESSAGE_BYTES)
  })
}

type Wait = <T>(promise: Promise<T>) => Promise<T>

function requestBehaviours(current: () => ConformanceWorld, wait: Wait): void {
  it('carries the body there, and the frames back in order, empty ones included', async () => {
    const [a, b] = [await current().join(), await current().join()]
    const seen: Array<{ from: PeerId; body: string }> = []
    b.serve(ECHO, 100, async function* (from, body) {
      seen.push({ from, body: new TextDecoder().decode(body) })
      yield body
      yield new Uint8Array(0)
      yield Uint8Array.of(1, 2, 3)
    })
    const frames = await wait(collect(a.request(b.peerId, ECHO, text('ask'), OPTIONS)))
    expect(seen).to.deep.equal([{ from: a.peerId, body: 'ask' }])
    expect(frames.map(frame => [...frame])).to.deep.equal([[...text('ask')], [], [1, 2, 3]])
  })

  it('takes an empty body and an answer without frames', async () => {
    const [a, b] = [await current().join(), await current().join()]
    b.serve(ECHO, 0, async function* () {})
    expect(await wait(collect(a.request(b.peerId, ECHO, new Uint8Array(0), OPTIONS)))).to.deep.equal([])
  })

  it('serves many at a time, each with its own answer', async () => {
    const [a, b] = [await current().join(), await current().join()]
    b.serve(ECHO, 4, async function* (_, body) {
      for (let i = 0; i < 20; i++) yield Uint8Array.of(body[0]!, i)
    })
    const asked = Array.from({ length: 12 }, (_, i) =>
      collect(a.request(b.peerId, ECHO, Uint8Array.of(i), OPTIONS))
    )
    const answers = await wait(Promise.all(asked))
    answers.forEach((frames, i) => {
      expect(frames.map(frame => [...frame])).to.deep.equal(Array.from({ length: 20 }, (_, k) => [i, k]))
    })
  })

  it('holds back a server whose reader is slow: 16 MiB pass, at most a window waits', async () => {
    const world = current()
    const [a, b] = [await world.join(), await world.join()]
    let produced = 0
    b.serve(ECHO, 0, async function* () {
      for (let i = 0; i < 64; i++) {
        produced += CHUNK_BYTES
        yield new Uint8Array(CHUNK_BYTES).fill(i)
      }
    })
    let consumed = 0
    let mostWaiting = 0
    const reading = (async () => {
      for await (const frame of a.request(b.peerId, ECHO, new Uint8Array(0), OPTIONS)) {
        if (consumed % (8 * CHUNK_BYTES) === 0) await world.moment()
        mostWaiting = Math.max(mostWaiting, produced - consumed)
        expect(frame.every(byte => byte === consumed / CHUNK_BYTES)).to.equal(true)
        consumed += frame.length
      }
    })()
    await wait(reading)
    expect(consumed).to.equal(64 * CHUNK_BYTES)
    // The window, the frame being read and the one being written.
    expect(mostWaiting).to.be.at.most(ANSWER_WINDOW_BYTES + 2 * CHUNK_BYTES)
  })

  it('stops a server whose reader has left', async () => {
    const world = current()
    const [a, b] = [await world.join(), await world.join()]
    let stopped = false
    b.serve(ECHO, 0, async function* () {
      try {
        for (;;) yield new Uint8Array(CHUNK_BYTES)
      } finally {
        stopped = true
      }
    })
    const reading = (async () => {
      for await (const frame of a.request(b.peerId, ECHO, new Uint8Array(0), OPTIONS)) return frame.length
    })()
    expect(await wait(reading)).to.equal(CHUNK_BYTES)
    await world.until(() => stopped)
  })
}

function requestFaults(current: () => ConformanceWorld, wait: Wait): void {
  const ask = (a: Network, to: PeerId, options = OPTIONS): Promise<NetworkError> =>
    wait(failure(collect(a.request(to, ECHO, text('ask'), options))))

  it('refuses a frame above the limit and a body above the limit', async () => {
    const [a, b] = [await current().join(), await current().join()]
    let served = 0
    b.serve(ECHO, 3, async function* () {
      served++
      yield new Uint8Array(11)
    })
    expect(await ask(a, b.peerId, { ...OPTIONS, maxFrameBytes: 10 })).to.have.property('code', 'TOO_LARGE')
    expect(served).to.equal(1)
    const long = await wait(failure(collect(a.request(b.peerId, ECHO, text('long'), OPTIONS))))
    expect(long.code).to.equal('TOO_LARGE')
    expect(served).to.equal(1)
    expect(
      await wait(collect(a.request(b.peerId, ECHO, text('ask'), { ...OPTIONS, maxFrameBytes: 11 })))
    ).to.have.length(1)
  })

  it('gives up on a peer that does not answer', async () => {
    const [a, b] = [await current().join(), await current().join()]
    b.serve(ECHO, 10, async function* () {
      yield text('first')
      await new Promise(() => {})
    })
    const frames: Uint8Array[] = []
    const asking = (async () => {
      for await (const frame of a.request(b.peerId, ECHO, text('ask'), { ...OPTIONS, timeoutMs: 400 }))
        frames.push(frame)
    })()
    const error = await wait(failure(asking))
    expect(error.code).to.equal('TIMEOUT')
    expect(error.data).to.include({ peer: b.peerId, protocol: ECHO, timeoutMs: 400 })
    expect(frames).to.have.length(1)
  })

  it('tells of a handler that failed as a broken answer', async () => {
    const [a, b] = [await current().join(), await current().join()]
    b.serve(ECHO, 10, async function* () {
      yield text('first')
      throw new Error('a fault of theirs')
    })
    expect(await ask(a, b.peerId)).to.have.property('code', 'RESET')
  })

  it('cannot reach a stranger, nor a protocol that is not served, nor one that is served no longer', async () => {
    const [a, b] = [await current().join(), await current().join()]
    expect(await ask(a, STRANGER)).to.have.property('code', 'UNREACHABLE')
    expect(await ask(a, b.peerId)).to.have.property('code', 'UNREACHABLE')
    const stop = b.serve(ECHO, 10, async function* () {})
    expect(await wait(collect(a.request(b.peerId, ECHO, text('ask'), OPTIONS)))).to.deep.equal([])
    stop()
    await current().moment()
    expect(await ask(a, b.peerId)).to.have.property('code', 'UNREACHABLE')
  })

  it('notices a peer that vanishes in the middle of an answer', async () => {
    const world = current()
    const [a, b] = [await world.join(), await world.join()]
    b.serve(ECHO, 10, async function* () {
      yield text('first')
      await new Promise(() => {})
    })
    let frames = 0
    const asking = (async () => {
      for await (const _ of a.request(b.peerId, ECHO, text('ask'), { ...OPTIONS, timeoutMs: 50_000 }))
        frames++
    })()
    const failed = failure(asking)
    await world.until(() => frames === 1)
    await world.kill(b)
    expect((await wait(failed)).code).to.equal('RESET')
  })

  it('refuses to serve one protocol twice', async () => {
    const a = await current().join()
    a.serve(ECHO, 0, async function* () {})
    expect(() => a.serve(ECHO, 0, async function* () {})).to.throw(RangeError, ECHO)
  })
}

function peerBehaviours(current: () => ConformanceWorld, wait: Wait): void {
  it('tells of each peer that comes and goes', async () => {
    const world = current()
    const a = await world.join()
    const events: string[] = []
    const stop = a.onPeer((peer, connected) => events.push(`${peer} ${connected}`))
    const b = await world.join()
    await world.until(() => events.length === 1 && a.peers().length === 1 && b.peers().length === 1)
    expect(a.peers()).to.deep.equal([b.peerId])
    expect(b.peers()).to.deep.equal([a.peerId])
    await world.kill(b)
    await world.until(() => events.length === 2 && a.peers().length === 0)
    expect(events).to.deep.equal([`${b.peerId} true`, `${b.peerId} false`])
    stop()
    const c = await world.join()
    await world.until(() => a.peers().includes(c.peerId))
    expect(events).to.have.length(2)
  })

  it('once closed, refuses everything, and the others see it go', async () => {
    const world = current()
    const [a, b] = [await world.join(), await world.join()]
    await world.until(() => a.peers().includes(b.peerId))
    b.serve(ECHO, 10, async function* () {
      yield text('first')
      await new Promise(() => {})
    })
    const pending = failure(collect(b.request(a.peerId, ECHO, new Uint8Array(0), OPTIONS)))
    await wait(b.close())
    await wait(b.close())
    expect((await wait(pending)).code).to.be.oneOf(['CLOSED', 'RESET', 'UNREACHABLE'])
    await world.until(() => !a.peers().includes(b.peerId))
    expect(b.peers()).to.deep.equal([])
    const refusals: Array<NetworkErrorCode | undefined> = [
      (await wait(failure(b.publish(TOPIC, text('x'))))).code,
      (await wait(failure(collect(b.request(a.peerId, ECHO, text('x'), OPTIONS))))).code
    ]
    expect(refusals).to.deep.equal(['CLOSED', 'CLOSED'])
    expect(() => b.subscribe(TOPIC, async () => 'accept')).to.throw(NetworkError)
    expect(() => b.serve(`${ECHO}/2`, 0, async function* () {})).to.throw(NetworkError)
  })
}

function text(characters: string): Uint8Array {
  return new TextEncoder().encode(characters)
}

function note(heard: string[]): Parameters<Network['subscribe']>[1] {
  return async (from, data) => {
    heard.push(`${from} ${new TextDecoder().decode(data)}`)
    return 'accept'
  }
}

/** Gossip may be lost while subscriptions are still spreading, so it is said again until it was heard. */
async function publishUntil(
  world: ConformanceWorld,
  from: Network,
  heard: () => boolean,
  message: string | Uint8Array = 'hello'
): Promise<void> {
  for (let i = 0; i < 100 && !heard(); i++) {
    await from.publish(TOPIC, typeof message === 'string' ? text(message) : message)
    await world.moment()
  }
  await world.until(heard)
}

async function collect(frames: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = []
  for await (const frame of frames) all.push(frame)
  return all
}

async function failure(work: Promise<unknown>): Promise<NetworkError> {
  try {
    await work
  } catch (error) {
    if (error instanceof NetworkError) return error
    throw error
  }
  return expect.fail('expected a NetworkError')
}

async function settled<T>(world: ConformanceWorld, promise: Promise<T>): Promise<T> {
  let done = false
  const marked = promise.finally(() => {
    done = true
  })
  marked.catch(() => {})
  await world.until(() => done)
  return marked
}
