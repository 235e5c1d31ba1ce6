import { expect } from 'chai'
import fc from 'fast-check'
import { ModelError } from '../../../../node/model/errors.ts'
import { openTensorFile } from '../../../../node/model/safetensors/tensor-file.ts'
import { readSafetensors, writeSafetensors } from '../../../../node/model/safetensors.ts'
import type { Files } from '../../../../protocols/ports.ts'
import { memoryFiles } from '../../../../sim/memory-files.ts'
import { entry, fileWith } from '../../../support/safetensors-file.ts'

const inMemory = (file: Uint8Array): Files => memoryFiles([['w.safetensors', file]])
const open = (files: Files) => openTensorFile(files, 'w.safetensors', './m/w.safetensors')

async function refusal(promise: Promise<unknown>): Promise<ModelError> {
  const error = await promise.then(
    () => new Error('not refused'),
    error => error
  )
  expect(error).to.be.instanceOf(ModelError)
  return error
}

/** Files that note how many bytes are read at a time. */
function watched(files: Files): { readonly files: Files; readonly reads: number[] } {
  const reads: number[] = []
  return {
    reads,
    files: {
      ...files,
      read: () => expect.fail('the whole file was read'),
      readRange: (path, offset, length) => {
        reads.push(length)
        return files.readRange(path, offset, length)
      },
      readInto: (path, offset, target) => {
        reads.push(target.length)
        return files.readInto(path, offset, target)
      }
    }
  }
}

