import { expect } from 'chai'
import fc from 'fast-check'
import { chunkHashes } from '../../aggregation/blob-address.ts'
import type { UploadRates } from '../../protocols/blob-exchange.ts'
import { decodeHaveMap, encodeHaveMap } from '../../protocols/blob-messages.ts'
import { ChunkHashes, hashesOfSource, memorySource } from '../../protocols/blob-storage.ts'
import { ChunkSet } from '../../protocols/chunk-set.ts'
import { FilesError } from '../../protocols/files-error.ts'
import {
  CHUNK_BYTES,
  CHUNKS_WITHOUT_MAP,
  PARTIAL_PATIENCE_MS,
  RUN_CHUNKS,
  STEAL_AFTER_MS,
  WINDOW_BYTES,
  WINDOW_CHUNKS
} from '../../protocols/limits.ts'
import type { PeerId } from '../../protocols/ports.ts'
import { TestDisk } from '../support/blob-sinks.ts'
import { crypto, failure, type Honest, randomBytes, World } from '../support/blob-world.ts'

/** Long enough to be asked for by have-maps. */
const CHUNKS = CHUNKS_WITHOUT_MAP + 16
const blob = randomBytes(CHUNKS * CHUNK_BYTES - 1000, 1)
const hashes = ChunkHashes.of(chunkHashes(blob, crypto))
const never = new AbortController().signal

function seed(world: World, limits: UploadRates = {}) {
  const peer = world.peer(limits)
  return { ...peer, peer, address: peer.blobs.hold(memorySource(blob), hashes) }
}

describe('a long blob', () => {
  it('comes from several holders at once, with at most a window in flight, straight into its sink', async () => {
    const world = new World(2)
    const seeds = [seed(world), seed(world), seed(world)]
    const puller = world.peer()
    const disk = new TestDisk(blob.length)
    const progress: number[] = []
    const pulling = puller.blobs.fetch(
      seeds[0]!.address,
      disk.open(),
      seeds.map(({ id }) => id),
      never,
      done => progress.push(done)
    )
    expect((await world.run(pulling)).bytes).to.deep.equal(hashes.bytes)
    expect(Buffer.compare(disk.bytes, blob)).to.equal(0)
    expect(disk.writes).to.equal(CHUNKS)
    expect(progress.at(-1)).to.equal(blob.length)
    expect(puller.mostUnderWayBytes).to.be.at.most(WINDOW_BYTES)
    for (const { id } of seeds) expect(puller.asked.filter(peer => peer === id).length).to.be.above(4)
    expect(puller.blobs.has(seeds[0]!.address), 'it is a holder now').to.equal(true)
    expect(puller.blobs.get(seeds[0]!.address), 'but not in memory').to.equal(null)
  })

  it('is asked for in long runs where they come fast, in short ones where they do not, with at most a window under way', async () => {
    const longest = async (limits: UploadRates): Promise<number> => {
      const world = new World(9)
      const only = seed(world, limits)
      const puller = world.peer()
      await world.run(puller.blobs.fetch(only.address, new TestDisk(blob.length).open(), [only.id], never))
      expect(puller.mostUnderWayBytes).to.equal(WINDOW_BYTES)
      return Math.max(...puller.runs)
    }
    expect(await longest({})).to.equal(RUN_CHUNKS)
    expect(await longest({ uploadBytesPerSecond: 200_000 })).to.equal(WINDOW_CHUNKS)
  })

  it('spreads among those who pull it: its only holder gives little more than one copy', async () => {
    const world = new World(3)
    const only = seed(world, { uploadBytesPerSecond: 2_000_000 })
    const pullers = Array.from({ length: 4 }, () => world.peer())
    let given = 0
    only.peer.onChunk = () => given++
    const everyone = [only.id, ...pullers.map(({ id }) => id)]
    const disks = pullers.map(() => new TestDisk(blob.length))
    const pulls = pullers.map(({ blobs }, i) => blobs.fetch(only.address, disks[i]!.open(), everyone, never))
    await world.run(Promise.all(pulls))
    for (const disk of disks) expect(Buffer.compare(disk.bytes, blob)).to.equal(0)
    expect(given / CHUNKS).to.be.below(2.5)
  })

  it('goes on after a restart from what the disk has, and trusts none of it unchecked', async () => {
    const world = new World(4)
    const [first, second] = [seed(world), seed(world)]
    const disk = new TestDisk(blob.length)
    first.peer.onChunk = () => {
      if (disk.writes >= 30) world.sim.kill(first.id)
    }
    const before = world.peer()
    await world.run(failure(before.blobs.fetch(first.address, disk.open(), [first.id], never)))
    const kept = disk.writes
    expect(kept).to.be.within(30, CHUNKS - 1)
    // A write that a crash tore.
    const torn = Array.from({ length: CHUNKS }, (_, chunk) => chunk * CHUNK_BYTES).find(
      at => disk.bytes[at] === blob[at] && disk.bytes[at + 1] === blob[at + 1]
    )!
    disk.bytes.fill(0, torn + 100, torn + 200)
    const after = world.peer()
    await world.run(after.blobs.fetch(first.address, disk.open(), [second.id], never))
    expect(Buffer.compare(disk.bytes, blob)).to.equal(0)
    expect(after.receivedChunks.length).to.equal(CHUNKS - kept + 1)
  })

  it('is waited for in vain from those who have a part only, and says so', async () => {
    const world = new World(5)
    const [half, late] = [world.peer(), world.peer()]
    const only = seed(world)
    let given = 0
    only.peer.onChunk = () => {
      if (++given === 40) world.sim.kill(only.id)
    }
    const stuck = half.blobs.fetch(
      only.address,
      new TestDisk(blob.length).open(),
      () => [only.id, late.id],
      never
    )
    stuck.catch(() => {})
    const startMs = world.clock.nowMs()
    const error = await world.run(
      failure(late.blobs.fetch(only.address, new TestDisk(blob.length).open(), [half.id], never))
    )
    expect(error.code).to.equal('BLOB_UNAVAILABLE')
    expect(world.clock.nowMs() - startMs).to.be.within(PARTIAL_PATIENCE_MS, 4 * PARTIAL_PATIENCE_MS)
    expect(late.receivedChunks.length).to.be.above(20)
  })

  it('ends with the fault of a disk that is full', async () => {
    const world = new World(6)
    const only = seed(world)
    const sink = {
      ...new TestDisk(blob.length).open(),
      write: () => Promise.reject(new FilesError('NO_SPACE', {}, 'the disk is full'))
    }
    const pulling = world.peer().blobs.fetch(only.address, sink, [only.id], never)
    const error = await world.run(
      pulling.then(
        () => null,
        (reason: unknown) => reason
      )
    )
    expect(error).to.be.instanceOf(FilesError).with.property('code', 'NO_SPACE')
  })

  it('proves that an announced length is wrong', async () => {
    const world = new World(7)
    const only = seed(world)
    for (const wrong of [CHUNKS - 1, CHUNKS + 1, 2 * CHUNKS]) {
      const disk = new TestDisk(wrong * CHUNK_BYTES)
      const error = await world.run(
        failure(world.peer().blobs.fetch(only.address, disk.open(), [only.id], never))
      )
      expect(error.code, `${wrong} chunks`).to.equal('BLOB_WRONG_LENGTH')
    }
  })
})

