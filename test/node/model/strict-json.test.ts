import { expect } from 'chai'
import fc from 'fast-check'
import { strictJsonObject } from '../../../node/model/strict-json.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('strict JSON', () => {
  it('reads what JSON.parse reads of one object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), object => {
        const text = JSON.stringify(object)
        expect(strictJsonObject(utf8(text), 10)).to.deep.equal(JSON.parse(text))
      })
    )
  })

  it('counts brackets outside strings only', () => {
    const text = '{"[[[{{{":["]","\\\\\\"[[[",{"a":"{"}]}'
    expect(strictJsonObject(utf8(text), 3)).to.deep.equal(JSON.parse(text))
    expect(() => strictJsonObject(utf8(text), 2)).to.throw(SyntaxError, 'nests deeper than 2 levels')
  })

  for (const [text, reason] of [
    ['[1]', 'is not a JSON object'],
    ['null', 'is not a JSON object'],
    ['', 'cannot be read as JSON'],
    ['{"a":1', 'cannot be read as JSON'],
    ['{"a":1,"\\u0061":2}', 'names "a" twice'],
    ['{"b":{"a":1,"a":2}}', 'names "a" twice']
  ] as const) {
    it(`refuses ${text || 'nothing'}`, () => {
      expect(() => strictJsonObject(utf8(text), 5)).to.throw(SyntaxError, reason)
    })
  }

  it('refuses what is not UTF-8', () => {
    expect(() => strictJsonObject(Uint8Array.of(0x7b, 0xff, 0x7d), 5)).to.throw(SyntaxError, 'as JSON')
  })
})
