import { expect } from 'chai'
import fc from 'fast-check'
import { AggregationError } from '../../aggregation/errors.ts'
import {
  addLanes,
  bytesOfLanes,
  type Lanes,
  lanesOfBytes,
  ringBitsOf,
  subtractLanes,
  zeroLanes
} from '../../aggregation/ring.ts'
import { toHex } from '../support/bytes.ts'

const lanePair = fc.constantFrom<16 | 32>(16, 32).chain(bits =>
  fc.integer({ min: 0, max: 20 }).chain(length => {
    const element = fc.integer({ min: 0, max: 2 ** bits - 1 })
    const lanes = fc
      .array(element, { minLength: length, maxLength: length })
      .map((values): Lanes => (bits === 16 ? Uint16Array.from(values) : Uint32Array.from(values)))
    return fc.tuple(lanes, lanes)
  })
)

describe('ring', () => {
  it('adds and subtracts modulo 2^16 and 2^32', () => {
    fc.assert(
      fc.property(lanePair, ([a, b]) => {
        const modulus = 2n ** BigInt(ringBitsOf(a))
        const sum = a.slice()
        addLanes(sum, b)
        sum.forEach((lane, i) => {
          expect(BigInt(lane)).to.equal((BigInt(a[i]!) + BigInt(b[i]!)) % modulus)
        })
        subtractLanes(sum, b)
        expect(sum).to.deep.equal(a)
      })
    )
  })

  it('travels as little-endian bytes', () => {
    expect(toHex(bytesOfLanes(Uint16Array.of(1, 0xabcd)))).to.equal('0100cdab')
    expect(toHex(bytesOfLanes(Uint32Array.of(1, 0xabcd1234)))).to.equal('010000003412cdab')
  })

  it('reads bytes back, from any alignment', () => {
    fc.assert(
      fc.property(lanePair, fc.integer({ min: 0, max: 7 }), ([lanes], shift) => {
        const bytes = bytesOfLanes(lanes)
        const moved = new Uint8Array(bytes.length + shift)
        moved.set(bytes, shift)
        expect(lanesOfBytes(moved.subarray(shift), ringBitsOf(lanes))).to.deep.equal(lanes)
        // A Buffer's own slice() and subarray() keep the alignment that they had.
        expect(lanesOfBytes(Buffer.from(moved).subarray(shift), ringBitsOf(lanes))).to.deep.equal(lanes)
      })
    )
  })

  it('refuses bytes that hold no whole lanes, and vectors that do not match', () => {
    expect(() => lanesOfBytes(new Uint8Array(6), 32)).to.throw(AggregationError, 'LENGTH_MISMATCH')
    expect(() => addLanes(zeroLanes(16, 2), zeroLanes(16, 3))).to.throw(AggregationError, 'LENGTH_MISMATCH')
    expect(() => subtractLanes(zeroLanes(16, 2), zeroLanes(32, 2))).to.throw(AggregationError, 'BAD_SETTING')
  })
})
