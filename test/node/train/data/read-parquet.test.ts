import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { nodeCodecs } from '../../../../node/platform/node-codecs.ts'
import { readData } from '../../../../node/train/data/read-data.ts'
import { TrainError } from '../../../../node/train/errors.ts'
import { FilesError } from '../../../../protocols/files-error.ts'
import { memoryFiles } from '../../../../sim/memory-files.ts'

/** Written by pyarrow: make-parquet.py beside them. */
const vector = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(new URL(`../../../vectors/data/${name}.parquet`, import.meta.url)))

async function read(bytes: Uint8Array) {
  const found = []
  for await (const { example, place } of readData(
    memoryFiles([['a.parquet', bytes]]),
    'a.parquet',
    nodeCodecs
  ))
    found.push({ ...example, at: `${place.unit} ${place.number}` })
  return found
}

async function refusal(bytes: Uint8Array): Promise<TrainError> {
  const error = await read(bytes).then(
    () => new Error('not refused'),
    error => error
  )
  expect(error).to.be.instanceOf(TrainError)
  expect(error.code).to.equal('BAD_DATA')
  return error
}

describe('.parquet (vectors: pyarrow)', () => {
  for (const codec of ['none', 'snappy', 'gzip', 'brotli', 'lz4', 'zstd']) {
    it(`is an example per row, in every row group, with compression ${codec}`, async () => {
      const texts = ['one', 'zwei\nZeilen', '', 'trois é', 'четыре', '五 😀']
      expect(await read(vector(`text-${codec}`))).to.deep.equal(
        texts.map((text, i) => ({ kind: 'text', text, at: `row ${i + 1}` }))
      )
    })
  }

  it('holds prompts with completions, which are meant rather than a text beside them', async () => {
    expect(await read(vector('completion'))).to.deep.equal([
      { kind: 'completion', prompt: '2 + 2 =', completion: ' 4', at: 'row 1' },
      { kind: 'completion', prompt: '3 + 3 =', completion: ' 6', at: 'row 2' }
    ])
  })

  it('holds conversations', async () => {
    const hello = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello.' }
    ]
    const bye = [
      { role: 'system', content: 'Be brief.' },
      ...hello,
      { role: 'user', content: 'Bye' },
      { role: 'assistant', content: 'Bye.' }
    ]
    expect(await read(vector('messages'))).to.deep.equal([
      { kind: 'chat', messages: hello, at: 'row 1' },
      { kind: 'chat', messages: bye, at: 'row 2' }
    ])
  })

  it('may be empty', async () => {
    expect(await read(vector('empty'))).to.deep.equal([])
  })

  it('with other columns, or columns of another type, is refused', async () => {
    expect((await refusal(vector('other'))).message).to.include('what it has: "question", "answer"')
    const numbers = await refusal(vector('numbers'))
    expect(numbers.data).to.deep.equal({ path: 'a.parquet', row: 1 })
    expect(numbers.message).to.include('a.parquet, row 1: "text" must be a string')
  })

  it('that is no Parquet, or was cut short, is refused', async () => {
    const whole = vector('text-snappy')
    for (const bytes of [new Uint8Array(0), whole.subarray(0, 3), whole.subarray(0, -1), new Uint8Array(64)])
      expect((await refusal(bytes)).message).to.include('a.parquet cannot be used as Parquet')
  })

  it('whose page has lost its length is refused, and does not keep the reader for ever', async () => {
    const bytes = vector('text-zstd')
    bytes[134]! ^= 64
    expect((await refusal(bytes)).message).to.include('it says undefined bytes of a page')
  })

  it('that is corrupt anywhere is read or refused, and nothing else happens', async () => {
    const wholes = [vector('messages'), vector('text-zstd')]
    const place = fc.record({ at: fc.nat(), flip: fc.integer({ min: 1, max: 255 }) })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...wholes),
        fc.array(place, { minLength: 1, maxLength: 4 }),
        async (whole, places) => {
          const bytes = whole.slice()
          for (const { at, flip } of places) bytes[at % bytes.length]! ^= flip
          const outcome = await read(bytes).catch((error: unknown) => error)
          const isRefused = outcome instanceof TrainError || outcome instanceof FilesError
          expect(isRefused || Array.isArray(outcome), String(outcome)).to.equal(true)
        }
      ),
      { numRuns: 400 }
    )
  })
})
