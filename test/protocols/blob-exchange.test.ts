import { expect } from 'chai'
import fc from 'fast-check'
import { chunkHashes } from '../../aggregation/blob-address.ts'
import { createBlobExchange } from '../../protocols/blob-exchange.ts'
import { type BlobRequest, decodeBlobRequest, encodeBlobRequest } from '../../protocols/blob-messages.ts'
import { ProtocolError } from '../../protocols/errors.ts'
import { CHUNK_BYTES, CONCURRENT_PULLS, RUN_CHUNKS, WINDOW_BYTES } from '../../protocols/limits.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { crypto, failure, type Honest, randomBytes, World } from '../support/blob-world.ts'

const MIB = 1024 * 1024

describe('blob exchange', () => {
  it('pulls 5 MiB from its only holder, and the puller is a holder then', async () => {
    const world = new World()
    const [a, b, c] = [world.peer(), world.peer(), world.peer()]
    const blob = randomBytes(5 * MIB, 1)
    const address = a.blobs.put(blob)
    expect(await world.run(b.blobs.pull(address, blob.length, [a.id]))).to.deep.equal(blob)
    expect(b.blobs.has(address)).to.equal(true)
    world.sim.kill(a.id)
    expect(await world.run(c.blobs.pull(address, blob.length, [a.id, b.id]))).to.deep.equal(blob)
  })

  it('brings a blob of any length, to the last byte', async () => {
    const edge = fc.constantFrom(0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 4 * CHUNK_BYTES)
    const lengths = fc.oneof(edge, fc.integer({ min: 0, max: 10 * CHUNK_BYTES }))
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 1, max: 1000 }), async (length, seed) => {
        const world = new World(seed)
        const [a, b] = [world.peer(), world.peer()]
        const blob = randomBytes(length, seed)
        const address = a.blobs.put(blob, chunkHashes(blob, crypto))
        expect(await world.run(b.blobs.pull(address, length, [a.id]))).to.deep.equal(blob)
      }),
      { numRuns: 20 }
    )
  })

  it('goes on from another holder when one vanishes, without pulling a good chunk twice', async () => {
    const world = new World()
    const [a, b, c] = [world.peer(), world.peer(), world.peer()]
    const blob = randomBytes(20 * CHUNK_BYTES, 2)
    const address = a.blobs.put(blob)
    b.blobs.put(blob)
    const pulling = c.blobs.pull(address, blob.length, [a.id, b.id])
    let fromA = 0
    a.onChunk = () => {
      if (++fromA === 6) world.sim.kill(a.id)
    }
    expect(await world.run(pulling)).to.deep.equal(blob)
    expect(fromA).to.be.at.least(6)
    const arrived = c.receivedChunks.length
    expect(new Set(c.receivedChunks).size).to.equal(20)
    expect(arrived).to.equal(20)
  })

  it('keeps the chunks of a pull that failed for the next try', async () => {
    const world = new World()
    const [a, b, c] = [world.peer(), world.peer(), world.peer()]
    const blob = randomBytes(12 * CHUNK_BYTES, 3)
    const address = a.blobs.put(blob)
    let served = 0
    a.onChunk = () => {
      if (++served === 7) world.sim.kill(a.id)
    }
    const error = await world.run(failure(c.blobs.pull(address, blob.length, [a.id])))
    expect(error.code).to.equal('BLOB_UNAVAILABLE')
    expect(error.message).to.include(a.id)
    const before = c.receivedChunks.length
    expect(before).to.be.greaterThan(0)
    b.blobs.put(blob)
    expect(await world.run(c.blobs.pull(address, blob.length, [b.id]))).to.deep.equal(blob)
    expect(c.receivedChunks.length).to.equal(12)
  })

  it('asks the holders in the order given, and a new one as soon as it is known', async () => {
    const world = new World()
    const [a, b, c] = [world.peer(), world.peer(), world.peer()]
    const blob = randomBytes(3 * CHUNK_BYTES, 4)
    const address = b.blobs.put(blob)
    const known = [a.id]
    // The first holder asked has nothing; by the time it says so, there is another.
    a.network.onPeer(() => {})
    world.clock.after(1, () => known.push(b.id))
    expect(await world.run(c.blobs.pull(address, blob.length, () => known))).to.deep.equal(blob)
    expect(c.asked[0]).to.equal(a.id)
    expect(c.asked.slice(1)).to.satisfy(
      (peers: PeerId[]) => peers.length > 0 && peers.every(peer => peer === b.id)
    )
  })

  it('has at most a window in flight, and asks two holders at a time', async () => {
    const world = new World()
    const [a, b, c] = [world.peer(), world.peer(), world.peer()]
    const blob = randomBytes(40 * CHUNK_BYTES, 5)
    const address = a.blobs.put(blob)
    b.blobs.put(blob)
    await world.run(c.blobs.pull(address, blob.length, [a.id, b.id]))
    expect(c.mostUnderWayBytes).to.equal(WINDOW_BYTES)
    const share = (peer: PeerId): number => c.asked.filter(asked => asked === peer).length
    expect(share(a.id)).to.be.at.least(4)
    expect(share(b.id)).to.be.at.least(4)
  })

  it('shares one pull between all who want the blob at once, and runs a few at a time', async () => {
    const world = new World()
    const [a, b] = [world.peer(), world.peer()]
    const blobs = Array.from({ length: 12 }, (_, i) => randomBytes(CHUNK_BYTES + 1 + i, 6 + i))
    const addresses = blobs.map(blob => a.blobs.put(blob))
    const twice = [...blobs.keys(), ...blobs.keys()]
    const pulls = twice.map(i => b.blobs.pull(addresses[i]!, blobs[i]!.length, [a.id]))
    expect(await world.run(Promise.all(pulls))).to.deep.equal(twice.map(i => blobs[i]))
    expect(b.receivedChunks.length).to.equal(2 * blobs.length)
    expect(b.mostAskedAtOnce).to.be.within(2, CONCURRENT_PULLS * 2)
  })

  it('ends at once for a caller who gives up, and goes on for the others', async () => {
    const world = new World()
    const [a, b] = [world.peer(), world.peer()]
    const blob = randomBytes(8 * CHUNK_BYTES, 7)
    const address = a.blobs.put(blob)
    const giveUp = new AbortController()
    const first = failure(b.blobs.pull(address, blob.length, [a.id], giveUp.signal))
    const second = b.blobs.pull(address, blob.length, [a.id])
    giveUp.abort(new ProtocolError('BAD_MESSAGE', { reason: 'the attempt is over' }))
    expect((await first).data['reason']).to.equal('the attempt is over')
    expect(await world.run(second)).to.deep.equal(blob)
  })

  it('can be pulled again right after it was given up', async () => {
    const world = new World()
    const [a, b] = [world.peer(), world.peer()]
    const blob = randomBytes(8 * CHUNK_BYTES, 8)
    const address = a.blobs.put(blob)
    const giveUp = new AbortController()
    const first = failure(b.blobs.pull(address, blob.length, [a.id], giveUp.signal))
    await world.clock.advance(30)
    giveUp.abort(new ProtocolError('BAD_MESSAGE'))
    await first
    expect(await world.run(b.blobs.pull(address, blob.length, [a.id]))).to.deep.equal(blob)
  })

  it('drops what it is told to drop', async () => {
    const world = new World()
    const [a, b] = [world.peer(), world.peer()]
    const address = a.blobs.put(randomBytes(10, 9))
    a.blobs.drop(address)
    expect(a.blobs.get(address)).to.equal(null)
    const error = await world.run(failure(b.blobs.pull(address, 10, [a.id])))
    expect(error.data['refused']).to.deep.equal({ [a.id]: 'does not hold it' })
  })
})

