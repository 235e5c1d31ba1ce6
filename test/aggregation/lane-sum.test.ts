import { expect } from 'chai'
import fc from 'fast-check'
import { PIECE_BYTES, plainPieceSums, wasmPieceSums } from '../../aggregation/lane-sum.ts'
import {
  addLanes,
  bytesOfLanes,
  lanesByteLength,
  RING_WIDTHS,
  setLanes,
  subtractLanes,
  zeroLanes
} from '../../aggregation/ring.ts'
import { readLaneSumKernel } from '../../node/platform/kernel-files.ts'
import { seededCrypto } from '../../node/platform/node-crypto.ts'
import { itIsBuiltFromSource } from '../support/kernel-build.ts'

type InstanceMaker = new (module: object) => { readonly exports: { memory: { buffer: ArrayBuffer } } }

const kernel = readLaneSumKernel()

describe('the sum of a piece', () => {
  itIsBuiltFromSource('laneSum', 'aggregation/lane-sum.wasm')

  const random = seededCrypto(Uint8Array.of(1))
  const cases = fc.record({
    ringBits: fc.constantFrom(...RING_WIDTHS),
    count: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 32_760 })),
    signs: fc.array(fc.constantFrom(1, -1), { maxLength: 5 })
  })
  for (const [kind, pieceSums] of Object.entries({ plain: plainPieceSums, wasm: wasmPieceSums(kernel) })) {
    it(`is that of its lanes, modulo 2^b (${kind})`, () => {
      fc.assert(
        fc.property(cases, ({ ringBits, count, signs }) => {
          const fresh = () => {
            const lanes = zeroLanes(ringBits, Math.min(count, (8 * PIECE_BYTES) / ringBits))
            const values = random.randomBytes(4 * lanes.length)
            setLanes(lanes, new Int32Array(values.buffer, values.byteOffset, lanes.length))
            return lanes
          }
          const expected = fresh()
          const sum = pieceSums(ringBits)
          sum.begin(bytesOfLanes(expected).slice())
          for (const sign of signs) {
            const lanes = fresh()
            // What fills the last byte up is not looked at.
            const bytes = bytesOfLanes(lanes).slice()
            if ((lanes.length * ringBits) % 8 !== 0) bytes[bytes.length - 1]! |= 0xf0
            if (sign === 1) {
              addLanes(expected, lanes)
              sum.add(bytes)
            } else {
              subtractLanes(expected, lanes)
              sum.subtract(bytes)
            }
          }
          const out = new Uint8Array(lanesByteLength(ringBits, expected.length)).fill(255)
          sum.finish(out)
          sum.end()
          expect(Buffer.from(out).equals(bytesOfLanes(expected))).to.equal(true)
        }),
        { numRuns: 150 }
      )
    })
  }

  it('leaves nothing behind in the memory of WebAssembly', () => {
    const memories: Uint8Array[] = []
    const { WebAssembly: api } = globalThis as unknown as { WebAssembly: { Instance: InstanceMaker } }
    const { Instance } = api
    class Watched extends Instance {
      constructor(module: object) {
        super(module)
        memories.push(new Uint8Array(this.exports.memory.buffer))
      }
    }
    api.Instance = Watched
    try {
      const pieceSums = wasmPieceSums(kernel)
      for (const ringBits of RING_WIDTHS) {
        const sum = pieceSums(ringBits)
        const bytes = random.randomBytes(PIECE_BYTES)
        sum.begin(bytes)
        sum.add(bytes)
        sum.finish(new Uint8Array(bytes.length))
        expect(memories[0]!.some(byte => byte !== 0)).to.equal(true)
        sum.end()
        expect(memories[0]!.every(byte => byte === 0)).to.equal(true)
      }
      // One after the other use the same memory, two at once do not.
      expect(memories).to.have.length(1)
      const both = [pieceSums(16), pieceSums(16)]
      expect(memories).to.have.length(2)
      for (const sum of both) sum.end()
    } finally {
      api.Instance = Instance
    }
  })

  it('is made without WebAssembly where the engine does not take the kernel', () => {
    expect(wasmPieceSums(new Uint8Array(8))).to.equal(plainPieceSums)
  })
})
