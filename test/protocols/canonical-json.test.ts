import { expect } from 'chai'
import fc from 'fast-check'
import { canonicalJson } from '../../protocols/canonical-json.ts'
import { fromHex, toHex } from '../../protocols/hex.ts'
import { reordered } from '../support/manifests.ts'

describe('canonical JSON (RFC 8785)', () => {
  it('gives the example of section 3.2.2, sorted and printed as section 3.2.3 says', () => {
    const value = {
      // The RFC's own literal, 333333333.33333329, in the digits that a double holds.
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false]
    }
    expect(canonicalJson(value)).to.equal(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
  })

  it('sorts by UTF-16 code unit (section 3.2.3)', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6']
    const sorted = JSON.parse(canonicalJson(Object.fromEntries(keys.map((key, i) => [key, i]))))
    const order = ['1', '\r', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']
    expect(Object.keys(sorted)).to.deep.equal(order)
  })

  it('is JSON that reads back as the value, for any order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), value => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).to.deep.equal(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(reordered(value))).to.equal(text)
      })
    )
  })

  it('refuses what JSON cannot hold', () => {
    for (const value of [
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1n,
      () => 1,
      '\ud800',
      { a: undefined }
    ]) {
      expect(() => canonicalJson(value)).to.throw(TypeError)
    }
  })
})

describe('hexadecimal text', () => {
  it('round-trips and refuses everything else', () => {
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        expect(fromHex(toHex(bytes))).to.deep.equal(bytes)
      })
    )
    for (const text of ['a', 'AB', 'zz', '0x00', ' 00']) expect(fromHex(text)).to.equal(null)
  })
})
