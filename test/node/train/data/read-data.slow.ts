import { expect } from 'chai'
import { nodeCodecs } from '../../../../node/platform/node-codecs.ts'
import { readData } from '../../../../node/train/data/read-data.ts'
import { TrainError } from '../../../../node/train/errors.ts'
import { memoryFiles } from '../../../../sim/memory-files.ts'

describe('.csv', () => {
  it('with a field that never ends is refused before it fills the memory', async () => {
    let reads = 0
    const readRange = async (_: string, offset: number, length: number) => {
      reads++
      const bytes = new Uint8Array(length).fill(97)
      if (offset === 0) bytes.set(new TextEncoder().encode('text\none\n"'))
      return bytes
    }
    const files = { ...memoryFiles(), size: async () => 2 ** 40, readRange }
    const examples = readData(files, 'a.csv', nodeCodecs)
    expect((await examples.next()).value).to.deep.include({ example: { kind: 'text', text: 'one' } })
    const error = await examples.next().catch((error: unknown) => error)
    expect(error).to.be.instanceOf(TrainError)
    expect((error as Error).message).to.include('a.csv, line 3: longer than 16 million characters')
    // Three bytes for a character, and what is read ahead.
    expect(reads).to.be.lessThan(130)
  })
})
