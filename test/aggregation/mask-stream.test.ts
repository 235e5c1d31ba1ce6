import { expect } from 'chai'
import fc from 'fast-check'
import type { KeyStream } from '../../aggregation/crypto-suite.ts'
import { AggregationError } from '../../aggregation/errors.ts'
import { CUT_BYTES, PIECE_BYTES, plainPieceSums, wasmPieceSums } from '../../aggregation/lane-sum.ts'
import { applyMasks, applyMasksAsync, type SignedMask } from '../../aggregation/mask-stream.ts'
import { lanesByteLength, RING_WIDTHS } from '../../aggregation/ring.ts'
import { readLaneSumKernel } from '../../node/platform/kernel-files.ts'
import { nodeCrypto, seededCrypto } from '../../node/platform/node-crypto.ts'
import { toHex } from '../support/bytes.ts'
import { maskVectorInput } from '../support/mask-vector-input.ts'
import { maskVectors } from '../support/mask-vectors.ts'

const crypto = nodeCrypto()
const kinds = { plain: plainPieceSums, wasm: wasmPieceSums(readLaneSumKernel()) } as const

function masksOf(count: number, seed: number): SignedMask[] {
  const secrets = seededCrypto(Uint8Array.of(seed))
  return Array.from({ length: count }, (_, i) => ({
    key: secrets.randomBytes(32),
    sign: i % 2 === 0 ? 1 : -1
  }))
}

describe('masks over packed lanes', () => {
  for (const [kind, pieceSums] of Object.entries(kinds)) {
    for (const vector of maskVectors) {
      const { ringBits, lanes, firstByte } = vector
      it(`are those of Python's integers: ${lanes} lanes of ${ringBits} bits from byte ${firstByte}, ${kind}`, () => {
        const bytes = maskVectorInput(ringBits, lanes)
        expect(toHex(crypto.sha256(bytes))).to.equal(vector.inputSha256)
        const masks = vector.masks.map(({ key, sign }) => ({ key: Buffer.from(key, 'hex'), sign }))
        applyMasks(bytes, masks, ringBits, crypto, { pieceSums, firstByte })
        expect(toHex(bytes.subarray(0, 32))).to.equal(vector.begins)
        expect(toHex(bytes.subarray(-8))).to.equal(vector.ends)
        expect(toHex(crypto.sha256(bytes))).to.equal(vector.sha256)
      })
    }
  }

  it('any part by itself is that part of the whole', () => {
    for (const ringBits of RING_WIDTHS) {
      const masks = masksOf(3, ringBits)
      const whole = maskVectorInput(ringBits, 120_000)
      const plain = whole.slice()
      applyMasks(whole, masks, ringBits, crypto, { pieceSums: kinds.wasm })
      fc.assert(
        fc.property(fc.nat(Math.floor(whole.length / CUT_BYTES) - 1), fc.nat(2000), (cut, cuts) => {
          const from = cut * CUT_BYTES
          const part = plain.slice(from, from + cuts * CUT_BYTES)
          applyMasks(part, masks, ringBits, crypto, { pieceSums: kinds.wasm, firstByte: from })
          expect(Buffer.from(part).equals(whole.subarray(from, from + part.length))).to.equal(true)
        }),
        { numRuns: 30 }
      )
    }
    const elsewhere = () => applyMasks(new Uint8Array(4), masksOf(1, 1), 16, crypto, { firstByte: 16 })
    expect(elsewhere).to.throw(AggregationError, 'BAD_SETTING')
  })

  it('are the same where the key stream takes its time', async () => {
    for (const ringBits of RING_WIDTHS) {
      const masks = masksOf(3, 9)
      const bytes = maskVectorInput(ringBits, 70_000)
      const later = bytes.slice()
      applyMasks(bytes, masks, ringBits, crypto)
      const keyStream = (key: Uint8Array, offset: number) => {
        const stream = crypto.keyStream(key, offset)
        return { next: async (length: number) => stream.next(length) }
      }
      // Two at once: neither may use what the other adds in.
      const other = maskVectorInput(ringBits, 70_000)
      const options = { pieceSums: kinds.wasm }
      await Promise.all([
        applyMasksAsync(later, masks, ringBits, keyStream, options),
        applyMasksAsync(other, masksOf(2, 10), ringBits, keyStream, options)
      ])
      expect(Buffer.from(later).equals(bytes)).to.equal(true)
    }
  })

  it('take one piece from every mask before the next, and let go of every piece and, at the end, of every key', () => {
    for (const ringBits of RING_WIDTHS) {
      const story: string[] = []
      const opened: Uint8Array[] = []
      const keyStream = (key: Uint8Array): KeyStream => {
        const number = opened.push(key) - 1
        const stream = crypto.keyStream(key)
        const next = (length: number) => {
          story.push(`${number}:${length}`)
          return stream.next(length)
        }
        const release = () => void story.push(`release ${number}`)
        return { next, release, end: () => void story.push(`end ${number}`) }
      }
      const bytes = new Uint8Array(PIECE_BYTES + lanesByteLength(ringBits, 4))
      applyMasks(bytes, masksOf(2, 3), ringBits, { keyStream }, { pieceSums: kinds.wasm })
      const rest = bytes.length - PIECE_BYTES
      const pieces = [PIECE_BYTES, rest].flatMap(length =>
        [0, 1].flatMap(number => [`${number}:${length}`, `release ${number}`])
      )
      expect(story).to.deep.equal([...pieces, 'end 0', 'end 1'])
    }
  })

  it('end early when they are told to, between two pieces', () => {
    const bytes = new Uint8Array(200_000)
    let asked = 0
    applyMasks(bytes, masksOf(1, 4), 16, crypto, { isOver: () => ++asked > 2 })
    expect(bytes.subarray(0, 2 * PIECE_BYTES).some(byte => byte !== 0)).to.equal(true)
    expect(bytes.subarray(2 * PIECE_BYTES).every(byte => byte === 0)).to.equal(true)
  })
})