describe('a safetensors file by ranges', () => {
  const halves = (...bits: number[]) => [...new Uint8Array(Uint16Array.from(bits).buffer)]
  const mixed = fileWith(
    {
      mask: entry('BOOL', [3], 0, 3),
      half: entry('F16', [2], 3, 7),
      brain: entry('BF16', [2, 1], 7, 11),
      single: entry('F32', [1], 11, 15),
      positions: entry('I64', [1], 15, 23),
      empty: entry('F32', [0, 4], 23, 23)
    },
    Uint8Array.from([
      1,
      0,
      1,
      ...halves(0x3c00, 0xc100),
      ...halves(0x3fc0, 0xc000),
      0,
      0,
      0x28,
      0x42,
      ...Array(8).fill(7)
    ])
  )

  it('gives names, shapes, number formats and values, at any alignment', async () => {
    const file = await open(inMemory(mixed))
    expect([...file.names()]).to.deep.equal(['mask', 'half', 'brain', 'single', 'positions', 'empty'])
    expect(file.shapeOf('brain')).to.deep.equal([2, 1])
    expect(file.dtypeOf('mask')).to.equal('BOOL')
    expect([file.shapeOf('none'), file.dtypeOf('none')]).to.deep.equal([undefined, undefined])
    expect(await file.read('half')).to.deep.equal(Float32Array.of(1, -2.5))
    expect(await file.read('brain')).to.deep.equal(Float32Array.of(1.5, -2))
    expect(await file.read('single')).to.deep.equal(Float32Array.of(42))
    expect(await file.read('empty')).to.deep.equal(new Float32Array(0))
  })

  it('does not read what it cannot compute with, or what is not there, and says which', async () => {
    const file = await open(inMemory(mixed))
    const integers = await refusal(file.read('positions'))
    expect(integers.code).to.equal('UNSUPPORTED')
    expect(integers.message).to.include('./m/w.safetensors: tensor positions is stored as I64')
    const none = await refusal(file.read('none'))
    expect(none.code).to.equal('TENSOR_MISMATCH')
    expect(none.message).to.include('no tensor none')
    expect((await refusal(open(memoryFiles()))).code).to.equal('MISSING_FILE')
  })

  it('reads the header first, then of each tensor its own bytes, large ones piece by piece', async () => {
    const count = 3 * 2 ** 20 + 5
    const data = new Uint8Array(4 + 2 * count).fill(0x3c)
    const header = { small: entry('F32', [1], 0, 4), large: entry('BF16', [count], 4, data.length) }
    const { files, reads } = watched(inMemory(fileWith(header, data)))
    const file = await open(files)
    const headerBytes = JSON.stringify(header).length
    expect(reads.splice(0)).to.deep.equal([8, headerBytes])
    await file.read('small')
    expect(reads.splice(0)).to.deep.equal([4])
    const large = await file.read('large')
    expect(large.length).to.equal(count)
    expect(large.every(value => value === large[0])).to.equal(true)
    expect(Math.max(...reads)).to.equal(4 * 2 ** 20)
    expect(reads.reduce((sum, bytes) => sum + bytes)).to.equal(2 * count)
  })

  it('reads some values of a tensor, and refuses more than it has', async () => {
    const values = Float32Array.of(1, 2, 3, 4, 5)
    const file = await open(inMemory(writeSafetensors(new Map([['w', { shape: [5], data: values }]]))))
    const out = new Float32Array(2)
    await file.readValues('w', 3, out)
    expect(out).to.deep.equal(Float32Array.of(4, 5))
    const error = await file.readValues('w', 4, out).catch(error => error)
    expect(error).to.be.instanceOf(RangeError)
    expect(error.message).to.include('values 4 to 6')
  })

  it('finds a value that is not finite when its tensor is read, and counts from its begin', async () => {
    const nan = fileWith(
      { ok: entry('F16', [1], 0, 2), w: entry('F16', [3], 2, 8) },
      Uint8Array.from(halves(0, 0, 0, 0x7e00))
    )
    const file = await open(inMemory(nan))
    expect(await file.read('ok')).to.deep.equal(Float32Array.of(0))
    const error = await refusal(file.read('w'))
    expect(error.code).to.equal('CORRUPT_SAFETENSORS')
    expect(error.message).to.include('./m/w.safetensors, tensor w').and.to.include('value 2 is NaN')
    const part = await refusal(file.readValues('w', 1, new Float32Array(2)))
    expect(part.message).to.include('value 2 is NaN')
  })

  it('believes no header: a claim of 2^60 bytes is refused before anything of it is read', async () => {
    const absurd = new Uint8Array(100)
    new DataView(absurd.buffer).setBigUint64(0, 2n ** 60n, true)
    const { files, reads } = watched(inMemory(absurd))
    expect((await refusal(open(files))).message).to.include('its header claims')
    const hundredMegabytes = new Uint8Array(100)
    new DataView(hundredMegabytes.buffer).setBigUint64(0, 100_000_000n, true)
    expect((await refusal(open(watched(inMemory(hundredMegabytes)).files))).message).to.include('more than')
    expect(reads).to.deep.equal([8])
  })

  it('agrees with the reader of whole files on every corrupted file', async () => {
    const whole = writeSafetensors(
      new Map([
        ['a', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
        ['b', { shape: [3], data: Float32Array.of(5, 6, 7) }]
      ])
    )
    const corruption = fc.record({
      at: fc.nat({ max: whole.length - 1 }),
      value: fc.nat({ max: 255 }),
      cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat({ max: whole.length }))
    })
    await fc.assert(
      fc.asyncProperty(corruption, async ({ at, value, cut }) => {
        const file = whole.with(at, value).subarray(0, whole.length - cut)
        const inOne = outcomeOf(() => readSafetensors(file, './m/w.safetensors'))
        const byRanges = await open(inMemory(file))
          .then(async source => {
            const found = new Map<string, unknown>()
            for (const name of source.names()) {
              found.set(name, {
                dtype: source.dtypeOf(name),
                shape: source.shapeOf(name),
                data: await source.read(name)
              })
            }
            return found
          })
          .catch(codeAndMessage)
        expect(byRanges).to.deep.equal(inOne)
      }),
      { numRuns: 1000 }
    )
  })
})

function outcomeOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return codeAndMessage(error)
  }
}

function codeAndMessage(error: unknown): unknown {
  expect(error).to.be.instanceOf(ModelError)
  return { code: (error as ModelError).code, message: (error as ModelError).message }
}
