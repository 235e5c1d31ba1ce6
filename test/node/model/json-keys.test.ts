import { expect } from 'chai'
import fc from 'fast-check'
import { duplicateKey } from '../../../node/model/json-keys.ts'

describe('keys of a JSON text', () => {
  it('finds no duplicate in what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json(), json => {
        expect(duplicateKey(json)).to.equal(null)
      })
    )
  })

  it('finds a key that is written twice in one object, at any depth', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.json(), fc.boolean(), (key, value, deep) => {
        const written = JSON.stringify(key)
        const twice = `{${written}: ${value}, ${written} : ${value}}`
        expect(duplicateKey(deep ? `[1, {"a": ${twice}}]` : twice)).to.equal(key)
      })
    )
  })

  it('allows one key in two objects, and as a value', () => {
    expect(duplicateKey('[{"a":1},{"a":"a"},{"b":{"a":"a"},"a":["a","a"]}]')).to.equal(null)
  })

  it('is not led astray by quotes, braces and colons inside texts', () => {
    expect(duplicateKey('{"a":"\\"}{\\\\","b":"a\\":","c":1}')).to.equal(null)
    expect(duplicateKey('{"a":"}","a":1}')).to.equal('a')
  })
})
