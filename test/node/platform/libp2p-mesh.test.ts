import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { PeerScores } from '../../../node/platform/guard/peer-scores.ts'
import { temporaryIdentity } from '../../../node/platform/identity.ts'
import {
  createLibp2pNetwork,
  type Libp2pNetwork,
  type Libp2pNetworkInit
} from '../../../node/platform/libp2p-network.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { systemClock } from '../../../node/platform/system-clock.ts'
import { createBlobExchange } from '../../../protocols/blob-exchange.ts'
import { BLOB_PROTOCOL } from '../../../protocols/blob-messages.ts'
import { NetworkError } from '../../../protocols/errors.ts'
import { CHUNK_BYTES } from '../../../protocols/limits.ts'
import type { GossipVerdict, Network } from '../../../protocols/ports.ts'
import type { TrafficRecord } from '../../../protocols/traffic.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'

const TOPIC = 'fedpeft/1/run/mesh'
const ABRUPT_PEER = fileURLToPath(new URL('../../support/abrupt-peer.ts', import.meta.url))

describe('libp2p network', () => {
  const networks: Libp2pNetwork[] = []
  afterEach(async () => {
    await Promise.all(networks.splice(0).map(network => network.close()))
  })

  async function peer(init: Partial<Libp2pNetworkInit> = {}): Promise<Libp2pNetwork> {
    const { privateKey } = await temporaryIdentity()
    const network = await createLibp2pNetwork({
      identity: privateKey,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      transports: 'internet',
      ...init
    })
    networks.push(network)
    return network
  }

  describe('staying connected', () => {
    it('six peers that know one address come to know each other, and stay so without it', async () => {
      const bootstrap = await peer()
      const bootstrapAddresses = bootstrap.addresses()
      const peers = await Promise.all(Array.from({ length: 6 }, () => peer({ bootstrapAddresses })))
      await until(() => peers.every(each => each.peers().length === 6))
      await bootstrap.close()
      await until(() => peers.every(each => each.peers().length === 5))
      let heard = 0
      for (const each of peers)
        each.subscribe(
          TOPIC,
          counting(() => heard++)
        )
      await publishUntil(peers[0]!, () => heard >= 5)
    })

    it('a bootstrap peer that comes late, or comes back, is found', async () => {
      const { privateKey } = await temporaryIdentity()
      const port = await freePort()
      const init = { identity: privateKey, listen: [`/ip4/127.0.0.1/tcp/${port}`] }
      const member = await peer({ bootstrapAddresses: [`/ip4/127.0.0.1/tcp/${port}`] })
      const first = await peer(init)
      await until(() => member.peers().includes(first.peerId))
      await first.close()
      await until(() => member.peers().length === 0)
      const second = await peer(init)
      await until(() => member.peers().includes(second.peerId))
    })

    it('those who cannot reach each other hear each other through a third, once it has accepted', async () => {
      const middle = await peer()
      const [a, c] = [await peer({ listen: [] }), await peer({ listen: [] })]
      for (const edge of [a, c]) await edge.dial(middle.addresses()[0]!)
      const verdicts: Record<string, GossipVerdict> = { yes: 'accept', no: 'reject', later: 'ignore' }
      const seen: string[] = []
      middle.subscribe(TOPIC, async (_, data) => {
        seen.push(new TextDecoder().decode(data))
        return verdicts[seen.at(-1)!] ?? 'ignore'
      })
      const heard: string[] = []
      c.subscribe(TOPIC, async (from, data) => {
        heard.push(`${from} ${new TextDecoder().decode(data)}`)
        return 'accept'
      })
      expect(a.peers()).to.deep.equal([middle.peerId])
      for (const word of ['no', 'later']) await publishUntil(a, () => seen.includes(word), word)
      await publishUntil(a, () => heard.length > 0, 'yes')
      expect(new Set(heard)).to.deep.equal(new Set([`${a.peerId} yes`]))
    })

    it('a process that is killed breaks its answers and is missed at once', async () => {
      const child = spawn(process.execPath, [ABRUPT_PEER], { stdio: ['ignore', 'pipe', 'inherit'] })
      try {
        const [address] = await once(child.stdout, 'data')
        const a = await peer()
        const other = await a.dial(String(address).trim())
        const options = { timeoutMs: 60_000, maxFrameBytes: 10 }
        const answer = a
          .request(other, '/fedpeft/endless/1', new Uint8Array(0), options)
          [Symbol.asyncIterator]()
        expect((await answer.next()).value).to.deep.equal(Uint8Array.of(1))
        child.kill('SIGKILL')
        const error = await failure(answer.next())
        expect(error.code).to.equal('RESET')
        await until(() => a.peers().length === 0)
      } finally {
        child.kill('SIGKILL')
      }
    })
  })

  describe('what it says to the person', () => {
    it('a port that is taken', async () => {
      const port = await freePort()
      await peer({ listen: [`/ip4/127.0.0.1/tcp/${port}`] })
      const error = await failure(peer({ listen: [`/ip4/127.0.0.1/tcp/${port}`] }))
      expect(error.code).to.equal('PORT_TAKEN')
      expect(error.data).to.deep.equal({ address: `/ip4/127.0.0.1/tcp/${port}`, port })
      expect(error.message).to.include(`port ${port} is in use`).and.include('choose another port')
    })

    it('an address that nobody answers, or somebody else', async () => {
      const a = await peer()
      const closed = await failure(a.dial(`/ip4/127.0.0.1/tcp/${await freePort()}`))
      expect(closed.code).to.equal('UNREACHABLE')
      expect(closed.message).to.include('ECONNREFUSED')
      const [b, c] = [await peer(), await peer()]
      const wrong = await failure(a.dial(b.addresses()[0]!.replace(b.peerId, c.peerId)))
      expect(wrong.code).to.equal('UNREACHABLE')
    })

    it('something that is no address, or none of ours', async () => {
      const a = await peer()
      for (const address of ['localhost:4001', '', '/ip4/300.0.0.1/tcp/1', '/dns4/example.org/udp/1']) {
        expect((await failure(a.dial(address))).code, address).to.equal('BAD_ADDRESS')
        expect((await failure(peer({ listen: [address] }))).code, address).to.equal('BAD_ADDRESS')
        expect((await failure(peer({ bootstrapAddresses: [address] }))).code, address).to.equal('BAD_ADDRESS')
      }
      const elsewhere = await failure(peer({ listen: ['/ip4/192.0.2.1/tcp/0'] }))
      expect(elsewhere.code).to.equal('BAD_ADDRESS')
      expect(elsewhere.message).to.include('0.0.0.0')
    })
  })

  describe('accounts', () => {
    it('a recorder sees every plaintext, and the wire carries at least as much, unreadably', async () => {
      const records: TrafficRecord[] = []
      const a = await peer({ recorder: record => records.push(record) })
      const b = await peer()
      await b.dial(a.addresses()[0]!)
      b.serve('/fedpeft/echo/1', 10_000, async function* (_, body) {
        yield body
        yield body
      })
      await drain(
        a.request(b.peerId, '/fedpeft/echo/1', new Uint8Array(9000), { timeoutMs: 5000, maxFrameBytes: 9000 })
      )
      let heard = 0
      b.subscribe(
        TOPIC,
        counting(() => heard++)
      )
      await publishUntil(a, () => heard > 0)
      const ours = records.filter(({ label }) => label === '/fedpeft/echo/1')
      expect(
        ours.map(({ direction, kind, peer, bytes }) => [direction, kind, peer, bytes.length])
      ).to.deep.equal([
        ['out', 'request', b.peerId, 9000],
        ['in', 'answer', b.peerId, 9000],
        ['in', 'answer', b.peerId, 9000]
      ])
      expect(
        records.some(({ kind, label, peer }) => kind === 'gossip' && label === TOPIC && peer === a.peerId)
      ).to.equal(true)
      const { sent, received, wire } = a.bytes()
      expect(sent.get('/fedpeft/echo/1')).to.deep.equal({ messages: 1, bytes: 9000 })
      expect(received.get('/fedpeft/echo/1')).to.deep.equal({ messages: 2, bytes: 18_000 })
      const echo = wire.protocols.get('/fedpeft/echo/1')!
      expect(echo.sentBytes).to.be.within(9000, 9100)
      expect(echo.receivedBytes).to.be.within(18_000, 18_200)
      expect(wire.connections.sentBytes).to.be.greaterThan(echo.sentBytes)
      expect(wire.connections.receivedBytes).to.be.greaterThan(echo.receivedBytes)
      expect(wire.protocols.get('/meshsub/1.2.0')!.sentBytes).to.be.greaterThan(0)
    })
  })

  it('pulls a blob of 5 MiB from two holders, one of which leaves', async () => {
    const [a, b, c] = [await peer(), await peer(), await peer()]
    for (const other of [a, b]) await c.dial(other.addresses()[0]!)
    const crypto = nodeCrypto()
    const blob = crypto.randomBytes(5 * 1024 * 1024 + 1)
    let served = 0
    const leaving: Network = {
      ...portOf(a),
      serve: (protocol, maxBodyBytes, handle) =>
        a.serve(protocol, maxBodyBytes, async function* (from, body) {
          for await (const frame of handle(from, body)) {
            yield frame
            if (frame.length === CHUNK_BYTES && ++served === 3) void a.close()
          }
        })
    }
    const address = createBlobExchange({
      network: leaving,
      clock: systemClock,
      crypto,
      allow: () => true
    }).put(blob)
    createBlobExchange({ network: b, clock: systemClock, crypto, allow: () => true }).put(blob)
    const mine = createBlobExchange({ network: c, clock: systemClock, crypto, allow: () => true })
    const pulled = await mine.pull(address, blob.length, [a.peerId, b.peerId])
    expect(Buffer.compare(pulled, blob)).to.equal(0)
    expect(served).to.be.at.least(3)
    const received = c.bytes().received.get(BLOB_PROTOCOL)!.bytes
    expect(received, 'no chunk twice, but for what broke off').to.be.below(blob.length + 5 * CHUNK_BYTES)
  })
})

