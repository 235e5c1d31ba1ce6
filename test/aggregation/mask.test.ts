import { expect } from 'chai'
import fc from 'fast-check'
import type { CryptoSuite } from '../../aggregation/crypto-suite.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import {
  expandInto,
  type MaskContext,
  pairMasks,
  pairSeed,
  pairSign,
  selfMaskKey,
  shareKey
} from '../../aggregation/mask.ts'
import { type Lanes, RING_WIDTHS, type RingBits, zeroLanes } from '../../aggregation/ring.ts'
import { nodeCrypto, seededCrypto } from '../../node/platform/node-crypto.ts'
import { toHex } from '../support/bytes.ts'

const crypto = nodeCrypto()
const secrets = seededCrypto(new Uint8Array([1]))
const key = secrets.randomBytes(32)

const context: MaskContext = {
  rosterHash: new Uint8Array(32).fill(7),
  run: 'run',
  round: 3,
  attempt: 0,
  laneCount: 1000,
  ringBits: 16
}

const maskOf = (ringBits: RingBits, length: number): Lanes => {
  const lanes = zeroLanes(ringBits, length)
  expandInto(lanes, key, 1, crypto)
  return lanes
}

describe('expandInto', () => {
  it('adds the key stream from counter 0, little-endian', () => {
    const stream = crypto.keyStream(key).next(40)
    const view = new DataView(stream.buffer, stream.byteOffset)
    maskOf(16, 20).forEach((lane, i) => {
      expect(lane).to.equal(view.getUint16(2 * i, true))
    })
    maskOf(32, 10).forEach((lane, i) => {
      expect(lane).to.equal(view.getUint32(4 * i, true))
    })
  })

  it('subtracting undoes adding, modulo 2^b', () => {
    for (const ringBits of RING_WIDTHS) {
      const lanes = zeroLanes(ringBits, 5000).map(
        (_, i) => (i * 97 * 2 ** (ringBits - 16)) % 2 ** ringBits
      ) as Lanes
      const masked = lanes.slice()
      expandInto(masked, key, 1, crypto)
      expect(masked).to.not.deep.equal(lanes)
      expandInto(masked, key, -1, crypto)
      expect(masked).to.deep.equal(lanes)
    }
  })

  it('any part by itself is that part of the whole: lane i depends on i alone', () => {
    const length = 70_000 // beyond two 64 KiB pieces in every width
    for (const ringBits of RING_WIDTHS) {
      const whole = maskOf(ringBits, length)
      fc.assert(
        fc.property(fc.nat(length - 1), fc.nat(40_000), (first, count) => {
          const part = zeroLanes(ringBits, Math.min(count, length - first))
          expandInto(part, key, 1, crypto, first)
          expect(part).to.deep.equal(whole.subarray(first, first + part.length))
        }),
        { numRuns: 40 }
      )
    }
  })

  it('takes at most 64 KiB of key stream at a time', () => {
    const asked: number[] = []
    const spy: CryptoSuite = {
      ...crypto,
      keyStream: (k, offset) => {
        const stream = crypto.keyStream(k, offset)
        return {
          next: length => {
            asked.push(length)
            return stream.next(length)
          }
        }
      }
    }
    expandInto(zeroLanes(16, 100_000), key, 1, spy)
    expect(asked).to.deep.equal([65520, 65520, 65520, 3440])
  })
})

