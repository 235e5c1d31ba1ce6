import { expect } from 'chai'
import fc from 'fast-check'
import { firstNonFinite, narrow, widen } from '../../../../node/model/safetensors/dtype.ts'

type Half = 'F16' | 'BF16'

function widened(bits: number, dtype: Half): number {
  const out = new Float32Array(1)
  widen(Uint16Array.of(bits), dtype, out)
  return out[0]!
}

/** The pattern, or null if the value is too large for the format. */
function narrowed(value: number, dtype: Half): number | null {
  const out = new Uint16Array(1)
  return narrow(Float32Array.of(value), dtype, out) < 0 ? out[0]! : null
}

const infinities = { F16: 0x7c00, BF16: 0x7f80 } as const

for (const dtype of ['F16', 'BF16'] as const) {
  const infinity = infinities[dtype]
  /** What would come after the largest number if the exponents went on: rounding to it is out of range. */
  const beyond = dtype === 'F16' ? 65_536 : 2 ** 128
  const magnitude = (bits: number) => (bits === infinity ? beyond : widened(bits, dtype))

  describe(`narrowing to ${dtype}`, () => {
    it('gives every number of the format back', () => {
      for (let bits = 0; bits < infinity; bits++) {
        for (const signed of [bits, bits | 0x8000]) {
          const got = narrowed(widened(signed, dtype), dtype)
          if (got !== signed) expect.fail(`pattern ${signed}: got ${got}`)
        }
      }
    })

    it('rounds halfway to the even neighbour, and a bit more or less to the nearer one', () => {
      const bits = new Uint32Array(1)
      const value = new Float32Array(bits.buffer)
      for (let low = 0; low < infinity; low++) {
        const high = low + 1
        const middle = (magnitude(low) + magnitude(high)) / 2
        value[0] = middle
        // The middle needs one more bit than the format has, which float32 does.
        if (value[0] !== middle) expect.fail(`${middle} is not a float32`)
        const even = low % 2 === 0 ? low : high
        const middleBits = bits[0]!
        for (const [step, expected] of [
          [-1, low],
          [0, even],
          [1, high]
        ] as const) {
          bits[0] = middleBits + step
          for (const [sign, flag] of [
            [1, 0],
            [-1, 0x8000]
          ] as const) {
            const got = narrowed(sign * value[0]!, dtype)
            const wanted = expected === infinity ? null : expected | flag
            if (got !== wanted) expect.fail(`${sign * value[0]!}: expected ${wanted}, got ${got}`)
          }
        }
      }
    })

    it('is as near as any number of the format', () => {
      fc.assert(
        fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), value => {
          const bits = narrowed(value, dtype)
          if (bits === null) {
            expect(Math.abs(value)).to.be.greaterThan(magnitude(infinity - 1))
            return
          }
          const error = Math.abs(widened(bits, dtype) - value)
          for (const other of [bits - 1, bits + 1]) {
            if ((other & 0x7fff) >= infinity || ((other ^ bits) & 0x8000) !== 0) continue
            expect(error).to.be.at.most(Math.abs(widened(other, dtype) - value))
          }
        })
      )
    })

    it('names the first value that is too large', () => {
      const values = Float32Array.of(1, 3.4e38, -3.4e38)
      expect(narrow(values, dtype, new Uint16Array(3))).to.equal(1)
      expect(narrow(Float32Array.of(0, Number.NaN), dtype, new Uint16Array(2))).to.equal(1)
    })
  })
}

describe('firstNonFinite', () => {
  it('finds NaN and both infinities, and nothing else', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(firstNonFinite(Float32Array.of(1, 0, bad))).to.equal(2)
    }
    expect(firstNonFinite(Float32Array.of(3.4e38, -3.4e38, -0, 1e-45))).to.equal(-1)
    expect(firstNonFinite(new Float32Array(0))).to.equal(-1)
  })
})
