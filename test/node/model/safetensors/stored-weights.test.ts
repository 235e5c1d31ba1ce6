import { expect } from 'chai'
import fc from 'fast-check'
import { ModelError } from '../../../../node/model/errors.ts'
import {
  INDEX_BYTES_MAX,
  openStoredWeights,
  shardNames
} from '../../../../node/model/safetensors/stored-weights.ts'
import { type NamedTensor, writeSafetensors } from '../../../../node/model/safetensors.ts'
import { type MemoryFiles, memoryFiles } from '../../../../sim/memory-files.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const tensor = (...values: number[]): NamedTensor => ({
  shape: [values.length],
  data: Float32Array.from(values)
})
const holding = (tensors: Record<string, NamedTensor>): Uint8Array =>
  writeSafetensors(new Map(Object.entries(tensors)))

const A = 'model-00001-of-00002.safetensors'
const B = 'model-00002-of-00002.safetensors'
const INDEX = 'model.safetensors.index.json'

/** Two shards with one and two tensors, and an index, which the cases spoil. */
function folder(
  weightMap: unknown = { x: A, y: B, z: B },
  shards: Record<string, Uint8Array> = {
    [A]: holding({ x: tensor(1) }),
    [B]: holding({ y: tensor(2, 3), z: tensor(4) })
  }
): MemoryFiles {
  const index = { metadata: { total_size: 16 }, weight_map: weightMap }
  return memoryFiles([...Object.entries(shards), [INDEX, utf8(JSON.stringify(index))]])
}

async function refusal(files: MemoryFiles): Promise<ModelError> {
  const error = await openStoredWeights(files, './m').then(
    () => new Error('not refused'),
    error => error
  )
  expect(error).to.be.instanceOf(ModelError)
  return error
}

