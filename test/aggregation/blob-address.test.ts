import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { addressOf, BLOB_CHUNK_BYTES, chunkHashes } from '../../aggregation/blob-address.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { toHex } from '../support/bytes.ts'

const crypto = nodeCrypto()
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

describe('blob address', () => {
  const bytes = Uint8Array.from({ length: 2 * BLOB_CHUNK_BYTES + 5 }, (_, i) => i * 7)

  it('is SHA-256 over the SHA-256 of each 256 KiB chunk', () => {
    const chunks = [bytes.subarray(0, 262144), bytes.subarray(262144, 524288), bytes.subarray(524288)].map(
      sha256
    )
    expect(chunkHashes(bytes, crypto).map(toHex)).to.deep.equal(chunks.map(toHex))
    expect(toHex(addressOf(chunkHashes(bytes, crypto), crypto))).to.equal(
      toHex(sha256(Buffer.concat(chunks)))
    )
  })

  it('has one hash per chunk begun', () => {
    const counts = [0, 1, BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES + 1].map(
      length => chunkHashes(bytes.subarray(0, length), crypto).length
    )
    expect(counts).to.deep.equal([0, 1, 1, 2])
  })

  it('changes with any byte and with the order of chunks', () => {
    const hashes = chunkHashes(bytes, crypto)
    const altered = bytes.with(300_000, 0xaa)
    const addresses = [hashes, chunkHashes(altered, crypto), hashes.toReversed(), hashes.slice(1)].map(list =>
      toHex(addressOf(list, crypto))
    )
    expect(new Set(addresses).size).to.equal(4)
  })
})