describe('pairwise seeds (Bonawitz et al. 2017)', () => {
  const [a, b, c] = [0, 1, 2].map(() => secrets.randomBytes(32)) as [Uint8Array, Uint8Array, Uint8Array]
  const publicOf = (secret: Uint8Array) => crypto.x25519PublicKey(secret)
  const seed = toHex(pairSeed(crypto, a, publicOf(b), ['A', 'B'], context))

  it('are the same from either side', () => {
    expect(toHex(pairSeed(crypto, b, publicOf(a), ['B', 'A'], context))).to.equal(seed)
  })

  it('are HKDF-SHA256 of X25519, salt the roster hash, info the length-prefixed fields', () => {
    const field = (bytes: Uint8Array | string) => {
      const body = Buffer.from(bytes)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(body.length)
      return Buffer.concat([length, body])
    }
    const integer = (value: number) => {
      const body = Buffer.alloc(8)
      body.writeBigUInt64LE(BigInt(value))
      return field(body)
    }
    const info = Buffer.concat([
      ...[field('pair-mask'), field('run'), integer(3), integer(0), field('A'), field('B')],
      ...[integer(1000), integer(16)]
    ])
    const expected = crypto.hkdfSha256(crypto.x25519(a, publicOf(b)), context.rosterHash, info, 32)
    expect(toHex(expected)).to.equal(seed)
  })

  it('differ with every field, full 256 bits, never reused', () => {
    const changes: Array<Partial<MaskContext>> = [
      { rosterHash: new Uint8Array(32).fill(8) },
      { run: 'run2' },
      { round: 4 },
      { attempt: 1 },
      { laneCount: 1001 },
      { ringBits: 32 }
    ]
    const changed = changes.map(change =>
      pairSeed(crypto, a, publicOf(b), ['A', 'B'], { ...context, ...change })
    )
    const all = [
      seed,
      ...changed.map(toHex),
      toHex(pairSeed(crypto, a, publicOf(c), ['A', 'B'], context)),
      toHex(pairSeed(crypto, a, publicOf(b), ['A', 'C'], context)),
      toHex(pairSeed(crypto, a, publicOf(b), ['', 'AB'], context)),
      toHex(selfMaskKey(crypto, crypto.x25519(a, publicOf(b)), 'A', context))
    ]
    expect(new Set(all).size).to.equal(all.length)
    for (const hex of all) expect(hex).to.have.length(64)
  })

  it('the lower id adds, the higher subtracts, nobody pairs with itself', () => {
    expect(pairSign('A', 'B')).to.equal(1)
    expect(pairSign('B', 'A')).to.equal(-1)
    expect(() => pairSign('A', 'A')).to.throw(AggregationError, 'BAD_SETTING')
  })

  it('pairMasks gives the two sides opposite signs of one key', () => {
    const [ofA] = pairMasks(crypto, 'A', a, [{ id: 'B', maskPublicKey: publicOf(b) }], context)
    const [ofB] = pairMasks(crypto, 'B', b, [{ id: 'A', maskPublicKey: publicOf(a) }], context)
    expect(ofA).to.deep.equal({ key: ofB!.key, sign: -ofB!.sign })
  })

  it('a low-order public key is refused', () => {
    expect(() => pairSeed(crypto, a, new Uint8Array(32), ['A', 'B'], context)).to.throw(
      AggregationError,
      'LOW_ORDER_POINT'
    )
  })
})

describe('self-mask and share keys', () => {
  const own = secrets.randomBytes(32)

  it('a self mask is bound to its peer and its context', () => {
    const keys = [
      selfMaskKey(crypto, own, 'A', context),
      selfMaskKey(crypto, own, 'B', context),
      selfMaskKey(crypto, own, 'A', { ...context, attempt: 1 }),
      selfMaskKey(crypto, secrets.randomBytes(32), 'A', context)
    ]
    expect(new Set(keys.map(toHex)).size).to.equal(4)
  })

  it('a share key is the same on both sides and another in the other direction', () => {
    const [i, j] = [secrets.randomBytes(32), secrets.randomBytes(32)]
    const { rosterHash } = context
    const there = { fromId: 'I', toId: 'J' }
    const sealed = shareKey(crypto, i, crypto.x25519PublicKey(j), there, rosterHash)
    expect(shareKey(crypto, j, crypto.x25519PublicKey(i), there, rosterHash)).to.deep.equal(sealed)
    const back = shareKey(crypto, j, crypto.x25519PublicKey(i), { fromId: 'J', toId: 'I' }, rosterHash)
    expect(back).to.not.deep.equal(sealed)
    // Bound to both ids and to the roster, though the key pairs stay the same.
    const others = [
      shareKey(crypto, i, crypto.x25519PublicKey(j), { fromId: 'I', toId: 'K' }, rosterHash),
      shareKey(crypto, i, crypto.x25519PublicKey(j), { fromId: 'K', toId: 'J' }, rosterHash),
      shareKey(crypto, i, crypto.x25519PublicKey(j), there, new Uint8Array(32))
    ]
    expect(new Set([sealed, ...others].map(toHex)).size).to.equal(4)
  })
})
