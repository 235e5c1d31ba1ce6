import { expect } from 'chai'
import fc from 'fast-check'
import { webKeyStream } from '../../aggregation/web-crypto-stream.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'

const { keyStream, randomBytes } = nodeCrypto()
const { subtle } = crypto

describe('the key stream of WebCrypto', () => {
  it('is that of node:crypto, from any byte, in pieces of any length', async () => {
    const key = randomBytes(32)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(3000),
        fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 4 }),
        async (offset, lengths) => {
          const expected = keyStream(key).next(8000).slice()
          const stream = webKeyStream(subtle, key, offset)
          let at = offset
          for (const length of lengths) {
            expect(
              Buffer.from(await stream.next(length)).equals(expected.subarray(at, at + length))
            ).to.equal(true)
            at += length
          }
        }
      ),
      { numRuns: 50 }
    )
  })

  it('goes on where the low 32 bits of the counter overflow', async () => {
    const key = randomBytes(32)
    const offset = 16 * (2 ** 32 - 1)
    const expected = keyStream(key, offset).next(64)
    expect(await webKeyStream(subtle, key, offset).next(64)).to.deep.equal(new Uint8Array(expected))
  })

  it('gives nothing for a key of another length', async () => {
    const refused = await webKeyStream(subtle, new Uint8Array(31))
      .next(16)
      .catch(error => error)
    expect(refused.name).to.equal('DataError')
  })
})
