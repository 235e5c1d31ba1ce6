import { expect } from 'chai'
import fc from 'fast-check'
import { saveWeights } from '../../../../node/model/safetensors/save-weights.ts'
import { openStoredWeights } from '../../../../node/model/safetensors/stored-weights.ts'
import { type NamedTensor, writeSafetensors } from '../../../../node/model/safetensors.ts'
import { memoryWeights, type WeightSource } from '../../../../node/model/weight-source.ts'
import { type MemoryFiles, memoryFiles } from '../../../../sim/memory-files.ts'
import { readAllTensors } from '../../../support/all-tensors.ts'
import { dyingFiles } from '../../../support/dying-files.ts'

const INDEX = 'model.safetensors.index.json'

const filled = (shape: readonly number[], value: number): NamedTensor => ({
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value)
})

async function readBack(files: MemoryFiles): Promise<Map<string, NamedTensor>> {
  return readAllTensors(await openStoredWeights(files, './m'))
}

const tensors = new Map([
  ['c', filled([4], 3)],
  ['a', filled([2, 2], 1)],
  ['b', filled([], -2)],
  ['none', filled([0, 3], 0)]
])

describe('saving weights', () => {
  it('writes one file, the same bytes as in memory', async () => {
    const files = memoryFiles()
    expect(await saveWeights(files, memoryWeights(tensors))).to.deep.equal(['model.safetensors'])
    expect(await files.read('model.safetensors')).to.deep.equal(writeSafetensors(tensors))
    expect(await files.list('')).to.deep.equal(['model.safetensors'])
  })

  it('splits what is larger than a file, in order, and lists it in an index as Transformers does', async () => {
    const files = memoryFiles()
    const names = await saveWeights(files, memoryWeights(tensors), { shardBytesMax: 20 })
    const [one, two] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
    expect(names).to.deep.equal([one, two, INDEX])
    expect(JSON.parse(new TextDecoder().decode((await files.read(INDEX))!))).to.deep.equal({
      metadata: { total_size: 36 },
      weight_map: { a: one, b: one, c: two, none: two }
    })
    expect(await readBack(files)).to.deep.equal(new Map([...tensors].sort()))
  })

  it('gives a tensor that is larger than a file one of its own', async () => {
    const files = memoryFiles()
    const large = new Map([
      ['a', filled([1], 1)],
      ['b', filled([9], 2)],
      ['c', filled([1], 3)]
    ])
    expect(await saveWeights(files, memoryWeights(large), { shardBytesMax: 8 })).to.have.length(4)
    expect(await readBack(files)).to.deep.equal(large)
  })

  it('reads back, under any shapes, sizes of a file and formats that hold the values', async () => {
    // Halves of whole numbers below 64 are exact in all three.
    const value = fc.integer({ min: -127, max: 127 }).map(n => n / 2)
    const anyTensor = fc.array(fc.nat({ max: 3 }), { maxLength: 3 }).chain(shape => {
      const length = shape.reduce((product, size) => product * size, 1)
      return fc
        .array(value, { minLength: length, maxLength: length })
        .map(values => ({ shape, data: Float32Array.from(values) }))
    })
    const name = fc.string({ minLength: 1, maxLength: 3 }).filter(name => name !== '__metadata__')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, anyTensor), { minLength: 1, maxLength: 6 }),
        fc.constantFrom('F32' as const, 'F16' as const, 'BF16' as const),
        fc.integer({ min: 1, max: 200 }),
        async (pairs, dtype, shardBytesMax) => {
          const given = new Map(pairs)
          const files = memoryFiles()
          await saveWeights(files, memoryWeights(given), { dtype, shardBytesMax })
          const stored = await openStoredWeights(files, './m')
          for (const name of given.keys()) expect(stored.dtypeOf(name)).to.equal(dtype)
          const read = await readAllTensors(stored)
          expect([...read].sort(byName)).to.deep.equal([...given].sort(byName))
        }
      ),
      { numRuns: 60 }
    )
  })

  it('rounds large tensors piece by piece', async () => {
    const length = 2 ** 20 + 3
    const data = Float32Array.from({ length }, (_, i) => i + 0.1)
    const files = memoryFiles()
    await saveWeights(files, memoryWeights(new Map([['w', { shape: [length], data }]])), { dtype: 'BF16' })
    const read = (await readBack(files)).get('w')!.data
    // Eight bits of significand: half a step is at most 2^-9 of the value.
    const wrong = data.findIndex((value, i) => Math.abs(read[i]! - value) > value * 2 ** -8)
    expect(wrong).to.equal(-1)
    expect(read[length - 1]).to.equal(2 ** 20)
  })

  it('refuses a value that the format cannot hold, and keeps the old weights', async () => {
    const files = memoryFiles()
    await saveWeights(files, memoryWeights(tensors))
    const large = memoryWeights(new Map([['w', filled([2], 70_000)]]))
    const error = await saveWeights(files, large, { dtype: 'F16' }).catch(error => error)
    expect(error).to.be.instanceOf(RangeError)
    expect(error.message).to.equal('w: value 0 is 70000, which F16 cannot hold')
    expect(await readBack(files)).to.deep.equal(new Map([...tensors].sort()))
  })

  it('asks for one tensor at a time', async () => {
    const source = memoryWeights(tensors)
    const asked: string[] = []
    const watched: WeightSource = {
      ...source,
      read: name => {
        asked.push(name)
        return source.read(name)
      }
    }
    await saveWeights(memoryFiles(), watched, { shardBytesMax: 20 })
    expect(asked).to.deep.equal(['a', 'b', 'c', 'none'])
  })

  it('leaves no file of an earlier save behind, whichever came first', async () => {
    const sizes = [1e9, 20, 8]
    for (const first of sizes) {
      for (const second of sizes) {
        const files = memoryFiles()
        await saveWeights(
          files,
          memoryWeights(
            new Map([
              ['old', filled([30], 1)],
              ['older', filled([9], 1)]
            ])
          ),
          { shardBytesMax: first }
        )
        const names = await saveWeights(files, memoryWeights(tensors), { shardBytesMax: second })
        expect(await files.list('')).to.deep.equal([...names].sort())
        expect(await readBack(files)).to.deep.equal(new Map([...tensors].sort()))
      }
    }
  })

  it('cut short anywhere, leaves the old weights, the new ones or none, never some of each', async () => {
    const old = new Map([...tensors].map(([name, { shape }]) => [name, filled(shape, 9)]))
    const kindOf = async (files: MemoryFiles): Promise<string> => {
      try {
        const read = await readBack(files)
        const isOld = [...read.values()].every(({ data }) => data.every(value => value === 9))
        expect(read).to.deep.equal(new Map([...(isOld ? old : tensors)].sort()))
        return isOld ? 'old' : 'new'
      } catch (error) {
        expect((error as Error & { code: string }).code).to.equal('MISSING_FILE')
        return 'none'
      }
    }
    for (const first of [1e9, 20]) {
      for (const second of [1e9, 20]) {
        const seen: string[] = []
        for (let dieAt = 0; seen.at(-1) !== 'new' || dieAt < 12; dieAt++) {
          const disk = memoryFiles()
          await saveWeights(disk, memoryWeights(old), { shardBytesMax: first })
          const died = new Error('the power is off')
          const dying = dyingFiles(
            disk,
            () => {
              throw died
            },
            dieAt,
            'before'
          )
          await saveWeights(dying, memoryWeights(tensors), { shardBytesMax: second }).catch(error => {
            expect(error).to.equal(died)
          })
          seen.push(await kindOf(disk))
          expect(dieAt).to.be.lessThan(30)
        }
        expect(seen[0]).to.equal('old')
      }
    }
  })
})

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}