describe('the score of a peer', () => {
  it('forgives a few, shuns who goes on, and forgets in time', async () => {
    const clock = new VirtualClock()
    const scores = new PeerScores(clock)
    for (let i = 0; i < 8; i++) scores.add('a', 1)
    expect(scores.gossipScoreOf('a')).to.equal(0)
    for (let i = 0; i < 10; i++) scores.add('a', 1)
    expect(scores.gossipScoreOf('a')).to.be.below(-80)
    expect(scores.gossipScoreOf('b')).to.equal(0)
    await clock.advance(120_000)
    expect(scores.gossipScoreOf('a')).to.equal(0)
  })
})

function portOf(network: Libp2pNetwork): Network {
  return {
    peerId: network.peerId,
    publish: (topic, data) => network.publish(topic, data),
    subscribe: (topic, handle) => network.subscribe(topic, handle),
    peers: () => network.peers(),
    request: (to, protocol, body, options) => network.request(to, protocol, body, options),
    serve: (protocol, maxBodyBytes, handle) => network.serve(protocol, maxBodyBytes, handle),
    onPeer: handle => network.onPeer(handle),
    close: () => network.close()
  }
}

function counting(count: () => void): Parameters<Network['subscribe']>[1] {
  return async () => {
    count()
    return 'accept'
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + 20_000
  while (!condition()) {
    if (Date.now() > deadlineMs) throw new Error('waited 20 s')
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** Says it again until it was heard: subscriptions take a moment to spread. */
async function publishUntil(from: Network, heard: () => boolean, message = 'hello'): Promise<void> {
  for (let i = 0; i < 500 && !heard(); i++) {
    await from.publish(TOPIC, new TextEncoder().encode(message))
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  await until(heard)
}

async function drain(frames: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of frames);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : expect.fail('no port')
}

async function failure(work: Promise<unknown>): Promise<NetworkError> {
  const error = await work.then(
    () => expect.fail('expected a failure'),
    error => error
  )
  expect(error).to.be.instanceOf(NetworkError)
  return error
}
