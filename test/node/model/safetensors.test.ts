import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { ModelError } from '../../../node/model/errors.ts'
import { HEADER_BYTES_MAX } from '../../../node/model/safetensors/header.ts'
import { type NamedTensor, readSafetensors, writeSafetensors } from '../../../node/model/safetensors.ts'
import { entry, fileWith } from '../../support/safetensors-file.ts'

function refusal(file: Uint8Array): ModelError {
  try {
    readSafetensors(file, 'models/x/model.safetensors')
  } catch (error) {
    expect(error).to.be.instanceOf(ModelError)
    return error as ModelError
  }
  throw new Error('not refused')
}

const finite = fc.float({ noNaN: true, noDefaultInfinity: true })
const tensor: fc.Arbitrary<NamedTensor> = fc.array(fc.nat({ max: 4 }), { maxLength: 3 }).chain(shape => {
  const length = shape.reduce((product, size) => product * size, 1)
  return fc
    .array(finite, { minLength: length, maxLength: length })
    .map(values => ({ shape, data: Float32Array.from(values) }))
})

describe('safetensors', () => {
  it('reads back what it wrote, under any names and shapes', () => {
    const name = fc.string({ unit: 'binary' }).filter(name => name !== '__metadata__')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, tensor), { maxLength: 6 }), pairs => {
        const tensors = new Map(pairs)
        const read = readSafetensors(writeSafetensors(tensors))
        expect([...read.keys()].sort()).to.deep.equal([...tensors.keys()].sort())
        for (const [name, { shape, data }] of tensors) {
          expect(read.get(name)).to.deep.equal({ dtype: 'F32', shape, data })
        }
      })
    )
  })

  it('writes equal tensors as equal bytes, whatever their order, and aligns the data', () => {
    const a: NamedTensor = { shape: [2], data: Float32Array.of(1, -2) }
    const b: NamedTensor = { shape: [], data: Float32Array.of(3) }
    const file = writeSafetensors(
      new Map([
        ['a', a],
        ['b', b]
      ])
    )
    expect(
      writeSafetensors(
        new Map([
          ['b', b],
          ['a', a]
        ])
      )
    ).to.deep.equal(file)
    expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).to.equal(0)
    expect(file.length % 4).to.equal(0)
  })

  it('lays the bytes out as the format says', () => {
    const file = writeSafetensors(new Map([['w', { shape: [1, 2], data: Float32Array.of(1, 0.5) }]]))
    const json = '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}'
    const headerBytes = Math.ceil(json.length / 8) * 8
    expect(new TextDecoder().decode(file.subarray(8, 8 + headerBytes))).to.equal(json.padEnd(headerBytes))
    expect([...file.subarray(8 + headerBytes)]).to.deep.equal([0, 0, 0x80, 0x3f, 0, 0, 0, 0x3f])
  })

  it('reads what the Rust and Python library writes', () => {
    const vectors = JSON.parse(
      readFileSync(new URL('../../vectors/safetensors-python.json', import.meta.url), 'utf8')
    )
    const read = readSafetensors(Buffer.from(vectors.base64, 'base64'))
    expect([...read.keys()].sort()).to.deep.equal(Object.keys(vectors.tensors).sort())
    for (const [name, { shape, data }] of read) {
      expect({ shape, values: [...data] }, name).to.deep.equal(vectors.tensors[name])
    }
  })

  it('refuses to write a tensor that its shape does not describe', () => {
    const wrong = new Map([['w', { shape: [3], data: Float32Array.of(1, 2) }]])
    expect(() => writeSafetensors(wrong)).to.throw(RangeError, 'w: expected 3 values, got 2')
  })

  it('widens float16 exactly: every finite pattern', () => {
    const patterns = Uint16Array.from({ length: 65_536 }, (_, bits) => bits).filter(
      bits => (bits & 0x7c00) !== 0x7c00
    )
    const data = new Uint8Array(patterns.buffer, patterns.byteOffset, patterns.byteLength)
    const file = fileWith({ w: entry('F16', [patterns.length], 0, data.length) }, data)
    const got = readSafetensors(file).get('w')!.data
    patterns.forEach((bits, i) => {
      const exponent = (bits >> 10) & 31
      const significand = (exponent === 0 ? 0 : 1) + (bits & 1023) / 1024
      const expected = (bits >> 15 ? -1 : 1) * significand * 2 ** (Math.max(exponent, 1) - 15)
      if (!Object.is(got[i], expected)) expect.fail(`pattern ${bits}: expected ${expected}, got ${got[i]}`)
    })
  })

  it('widens bfloat16 exactly: the upper half of a float32', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), bits => {
        fc.pre((bits & 0x7f80) !== 0x7f80)
        const file = fileWith({ w: entry('BF16', [1], 0, 2) }, Uint8Array.of(bits & 255, bits >> 8))
        const expected = new DataView(new ArrayBuffer(4))
        expected.setUint16(0, bits)
        expect(readSafetensors(file).get('w')!.data).to.deep.equal(Float32Array.of(expected.getFloat32(0)))
      })
    )
  })

  it('reads from any alignment of the file in memory', () => {
    const file = writeSafetensors(new Map([['w', { shape: [2], data: Float32Array.of(1.5, -7) }]]))
    for (const shift of [0, 1, 2, 3]) {
      const memory = Buffer.alloc(file.length + shift)
      memory.set(file, shift)
      expect(readSafetensors(memory.subarray(shift)).get('w')!.data).to.deep.equal(Float32Array.of(1.5, -7))
    }
  })

  describe('refuses a broken file, naming the path and the tensor:', () => {
    const oneFloat = entry('F32', [1], 0, 4)
    const cases: Array<[what: string, file: Uint8Array, reason: string]> = [
      ['an empty file', new Uint8Array(0), 'it has 0 bytes, too few for a header'],
      [
        'a header that is longer than the file',
        Uint8Array.of(99, 0, 0, 0, 0, 0, 0, 0, 123),
        'it was cut short'
      ],
      ['a header of absurd length', new Uint8Array(8).fill(255), `more than ${HEADER_BYTES_MAX}`],
      ['a header that is not JSON', fileWith('{"w":'), 'its header cannot be read as JSON'],
      ['a header that is not UTF-8', fileWith('{"ww":1}').with(10, 0xff), 'as JSON'],
      ['a header that is a list', fileWith([]), 'its header is not a JSON object'],
      ['a header that begins with a blank', fileWith(' {}'), 'its header does not begin with {'],
      [
        'a header of megabytes of brackets',
        fileWith(`{"w":${'['.repeat(2 ** 20)}`),
        'its header nests deeper than 3 levels'
      ],
      [
        'sixteen megabytes of nested objects',
        fileWith('{"a":'.repeat(3_300_000)),
        'its header nests deeper than 3 levels'
      ],
      [
        'a tensor named twice',
        fileWith(`{"w":${JSON.stringify(oneFloat)},"w":${JSON.stringify(oneFloat)}}`, 4),
        '"w" twice'
      ],
      [
        'the same name in other letters',
        fileWith(`{"w":${JSON.stringify(oneFloat)},"\\u0077":1}`, 4),
        '"w" twice'
      ],
      [
        'a field named twice',
        fileWith('{"w":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}', 4),
        '"dtype" twice'
      ],
      [
        'metadata that is not text',
        fileWith({ __metadata__: { a: 1 } }),
        '__metadata__ must hold texts only'
      ],
      [
        'an entry that is no object',
        fileWith({ w: 3 }),
        'tensor w: not a sound safetensors file: its header entry'
      ],
      ['no dtype', fileWith({ w: { shape: [1], data_offsets: [0, 4] } }, 4), 'it has no dtype'],
      ['a negative size', fileWith({ w: entry('F32', [-1], 0, 4) }, 4), 'its shape is not a list of sizes'],
      [
        'a size with a fraction',
        fileWith({ w: entry('F32', [0.5, 2], 0, 4) }, 4),
        'its shape is not a list of sizes'
      ],
      [
        'a shape that is no list',
        fileWith({ w: entry('F32', 1, 0, 4) }, 4),
        'its shape is not a list of sizes'
      ],
      [
        'offsets that are text',
        fileWith({ w: entry('F32', [1], '0', 4) }, 4),
        'its data_offsets are not two positions'
      ],
      ['offsets behind the end', fileWith({ w: entry('F32', [2], 0, 8) }, 4), 'leave the 4 bytes of data'],
      [
        'offsets the wrong way round',
        fileWith({ w: entry('F32', [1], 4, 0) }, 4),
        'leave the 4 bytes of data'
      ],
      [
        'a shape that needs other bytes',
        fileWith({ w: entry('F32', [3], 0, 4) }, 4),
        'shape [3] of F32 does not fill its 4 bytes'
      ],
      [
        'a product that overflows',
        fileWith({ w: entry('F32', [2 ** 31, 2 ** 31, 2 ** 31], 0, 4) }, 4),
        'does not fill its 4 bytes'
      ],
      [
        'a product that wraps round in 64 bits',
        fileWith({ w: entry('F32', [2 ** 31, 2 ** 31, 4], 0, 0) }),
        'does not fill its 0 bytes'
      ],
      [
        'tensors that overlap',
        fileWith({ v: entry('F32', [2], 0, 8), w: entry('F32', [2], 4, 12) }, 12),
        'tensor w: not a sound safetensors file: its bytes overlap'
      ],
      [
        'a hole between tensors',
        fileWith({ v: oneFloat, w: entry('F32', [1], 8, 12) }, 12),
        'bytes 4 to 8 before it belong to no tensor'
      ],
      [
        'bytes after the last tensor',
        fileWith({ w: oneFloat }, 6),
        'bytes 4 to 6 at its end belong to no tensor'
      ],
      [
        'a value that is not a number',
        fileWith({ w: oneFloat }, Uint8Array.of(0, 0, 0xc0, 0x7f)),
        'value 0 is NaN'
      ],
      [
        'an infinite value',
        fileWith({ w: entry('F16', [2], 0, 4) }, Uint8Array.of(0, 0, 0, 0x7c)),
        'value 1 is Infinity'
      ]
    ]
    for (const [what, file, reason] of cases) {
      it(what, () => {
        const error = refusal(file)
        expect(error.code).to.equal('CORRUPT_SAFETENSORS')
        expect(error.message).to.include('models/x/model.safetensors').and.to.include(reason)
      })
    }

    it('a type that safetensors does not have', () => {
      const error = refusal(fileWith({ w: entry('Q4_K', [4], 0, 4) }, 4))
      expect(error.code).to.equal('UNSUPPORTED')
      expect(error.message).to.include('tensor w is stored as Q4_K')
    })

    it('a type that it does not compute', () => {
      const error = refusal(fileWith({ w: entry('I8', [4], 0, 4) }, 4))
      expect(error.code).to.equal('UNSUPPORTED')
      expect(error.message).to.include('tensor w is stored as I8')
    })

    it('every shorter file than the whole', () => {
      const file = writeSafetensors(new Map([['w', { shape: [2], data: Float32Array.of(1, 2) }]]))
      for (let length = 0; length < file.length; length++) {
        expect(refusal(file.subarray(0, length)).code).to.equal('CORRUPT_SAFETENSORS')
      }
    })

    it('any change to a header, or reads it as tensors that lie within the file', () => {
      const file = writeSafetensors(new Map([['w', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }]]))
      fc.assert(
        fc.property(fc.nat({ max: file.length - 17 }), fc.nat({ max: 255 }), (at, value) => {
          try {
            for (const { shape, data } of readSafetensors(file.with(at, value)).values()) {
              expect(shape.reduce((product, size) => product * size, 1)).to.equal(data.length)
            }
          } catch (error) {
            expect(error).to.be.instanceOf(ModelError)
          }
        }),
        { numRuns: 500 }
      )
    })
  })
})
