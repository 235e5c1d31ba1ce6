import { expect } from 'chai'
import fc from 'fast-check'
import { seededRandom } from '../../aggregation/random.ts'

// The definitions again, slowly and with whole numbers, checked against published vectors before they judge ours.
const MASK = 0xffffffffn
const rotate = (x: bigint, bits: bigint) => ((x << bits) | (x >> (32n - bits))) & MASK

function murmur3(bytes: Uint8Array, seed: bigint): bigint {
  const scramble = (word: bigint) => (rotate((word * 0xcc9e2d51n) & MASK, 15n) * 0x1b873593n) & MASK
  const word = (part: Uint8Array) => part.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  let hash = seed
  let at = 0
  for (; at + 4 <= bytes.length; at += 4) {
    hash = (rotate(hash ^ scramble(word(bytes.subarray(at, at + 4))), 13n) * 5n + 0xe6546b64n) & MASK
  }
  hash ^= scramble(word(bytes.subarray(at))) ^ BigInt(bytes.length)
  hash = ((hash ^ (hash >> 16n)) * 0x85ebca6bn) & MASK
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2ae35n) & MASK
  return hash ^ (hash >> 16n)
}

function* xoshiro128starstar(start: readonly bigint[]): Generator<bigint> {
  const s = [...start]
  for (;;) {
    yield (rotate((s[1]! * 5n) & MASK, 7n) * 9n) & MASK
    const shifted = (s[1]! << 9n) & MASK
    s[2]! ^= s[0]!
    s[3]! ^= s[1]!
    s[1]! ^= s[2]!
    s[0]! ^= s[3]!
    s[2]! ^= shifted
    s[3] = rotate(s[3]!, 11n)
  }
}

function reference(seed: Uint8Array): Generator<bigint> {
  const [a, b, c, d] = [0x9e3779b9n, 0x243f6a88n, 0xb7e15162n, 0x85ebca6bn].map(k => murmur3(seed, k))
  return xoshiro128starstar([a!, b!, c!, d! | 1n])
}

describe('seededRandom', () => {
  it('MurmurHash3 x86 32, published vectors (of the definition in this file)', () => {
    const bytes = (text: string) => new TextEncoder().encode(text)
    expect(murmur3(bytes(''), 0n)).to.equal(0n)
    expect(murmur3(bytes(''), 1n)).to.equal(0x514e28b7n)
    expect(murmur3(bytes('test'), 0x9747b28cn)).to.equal(0x704b81dcn)
    expect(murmur3(bytes('Hello, world!'), 0x9747b28cn)).to.equal(0x24884cban)
  })

  it('xoshiro128**, first outputs of the state 1, 2, 3, 4 (of the definition in this file)', () => {
    const generator = xoshiro128starstar([1n, 2n, 3n, 4n])
    const first = Array.from({ length: 6 }, () => Number(generator.next().value))
    expect(first).to.deep.equal([11520, 0, 5927040, 70819200, 2031721883, 1637235492])
  })

  it('is xoshiro128** seeded by MurmurHash3, for any seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), seed => {
        const random = seededRandom(seed)
        const expected = reference(seed)
        for (let i = 0; i < 20; i++) expect(random.nextUint32()).to.equal(Number(expected.next().value))
      })
    )
  })

  it('takes a number as its eight bytes', () => {
    const bytes = new Uint8Array(new BigInt64Array([-2n]).buffer)
    expect(seededRandom(-2).nextUint32()).to.equal(seededRandom(bytes).nextUint32())
    expect(seededRandom(1).nextUint32()).to.not.equal(seededRandom(2).nextUint32())
    expect(() => seededRandom(0.5)).to.throw(RangeError)
  })
})
