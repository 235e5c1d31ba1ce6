import { expect } from 'chai'
import fc from 'fast-check'
import { type CanonicalField, lengthPrefixed, utf8Bytes } from '../../aggregation/canonical-bytes.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { toHex } from '../support/bytes.ts'

describe('canonical bytes', () => {
  it('utf8Bytes is TextEncoder, lone surrogates included', () => {
    const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map(c => String.fromCharCode(c)) })
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string({ unit: 'binary' })), text => {
        expect(utf8Bytes(text)).to.deep.equal(new TextEncoder().encode(text))
      })
    )
  })

  it('puts a little-endian length before each field', () => {
    const bytes = lengthPrefixed('ab', new Uint8Array([255]), 258)
    expect(toHex(bytes)).to.equal('020000006162' + '01000000ff' + '080000000201000000000000')
  })

  it('gives different bytes to different lists of fields', () => {
    const fields = fc.array(fc.string({ maxLength: 4, unit: fc.constantFrom('a', '\0', '\u0001') }), {
      maxLength: 4
    })
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        const same = a.length === b.length && a.every((field, i) => field === b[i])
        expect(toHex(lengthPrefixed(...a)) === toHex(lengthPrefixed(...b))).to.equal(same)
      })
    )
  })

  for (const bad of [-1, 0.5, 2 ** 53, Number.NaN] as CanonicalField[]) {
    it(`refuses the number ${bad}`, () => {
      expect(() => lengthPrefixed(bad))
        .to.throw(AggregationError)
        .with.property('code', 'BAD_SETTING')
    })
  }
})
