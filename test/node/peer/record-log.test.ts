import { expect } from 'chai'
import fc from 'fast-check'
import { encodeRecord, readRecords } from '../../../node/peer/record-log.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'

const { sha256 } = nodeCrypto()

function fileOf(payloads: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(payloads.flatMap(payload => [...encodeRecord(payload, sha256)]))
}

function payloadsIn(file: Uint8Array): Uint8Array[] {
  return readRecords(file, sha256).places.map(({ offset, length }) => file.slice(offset, offset + length))
}

describe('a log of records', () => {
  it('gives back what was written', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), payloads => {
        const file = fileOf(payloads)
        expect(payloadsIn(file)).to.deep.equal(payloads)
        expect(readRecords(file, sha256).goodBytes).to.equal(file.length)
      })
    )
  })

  it('cut at any byte keeps every whole record and nothing else', () => {
    const payloads = [Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(33).fill(9)]
    const ends = payloads.map((_, i) => fileOf(payloads.slice(0, i + 1)).length)
    const file = fileOf(payloads)
    for (let length = 0; length <= file.length; length++) {
      const whole = ends.filter(end => end <= length).length
      expect(payloadsIn(file.subarray(0, length)), `cut at ${length}`).to.deep.equal(payloads.slice(0, whole))
      expect(readRecords(file.subarray(0, length), sha256).goodBytes).to.equal(
        whole === 0 ? 0 : ends[whole - 1]
      )
    }
  })

  it('stops at a record in which any one bit is wrong', () => {
    const file = fileOf([Uint8Array.of(5, 6, 7, 8)])
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const wrong = file.slice()
      wrong[bit >> 3]! ^= 1 << (bit & 7)
      expect(payloadsIn(wrong), `bit ${bit}`).to.deep.equal([])
    }
  })

  it('takes zeros, which some file systems leave after a crash, for an unfinished record', () => {
    const file = fileOf([Uint8Array.of(1)])
    const padded = new Uint8Array(file.length + 64)
    padded.set(file)
    expect(readRecords(padded, sha256).goodBytes).to.equal(file.length)
  })
})
