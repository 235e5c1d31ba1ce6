import { expect } from 'chai'
import { memoryFiles } from '../../sim/memory-files.ts'
import { filesConformance } from '../conformance/files.ts'

describe('memory files', () => {
  filesConformance(async () => memoryFiles())

  it('begins with what it is given', async () => {
    const files = memoryFiles([['a/b', Uint8Array.of(1)]])
    expect(await files.read('a/b')).to.deep.equal(Uint8Array.of(1))
    expect(await files.list('')).to.deep.equal(['a'])
  })

  it('copies are apart from then on', async () => {
    const files = memoryFiles([['a', Uint8Array.of(1)]])
    const copy = files.copy()
    await files.write('a', Uint8Array.of(2))
    await copy.write('b', Uint8Array.of(3))
    expect(await copy.read('a')).to.deep.equal(Uint8Array.of(1))
    expect(await files.read('b')).to.equal(null)
  })
})
