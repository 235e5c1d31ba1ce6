import { createCipheriv } from 'node:crypto'
import { expect } from 'chai'
import { noiseSampler } from '../../aggregation/dp-noise.ts'
import { secureRandom } from '../../aggregation/dp-secure-random.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import { fitOf, skellamDistribution } from '../support/goodness-of-fit.ts'
import { chiSquareUniform, UNIFORMITY_P_MIN } from '../support/uniformity.ts'

describe('words for noise', () => {
  it('are the AES-256-CTR key stream of a fresh key, over the end of a chunk too', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => 7 * i)
    const drawn = key.slice()
    const random = secureRandom({ ...nodeCrypto(), randomBytes: () => drawn })
    // The stream has it; nothing else must.
    expect(drawn).to.deep.equal(new Uint8Array(32))
    const expected = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(80_000))
    for (let at = 0; at < 80_000; at += 4) {
      if (random.nextUint32() !== expected.readUInt32LE(at)) expect.fail(`another word at byte ${at}`)
    }
  })

  it('differ from one generator to the next, and are even', () => {
    const [a, b] = [secureRandom(nodeCrypto()), secureRandom(nodeCrypto())]
    const counts = new Float64Array(256)
    let equal = 0
    for (let i = 0; i < 50_000; i++) {
      const word = a.nextUint32()
      counts[word >>> 24]!++
      if (word === b.nextUint32()) equal++
    }
    expect(equal).to.be.below(3)
    expect(chiSquareUniform(counts).p).to.be.above(UNIFORMITY_P_MIN)
  })

  it('make noise of the right distribution', () => {
    const random = secureRandom(nodeCrypto())
    const sample = noiseSampler('skellam', 30, 'table')
    // Unseeded: one in a billion.
    for (const p of Object.values(fitOf(() => sample(random), 50_000, skellamDistribution(30)))) {
      expect(p).to.be.above(1e-9)
    }
  })
})
