import { expect } from 'chai'
import fc from 'fast-check'
import { combine, split } from 'shamir-secret-sharing'
import { AggregationError } from '../../aggregation/errors.ts'
import { recoverSecret, type ShamirShare, splitSecret } from '../../aggregation/shamir.ts'
import { seededCrypto } from '../../node/platform/node-crypto.ts'

const crypto = seededCrypto(new Uint8Array([5]))

/** A secret with its n shares, t, and an order in which to pick shares. */
const dealt = fc
  .record({
    secret: fc.uint8Array({ minLength: 1, maxLength: 67 }),
    shares: fc.integer({ min: 1, max: 70 }),
    thresholdShare: fc.double({ min: 0, max: 1, noNaN: true })
  })
  .chain(({ secret, shares, thresholdShare }) => {
    const threshold = 1 + Math.floor(thresholdShare * (shares - 1))
    const points = Array.from({ length: shares }, (_, i) => i + 1)
    const order = fc.shuffledSubarray(points, { minLength: shares, maxLength: shares })
    return fc.record({
      secret: fc.constant(secret),
      shares: fc.constant(shares),
      threshold: fc.constant(threshold),
      order
    })
  })

const at = (shares: readonly Uint8Array[], points: readonly number[]): ShamirShare[] =>
  points.map(x => ({ x, y: shares[x - 1]! }))

describe('Shamir 1979, how to share a secret', () => {
  it('any t shares of n recover the secret', () => {
    fc.assert(
      fc.property(dealt, ({ secret, shares, threshold, order }) => {
        const split = splitSecret(secret, shares, threshold, crypto.randomBytes)
        expect(split).to.have.length(shares)
        expect(recoverSecret(at(split, order.slice(0, threshold)), threshold)).to.deep.equal(secret)
      }),
      { numRuns: 60 }
    )
  })

  it('holds up to 255 shares', () => {
    const secret = crypto.randomBytes(32)
    const split = splitSecret(secret, 255, 200, crypto.randomBytes)
    const points = Array.from({ length: 200 }, (_, i) => 255 - i)
    expect(recoverSecret(at(split, points), 200)).to.deep.equal(secret)
  })

  it('t - 1 shares say nothing: over all coefficients, every view is as likely under every secret', () => {
    // Exhaustive for one byte, t = 2 (256 coefficients) and t = 3 (65,536): each view occurs exactly once.
    for (const secret of [0, 1, 0x53, 255]) {
      const single = new Set<number>()
      for (let c = 0; c < 256; c++) {
        const coefficients = () => Uint8Array.of(c)
        single.add(splitSecret(Uint8Array.of(secret), 3, 2, coefficients)[2]![0]!)
      }
      expect(single.size).to.equal(256)
      const pairs = new Set<number>()
      for (let c = 0; c < 65536; c++) {
        const shares = splitSecret(Uint8Array.of(secret), 3, 3, () => Uint8Array.of(c & 255, c >> 8))
        pairs.add(shares[0]![0]! * 256 + shares[2]![0]!)
      }
      expect(pairs.size).to.equal(65536)
    }
  })

  it('every byte has its own coefficients: t - 1 shares of equal bytes do not show that they are equal', () => {
    const secret = new Uint8Array(64)
    for (const threshold of [2, 5, 43]) {
      for (const share of splitSecret(secret, 64, threshold, crypto.randomBytes)) {
        // Of 64 uniform bytes, about 57 values differ; below 40 is a matter of 1e-15.
        expect(new Set(share).size).to.be.above(40)
      }
    }
  })

  it('takes (t - 1) * length random bytes, and refuses fewer', () => {
    const asked: number[] = []
    const counting = (length: number) => {
      asked.push(length)
      return crypto.randomBytes(length)
    }
    splitSecret(new Uint8Array(7), 5, 4, counting)
    expect(asked).to.deep.equal([21])
    expect(() => splitSecret(new Uint8Array(7), 5, 4, () => new Uint8Array(20))).to.throw(
      AggregationError,
      'LENGTH_MISMATCH'
    )
  })

  it('t shares determine the secret: another last share, another secret', () => {
    const split = splitSecret(Uint8Array.of(9), 3, 3, crypto.randomBytes)
    const secrets = new Set<number>()
    for (let y = 0; y < 256; y++) {
      secrets.add(recoverSecret([...at(split, [1, 2]), { x: 3, y: Uint8Array.of(y) }], 3)[0]!)
    }
    expect(secrets.size).to.equal(256)
  })

  describe('against the audited package shamir-secret-sharing (a share is y with x behind it)', () => {
    it('its shares are recovered by us', async () => {
      for (const [n, t] of [
        [2, 2],
        [7, 5],
        [64, 43],
        [255, 100]
      ] as const) {
        const secret = crypto.randomBytes(32)
        const theirs = (await split(secret, n, t)).map(share => ({ x: share[32]!, y: share.subarray(0, 32) }))
        expect(recoverSecret(theirs.slice(n - t), t)).to.deep.equal(secret)
      }
    })

    it('our shares are recovered by it', async () => {
      for (const [n, t] of [
        [2, 2],
        [7, 5],
        [64, 43],
        [255, 100]
      ] as const) {
        const secret = crypto.randomBytes(32)
        const ours = splitSecret(secret, n, t, crypto.randomBytes).map((y, i) => Uint8Array.of(...y, i + 1))
        expect(await combine(ours.slice(n - t))).to.deep.equal(secret)
      }
    })
  })

  describe('refuses', () => {
    const one = (x: number, length = 1): ShamirShare => ({ x, y: new Uint8Array(length) })
    for (const [threshold, shares] of [
      [0, 3],
      [4, 3],
      [2, 256],
      [1.5, 3]
    ] as const) {
      it(`t = ${threshold}, n = ${shares}`, () => {
        const secret = new Uint8Array(1)
        expect(() => splitSecret(secret, shares, threshold, crypto.randomBytes))
          .to.throw(AggregationError)
          .with.property('code', 'BAD_THRESHOLD')
      })
    }
    const bad: Record<string, [ShamirShare[], string]> = {
      'too few shares': [[one(1)], 'TOO_FEW'],
      'two shares at one x': [[one(1), one(2), one(1)], 'BAD_SHARE'],
      'a share at x = 0, which would be the secret': [[one(0), one(1)], 'BAD_SHARE'],
      'an x above 255': [[one(1), one(256)], 'BAD_SHARE'],
      'unequal lengths': [[one(1), one(2, 2)], 'BAD_SHARE'],
      'empty shares': [[one(1, 0), one(2, 0)], 'BAD_SHARE']
    }
    for (const [name, [shares, code]] of Object.entries(bad)) {
      it(name, () => {
        expect(() => recoverSecret(shares, 2))
          .to.throw(AggregationError)
          .with.property('code', code)
      })
    }
    it('an empty secret', () => {
      expect(() => splitSecret(new Uint8Array(0), 3, 2, crypto.randomBytes)).to.throw(
        AggregationError,
        'BAD_SETTING'
      )
    })
  })
})