describe('a long blob from hostile holders', () => {
  const whole = encodeHaveMap(CHUNKS, null)
  const cases: Array<{
    title: string
    offence: string
    answer: (honest: Honest, wanted: string) => AsyncIterable<Uint8Array>
  }> = [
    {
      title: 'a have-map of things it does not have',
      offence: 'blob-false-map',
      answer: async function* (honest, wanted) {
        if (wanted === 'have') yield whole
        else if (wanted === 'list-page') yield* honest()
      }
    },
    {
      title: 'a have-map that is none',
      offence: 'blob-bad-answer',
      answer: async function* (honest, wanted) {
        if (wanted === 'have') yield new Uint8Array(4 + 3)
        else yield* honest()
      }
    },
    {
      title: 'a list of hashes with one bit turned',
      offence: 'blob-wrong-list',
      answer: async function* (honest, wanted) {
        for await (const frame of honest()) {
          const copy = frame.slice()
          if (wanted === 'list-page') copy[5000 % copy.length]! ^= 1
          yield copy
        }
      }
    },
    {
      title: 'wrong chunks',
      offence: 'blob-wrong-chunk',
      answer: async function* (honest, wanted) {
        for await (const frame of honest()) {
          const copy = frame.slice()
          if (wanted === 'chunks') copy[9]! ^= 1
          yield copy
        }
      }
    }
  ]
  for (const { title, offence, answer } of cases) {
    it(`sets a holder aside for ${title}, and tells who it was`, async () => {
      const world = new World(8)
      const good = seed(world)
      const bad = world.liar(blob, answer)
      const puller = world.peer()
      const disk = new TestDisk(blob.length)
      await world.run(failure(puller.blobs.fetch(good.address, disk.open(), [bad], never)))
      expect(puller.offences).to.deep.equal([[bad, offence]])
      await world.run(puller.blobs.fetch(good.address, disk.open(), [bad, good.id], never))
      expect(Buffer.compare(disk.bytes, blob)).to.equal(0)
    })
  }

  it('does not wait for one that drips', async () => {
    const world = new World(9)
    const good = seed(world)
    const slow = world.liar(blob, async function* (honest, wanted) {
      let frames = 0
      for await (const frame of honest()) {
        if (wanted === 'chunks' && frames++ > 0)
          await new Promise<void>(resolve => world.clock.after(14_000, resolve))
        yield frame
      }
    })
    const puller = world.peer()
    const disk = new TestDisk(blob.length)
    const startMs = world.clock.nowMs()
    await world.run(puller.blobs.fetch(good.address, disk.open(), [slow, good.id], never))
    expect(Buffer.compare(disk.bytes, blob)).to.equal(0)
    expect(world.clock.nowMs() - startMs).to.be.below(3 * STEAL_AFTER_MS)
    expect(puller.offences).to.deep.equal([[slow, 'blob-too-slow']])
  })

  it('comes whole whatever dies, lies and starts anew, with no chunk trusted and memory bounded', async () => {
    const scenario = fc.record({
      seed: fc.integer({ min: 1, max: 2 ** 31 }),
      liars: fc.integer({ min: 0, max: 3 }),
      pullers: fc.integer({ min: 1, max: 3 }),
      deaths: fc.array(fc.integer({ min: 1, max: 4 * CHUNKS }), { maxLength: 3 }),
      cut: fc.integer({ min: 1, max: CHUNKS })
    })
    await fc.assert(
      fc.asyncProperty(scenario, async ({ seed: number, liars, pullers, deaths, cut }) => {
        const world = new World(number)
        const lasting = seed(world)
        const mortal = deaths.map(() => seed(world))
        const lying = Array.from({ length: liars }, (_, i) =>
          world.liar(blob, cases[(number + i) % cases.length]!.answer)
        )
        const peers = Array.from({ length: pullers }, () => world.peer())
        let given = 0
        const onChunk = (): void => {
          given++
          deaths.forEach((at, i) => {
            if (given === at) world.sim.kill(mortal[i]!.id)
          })
        }
        for (const { peer } of [lasting, ...mortal]) peer.onChunk = onChunk
        const everyone: PeerId[] = [
          ...lying,
          ...mortal.map(({ id }) => id),
          ...peers.map(({ id }) => id),
          lasting.id
        ]
        const disks = peers.map(() => new TestDisk(blob.length))
        const whole = peers.map(async ({ blobs }, i) => {
          const disk = disks[i]!
          const stop = new AbortController()
          const first = blobs.fetch(lasting.address, disk.open(), everyone, stop.signal, done => {
            if (done >= cut * CHUNK_BYTES) stop.abort(new Error('cut'))
          })
          await first.catch(() => {})
          await blobs.fetch(lasting.address, disk.open(), everyone, never)
        })
        await world.run(Promise.all(whole))
        for (const disk of disks) expect(Buffer.compare(disk.bytes, blob)).to.equal(0)
        for (const { mostUnderWayBytes, offences } of peers) {
          // The cut pull's last answers may still come in while the next one begins.
          expect(mostUnderWayBytes).to.be.at.most(2 * WINDOW_BYTES)
          for (const [peer, reason] of offences)
            expect(lying.includes(peer) || reason === 'blob-too-slow', `${peer} ${reason}`).to.equal(true)
        }
      }),
      { numRuns: 4 }
    )
  })
})

describe('the parts of a long blob', () => {
  it('are the same list of hashes read from a source as from memory', async () => {
    expect((await hashesOfSource(memorySource(blob), crypto)).bytes).to.deep.equal(hashes.bytes)
  })

  it('have maps that survive the wire, and no others', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 70 }), held => {
        const set = new ChunkSet(held.length)
        held.forEach((has, chunk) => {
          if (has) set.add(chunk)
        })
        const back = decodeHaveMap(encodeHaveMap(held.length, set))!
        expect(held.map((_, chunk) => back.has(chunk))).to.deep.equal(held)
        expect(back.isFull).to.equal(!held.includes(false))
      })
    )
    expect(decodeHaveMap(new Uint8Array(3))).to.equal(null)
    expect(decodeHaveMap(Uint8Array.of(255, 255, 255, 255))).to.equal(null)
    expect(decodeHaveMap(Uint8Array.of(3, 0, 0, 0, 0b1111))).to.equal(null)
  })
})