describe('blob exchange: refusals', () => {
  const cases: Array<{
    title: string
    reason: RegExp
    answer: (honest: Honest) => AsyncIterable<Uint8Array>
  }> = [
    {
      title: 'a chunk with one bit turned',
      reason: /chunk \d+ that does not match/,
      answer: async function* (honest) {
        let frame = 0
        for await (const bytes of honest()) {
          // The hashes come first, then chunks 0, 1, 2…
          const copy = bytes.slice()
          if (frame++ === 3) copy[17]! ^= 4
          yield copy
        }
      }
    },
    {
      title: 'hashes of another blob',
      reason: /hashes that do not belong/,
      answer: async function* (honest) {
        let frame = 0
        for await (const bytes of honest()) {
          const copy = bytes.slice()
          if (frame++ === 0) copy[0]! ^= 1
          yield copy
        }
      }
    },
    {
      title: 'a ragged list of hashes',
      reason: /hashes of a wrong length/,
      answer: async function* () {
        yield new Uint8Array(33)
      }
    },
    {
      title: 'more chunks than were asked for',
      reason: /more than was asked/,
      answer: async function* (honest) {
        yield* honest()
        yield new Uint8Array(1)
      }
    },
    {
      title: 'a frame above the limit',
      reason: /above the limit/,
      answer: async function* () {
        yield new Uint8Array(2 * CHUNK_BYTES)
      }
    },
    {
      title: 'fewer chunks than it promised',
      reason: /sent \d chunks of 4/,
      answer: async function* (honest) {
        let frame = 0
        for await (const bytes of honest()) if (frame++ < 2) yield bytes
      }
    },
    {
      title: 'a broken answer',
      reason: /RESET/,
      answer: async function* (honest) {
        for await (const bytes of honest()) {
          yield bytes
          throw new Error('broken')
        }
      }
    },
    {
      title: 'no answer at all',
      reason: /TIMEOUT/,
      answer: async function* (honest) {
        for await (const bytes of honest()) {
          yield bytes
          await new Promise(() => {})
        }
      }
    }
  ]
  for (const { title, reason, answer } of cases) {
    it(`asks another holder after ${title}`, async () => {
      const world = new World()
      // Long enough that no lie comes after the last chunk.
      const blob = randomBytes(11 * CHUNK_BYTES + 3, 20)
      const [good, c] = [world.peer(), world.peer()]
      const address = good.blobs.put(blob)
      const bad = world.liar(blob, answer)
      const alone = await world.run(failure(c.blobs.pull(address, blob.length, [bad])))
      expect(alone.code).to.equal('BLOB_UNAVAILABLE')
      expect((alone.data['refused'] as Record<PeerId, string>)[bad]).to.match(reason)
      const d = world.peer()
      expect(await world.run(d.blobs.pull(address, blob.length, [bad, good.id]))).to.deep.equal(blob)
    })
  }

  it('asks a liar no more, whatever it is called next', async () => {
    const world = new World()
    const c = world.peer()
    const blob = randomBytes(5 * CHUNK_BYTES, 21)
    const address = c.blobs.put(blob)
    c.blobs.drop(address)
    const bad = world.liar(blob, async function* () {
      yield new Uint8Array(33)
    })
    await world.run(failure(c.blobs.pull(address, blob.length, [bad])))
    expect(c.asked).to.deep.equal([bad])
    await world.run(failure(c.blobs.pull(address, blob.length, [bad])))
    expect(c.asked).to.deep.equal([bad])
  })

  it('proves that an announced length is wrong, and blames no holder for it', async () => {
    const world = new World()
    const [a, b] = [world.peer(), world.peer()]
    const blob = randomBytes(5 * CHUNK_BYTES + 100, 22)
    const address = a.blobs.put(blob)
    for (const wrong of [blob.length - 1, blob.length + 1, CHUNK_BYTES, 0, 9 * CHUNK_BYTES]) {
      const error = await world.run(failure(b.blobs.pull(address, wrong, [a.id])))
      expect(error.code, `${wrong}`).to.equal('BLOB_WRONG_LENGTH')
    }
    expect(await world.run(b.blobs.pull(address, blob.length, [a.id]))).to.deep.equal(blob)
    expect((await world.run(failure(b.blobs.pull(address, 1, [a.id])))).code).to.equal('BLOB_WRONG_LENGTH')
  })

  it('refuses a length above its limit before it takes memory or asks anyone', async () => {
    const world = new World()
    const [a, b] = [world.peer(), world.peer()]
    const error = await world.run(failure(b.blobs.pull(new Uint8Array(32), 2 ** 40, [a.id])))
    expect(error.code).to.equal('BLOB_TOO_LARGE')
    expect(b.asked).to.deep.equal([])
    const small = createBlobExchange({
      network: world.join(),
      clock: world.clock,
      crypto,
      allow: () => true,
      maxBlobBytes: 10
    })
    expect(() => small.put(new Uint8Array(11)))
      .to.throw(ProtocolError)
      .with.property('code', 'BLOB_TOO_LARGE')
  })

  it('holds nothing for those who may not have it', async () => {
    const world = new World()
    const [b, c] = [world.peer(), world.peer()]
    const network = world.join()
    const blobs = createBlobExchange({ network, clock: world.clock, crypto, allow: peer => peer === b.id })
    const blob = randomBytes(10, 23)
    const address = blobs.put(blob)
    expect(await world.run(b.blobs.pull(address, 10, [network.peerId]))).to.deep.equal(blob)
    const error = await world.run(failure(c.blobs.pull(address, 10, [network.peerId])))
    expect(error.data['refused']).to.deep.equal({ [network.peerId]: 'does not hold it' })
  })

  it('says so when nobody is known to hold it', async () => {
    const world = new World()
    const error = await world.run(failure(world.peer().blobs.pull(new Uint8Array(32), 10, [])))
    expect(error.message).to.include('nobody is known to hold it')
  })

  it('answers only requests that are requests', () => {
    const request: BlobRequest = {
      address: randomBytes(32, 24),
      wanted: 'list-and-chunks',
      firstChunk: 2 ** 32 - 1,
      chunks: 4
    }
    const bytes = encodeBlobRequest(request)
    expect(decodeBlobRequest(bytes)).to.deep.equal(request)
    expect(decodeBlobRequest(bytes.subarray(1))).to.equal(null)
    expect(decodeBlobRequest(encodeBlobRequest({ ...request, chunks: RUN_CHUNKS + 1 }))).to.equal(null)
    const flagged = bytes.slice()
    flagged[32] = 4
    expect(decodeBlobRequest(flagged)).to.equal(null)
  })
})
