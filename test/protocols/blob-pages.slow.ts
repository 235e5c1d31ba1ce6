import { expect } from 'chai'
import { ChunkHashes } from '../../protocols/blob-storage.ts'
import { CHUNK_BYTES, HASHES_PER_PAGE } from '../../protocols/limits.ts'
import { crypto, World } from '../support/blob-world.ts'

/** Long enough for a list in two pages. */
const CHUNKS = HASHES_PER_PAGE + 40

describe('a blob of more than 2 GiB', function () {
  this.timeout(300_000)

  it('comes with its list in pages, and neither side ever has it in memory', async () => {
    const world = new World(1)
    const [holder, puller] = [world.peer(), world.peer()]
    // Every chunk is the same memory, but for the number at its beginning.
    const chunk = new Uint8Array(CHUNK_BYTES)
    const chunkOf = (number: number): Uint8Array => {
      new DataView(chunk.buffer).setUint32(0, number, true)
      return chunk
    }
    const hashes = ChunkHashes.of(Array.from({ length: CHUNKS }, (_, i) => crypto.sha256(chunkOf(i))))
    const lengthBytes = CHUNKS * CHUNK_BYTES
    const address = holder.blobs.hold({ lengthBytes, read: offset => chunkOf(offset / CHUNK_BYTES) }, hashes)
    const written = new Set<number>()
    const sink = {
      lengthBytes,
      keptBytes: 0,
      read: () => expect.fail('nobody asks for it'),
      write: (offset: number, bytes: Uint8Array) => {
        const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
        expect(offset).to.equal(number * CHUNK_BYTES)
        written.add(number)
      }
    }
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    let chunks = 0
    const pulling = puller.blobs.fetch(address, sink, [holder.id], new AbortController().signal, () => {
      if (++chunks % 64 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    })
    expect((await world.run(pulling)).count).to.equal(CHUNKS)
    expect(written.size).to.equal(CHUNKS)
    // Copies of chunks that the garbage collector has not got to yet are most of it.
    expect(most).to.be.below(512 * 1024 * 1024)
  })
})
