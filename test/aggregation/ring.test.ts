import { expect } from 'chai'
import fc from 'fast-check'
import { AggregationError } from '../../aggregation/errors.ts'
import {
  addLanes,
  bytesOfLanes,
  type Lanes,
  Lanes20,
  lanesByteLength,
  lanesOfBytes,
  RING_WIDTHS,
  ringBitsOf,
  setLanes,
  subtractLanes,
  zeroLanes
} from '../../aggregation/ring.ts'
import { toHex } from '../support/bytes.ts'

const lanePair = fc.constantFrom(...RING_WIDTHS).chain(bits =>
  fc.integer({ min: 0, max: 20 }).chain(length => {
    const element = fc.integer({ min: 0, max: 2 ** bits - 1 })
    const lanes = fc.array(element, { minLength: length, maxLength: length }).map((values): Lanes => {
      const made = zeroLanes(bits, length)
      made.set(values)
      return made
    })
    return fc.tuple(lanes, lanes)
  })
)

describe('ring', () => {
  it("takes signed integers as the two's complement", () => {
    for (const ringBits of RING_WIDTHS) {
      const lanes = zeroLanes(ringBits, 4)
      setLanes(lanes, [-1, 5, -(2 ** (ringBits - 1))], 1)
      expect([...lanes]).to.deep.equal([0, 2 ** ringBits - 1, 5, 2 ** (ringBits - 1)])
      expect(ringBitsOf(lanes.subarray(1).slice())).to.equal(ringBits)
    }
  })

  it('adds and subtracts modulo 2^16, 2^20 and 2^32', () => {
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
    expect(toHex(bytesOfLanes(Lanes20.of(0x12345, 0xabcde)))).to.equal('4523e1cdab')
    expect(toHex(bytesOfLanes(Lanes20.of(1, 2, 0xabcde)))).to.equal('0100200000debc0a')
  })

  it('reads bytes back, from any alignment', () => {
    fc.assert(
      fc.property(lanePair, fc.integer({ min: 0, max: 7 }), ([lanes], shift) => {
        const bytes = bytesOfLanes(lanes)
        const moved = new Uint8Array(bytes.length + shift)
        moved.set(bytes, shift)
        expect(bytes.length).to.equal(lanesByteLength(ringBitsOf(lanes), lanes.length))
        expect(lanesOfBytes(moved.subarray(shift), ringBitsOf(lanes))).to.deep.equal(lanes)
        // A Buffer's own slice() and subarray() keep the alignment that they had.
        expect(lanesOfBytes(Buffer.from(moved).subarray(shift), ringBitsOf(lanes))).to.deep.equal(lanes)
      })
    )
  })

  it('refuses bytes that hold no whole lanes, and vectors that do not match', () => {
    expect(() => lanesOfBytes(new Uint8Array(6), 32)).to.throw(AggregationError, 'LENGTH_MISMATCH')
    for (const length of [1, 2, 4, 6, 7, 9]) {
      const read = () => lanesOfBytes(new Uint8Array(length), 20)
      expect(read, String(length)).to.throw(AggregationError, 'LENGTH_MISMATCH')
    }
    expect(() => addLanes(zeroLanes(16, 2), zeroLanes(16, 3))).to.throw(AggregationError, 'LENGTH_MISMATCH')
    expect(() => subtractLanes(zeroLanes(16, 2), zeroLanes(32, 2))).to.throw(AggregationError, 'BAD_SETTING')
  })
})