describe('the weights of a folder', () => {
  it('are one file, which comes before an index', async () => {
    const files = folder({ x: '../elsewhere' })
    await files.write('model.safetensors', holding({ w: tensor(7) }))
    const weights = await openStoredWeights(files, './m')
    expect(weights.fileNames).to.deep.equal(['model.safetensors'])
    expect([...weights.names()]).to.deep.equal(['w'])
    expect(await weights.read('w')).to.deep.equal(Float32Array.of(7))
  })

  it('are the shards that the index lists', async () => {
    const weights = await openStoredWeights(folder(), './m')
    expect(weights.fileNames).to.deep.equal([A, B])
    expect([...weights.names()]).to.deep.equal(['x', 'y', 'z'])
    expect(weights.shapeOf('y')).to.deep.equal([2])
    expect(weights.dtypeOf('z')).to.equal('F32')
    expect(weights.shapeOf('none')).to.equal(undefined)
    expect(await weights.read('y')).to.deep.equal(Float32Array.of(2, 3))
    const out = new Float32Array(1)
    await weights.readValues('y', 1, out)
    expect(out[0]).to.equal(3)
    const error = await weights.read('none').catch(error => error)
    expect(error.code).to.equal('TENSOR_MISMATCH')
  })

  it('are known by name before the shards are there', () => {
    const index = utf8(JSON.stringify({ weight_map: { b: B, a: A, c: B } }))
    expect(shardNames(index, 'index')).to.deep.equal([A, B])
    expect(() => shardNames(utf8('{}'), 'hub/index')).to.throw(ModelError, 'hub/index')
  })

  it('are missing', async () => {
    const none = await refusal(memoryFiles())
    expect(none.code).to.equal('MISSING_FILE')
    expect(none.message).to.include('neither model.safetensors nor model.safetensors.index.json')
    const files = folder()
    await files.remove(B)
    const error = await refusal(files)
    expect(error.code).to.equal('MISSING_FILE')
    expect(error.message).to.include(`1 of the 2 files`).and.to.include(B)
  })

  describe('are refused if the index', () => {
    for (const name of [
      '../model.safetensors',
      '/etc/model.safetensors',
      'C:model.safetensors',
      'C:\\model.safetensors',
      'deeper/model.safetensors',
      '..',
      '.model.safetensors',
      'model.bin',
      'a\0.safetensors',
      '',
      7,
      null
    ]) {
      it(`names ${JSON.stringify(name)} as a shard`, async () => {
        const files = folder({ x: name })
        const read: string[] = []
        const watched: MemoryFiles = {
          ...files,
          readRange: (path, offset, length) => {
            read.push(path)
            return files.readRange(path, offset, length)
          }
        }
        const error = await refusal(watched)
        expect(error.code).to.equal('CORRUPT_SAFETENSORS')
        expect(error.message)
          .to.include(`./m/${INDEX}`)
          .and.to.include(`tensor x into ${JSON.stringify(name)}`)
        expect(read).to.deep.equal([INDEX])
      })
    }

    const cases: Array<[what: string, files: () => MemoryFiles, reason: string]> = [
      ['has no table', () => folder('x'), 'has no weight_map'],
      ['lists nothing', () => folder({}), 'lists no tensor'],
      [
        'does not list what a shard holds',
        () => folder({ x: A, y: B }),
        `does not list tensor z, which ${B} holds`
      ],
      [
        'lists what no shard holds',
        () => folder({ x: A, y: B, z: B, w: A }),
        `tensor w in ${A}, which holds none`
      ],
      [
        'lists a tensor in the wrong shard',
        () => folder({ x: A, y: A, z: B }),
        `tensor y in ${A}, but it lies in ${B}`
      ],
      [
        'lists a tensor that two shards hold',
        () =>
          folder(
            { x: A, y: B },
            { [A]: holding({ x: tensor(1), y: tensor(9) }), [B]: holding({ y: tensor(2) }) }
          ),
        `tensor y in ${B}, but ${A} holds one of that name too`
      ],
      [
        'names a tensor twice',
        () => memoryFiles([[INDEX, utf8(`{"weight_map":{"x":"${A}","x":"${B}"}}`)]]),
        'names "x" twice'
      ],
      ['is no JSON', () => memoryFiles([[INDEX, utf8('x')]]), 'cannot be read as JSON'],
      [
        'nests without end',
        () => memoryFiles([[INDEX, utf8('{"a":'.repeat(1_000_000))]]),
        'nests deeper than'
      ],
      [
        'is larger than any index',
        () => memoryFiles([[INDEX, new Uint8Array(INDEX_BYTES_MAX + 1)]]),
        `more than ${INDEX_BYTES_MAX}`
      ]
    ]
    for (const [what, files, reason] of cases) {
      it(what, async () => {
        const error = await refusal(files())
        expect(error.code).to.equal('CORRUPT_SAFETENSORS')
        expect(error.message).to.include(`./m/${INDEX}: not a sound index`).and.to.include(reason)
      })
    }

    it('points to a broken shard, which is named', async () => {
      const files = folder()
      await files.write(B, new Uint8Array(3))
      const error = await refusal(files)
      expect(error.code).to.equal('CORRUPT_SAFETENSORS')
      expect(error.message).to.include(`./m/${B}`)
    })
  })

  it('are refused or read whole, whatever byte of the index changes', async () => {
    const index = (await folder().read(INDEX))!
    const change = fc.tuple(fc.nat({ max: index.length - 1 }), fc.nat({ max: 255 }))
    await fc.assert(
      fc.asyncProperty(change, async ([at, value]) => {
        const files = folder()
        await files.write(INDEX, index.with(at, value))
        try {
          const weights = await openStoredWeights(files, './m')
          const read = await Promise.all(['x', 'y', 'z'].map(name => weights.read(name)))
          expect(read.map(values => [...values])).to.deep.equal([[1], [2, 3], [4]])
          expect([...weights.names()].sort()).to.deep.equal(['x', 'y', 'z'])
        } catch (error) {
          expect(error).to.be.instanceOf(ModelError)
        }
      }),
      { numRuns: 400 }
    )
  })
})
