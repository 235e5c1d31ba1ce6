import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { fileSource } from '../../../node/platform/blob-file.ts'
import { modelShelf, shareableFolder, shelvedModelDir } from '../../../node/platform/model-shelf.ts'
import { FilesError } from '../../../protocols/files-error.ts'
import { CHUNK_BYTES } from '../../../protocols/limits.ts'
import { randomBytes } from '../../support/blob-world.ts'
import { scratchFolder } from '../../support/cli.ts'
import { hashOf } from '../../support/memory-shelf.ts'

const { signal } = new AbortController()

describe('base models on the disk', () => {
  const scratch = scratchFolder()
  after(() => scratch.remove())
  const at = (...parts: string[]): string => join(scratch.path, ...parts)
  const shelfAt = (name: string, diskMaxBytes = Number.POSITIVE_INFINITY) =>
    modelShelf(shelvedModelDir(at(name), 'ab'), { root: at(name), diskMaxBytes })

  it('come in parts, in any order, and are there under their name only once they are whole', async () => {
    const bytes = randomBytes(2 * CHUNK_BYTES + 10, 1)
    const shelf = shelfAt('parts')
    const part = await shelf.begin('model.safetensors', bytes.length)
    expect(part.keptBytes).to.equal(0)
    await part.write(CHUNK_BYTES, bytes.subarray(CHUNK_BYTES))
    expect(await part.read(CHUNK_BYTES, 10)).to.deep.equal(bytes.slice(CHUNK_BYTES, CHUNK_BYTES + 10))
    await part.close()
    const folder = at('parts', 'models', 'ab')
    expect(readdirSync(folder)).to.deep.equal(['model.safetensors.incomplete'])
    expect(await shelf.begunBytes('model.safetensors', bytes.length)).to.equal(bytes.length)
    const again = await shelf.begin('model.safetensors', bytes.length)
    expect(again.keptBytes).to.equal(bytes.length)
    await again.write(0, bytes.subarray(0, CHUNK_BYTES))
    expect(await again.sha256(signal)).to.deep.equal(hashOf(bytes))
    await again.keep()
    await again.close()
    expect(readdirSync(folder)).to.deep.equal(['model.safetensors'])
    expect(Buffer.compare(readFileSync(join(folder, 'model.safetensors')), bytes)).to.equal(0)
    expect(await shelf.sha256Of('model.safetensors', bytes.length, signal)).to.deep.equal(hashOf(bytes))
    expect(await shelf.sha256Of('model.safetensors', 5, signal)).to.equal(null)
  })

  it('leave nothing behind when they turn out to be something else', async () => {
    const shelf = shelfAt('wrong')
    const part = await shelf.begin('config.json', 3)
    await part.write(0, Uint8Array.of(1, 2, 3))
    await part.discard()
    await part.close()
    expect(readdirSync(at('wrong', 'models', 'ab'))).to.deep.equal([])
  })

  it('begin anew where what was begun is longer than the file', async () => {
    const shelf = shelfAt('longer')
    mkdirSync(at('longer', 'models', 'ab'), { recursive: true })
    writeFileSync(at('longer', 'models', 'ab', 'config.json.incomplete'), 'much too long')
    const part = await shelf.begin('config.json', 3)
    expect(part.keptBytes).to.equal(0)
    await part.close()
    expect(statSync(at('longer', 'models', 'ab', 'config.json.incomplete')).size).to.equal(0)
  })

  it('never lie anywhere else, whoever asks', async () => {
    for (const path of ['../../identity.key', 'sub/config.json', 'x.pem']) {
      const opening = shelfAt('elsewhere')
        .begin(path, 3)
        .then(() => null)
      expect(await opening.catch(error => error), path).to.be.instanceOf(RangeError)
    }
  })

  it('keep to the space that --disk allows for the whole folder', async () => {
    mkdirSync(at('small'), { recursive: true })
    writeFileSync(at('small', 'chain.log'), new Uint8Array(600_000))
    const shelf = shelfAt('small', 1_000_000)
    await shelf.checkRoom(300_000)
    const error = await shelf.checkRoom(500_000).catch(reason => reason)
    expect(error).to.be.instanceOf(FilesError).with.property('code', 'NO_SPACE')
    expect(error.message).to.contain('--disk').and.contain('0.5 MB').and.contain('0.6 MB')
  })

  it('are shared as far as they belong to the model', async () => {
    mkdirSync(at('model'))
    const names = ['config.json', 'tokenizer.json', 'model.safetensors', 'tokenizer_config.json']
    for (const name of [...names, 'consolidated.safetensors', 'README.md', 'notes.txt'])
      writeFileSync(at('model', name), name)
    const digested = ['config.json', 'model.safetensors', 'tokenizer.json']
    const { open, sha256 } = shareableFolder(at('model'), digested, new Uint8Array(32))
    const files = await open()
    expect(files.map(({ path }) => path)).to.deep.equal([...names].sort())
    expect(sha256).to.have.length(32)
    const [config] = files
    expect(new TextDecoder().decode(await config!.source.read(0, 6))).to.equal('config')
  })

  it('are shared no longer once a file has changed: its chunks would match no hash', async () => {
    writeFileSync(at('changing'), new Uint8Array(100))
    const source = await fileSource(at('changing'))
    appendFileSync(at('changing'), 'more')
    const error = await Promise.resolve(source.read(0, 10)).catch(reason => reason)
    expect(error).to.be.instanceOf(FilesError)
    expect(error.message).to.contain('has changed')
  })
})
