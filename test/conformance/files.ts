import { expect } from 'chai'
import fc from 'fast-check'
import { FilesError, type FilesErrorCode } from '../../protocols/files-error.ts'
import type { Files } from '../../protocols/ports.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** The error that a promise is rejected with; fails if it is not. */
export async function filesErrorOf(promise: Promise<unknown>): Promise<FilesError> {
  const error = await promise.then(
    () => new Error('not refused'),
    error => error
  )
  expect(error).to.be.instanceOf(FilesError)
  return error
}

/** What every implementation of the port `Files` must do. `make` gives an empty one. */
export function filesConformance(make: () => Promise<Files>): void {
  let files: Files
  beforeEach(async () => {
    files = await make()
  })

  it('gives back what was written', async () => {
    await files.write('run/link-1', bytes(1, 2, 3))
    expect(await files.read('run/link-1')).to.deep.equal(bytes(1, 2, 3))
    expect(await files.size('run/link-1')).to.equal(3)
  })

  it('gives out plain Uint8Arrays, whose slices are copies (a Buffer is none)', async () => {
    await files.write('a', bytes(1, 2, 3))
    expect((await files.read('a'))!.constructor).to.equal(Uint8Array)
    expect((await files.readRange('a', 0, 1)).constructor).to.equal(Uint8Array)
  })

  it('tells an empty file from none', async () => {
    await files.write('empty', bytes())
    expect(await files.read('empty')).to.deep.equal(bytes())
    expect(await files.size('empty')).to.equal(0)
    expect(await files.read('none')).to.equal(null)
    expect(await files.size('none')).to.equal(null)
    expect(await files.read('empty/below-a-file')).to.equal(null)
  })

  it('replaces the whole of a file, also by a shorter one', async () => {
    await files.write('a', bytes(1, 2, 3))
    await files.write('a', bytes(9))
    expect(await files.read('a')).to.deep.equal(bytes(9))
  })

  it('appends to a file, new or old', async () => {
    await files.append('journal/1', bytes(1))
    await files.append('journal/1', bytes(2, 3))
    expect(await files.read('journal/1')).to.deep.equal(bytes(1, 2, 3))
  })

  it('keeps its own copy of the bytes, and gives out copies', async () => {
    const mine = bytes(1, 2)
    await files.write('a', mine)
    mine[0] = 7
    const first = await files.read('a')
    first![1] = 7
    expect(await files.read('a')).to.deep.equal(bytes(1, 2))
  })

  it('reads a range, and refuses one that the file does not fill', async () => {
    await files.write('a', bytes(0, 1, 2, 3, 4))
    expect(await files.readRange('a', 1, 3)).to.deep.equal(bytes(1, 2, 3))
    expect(await files.readRange('a', 5, 0)).to.deep.equal(bytes())
    const short = await filesErrorOf(files.readRange('a', 3, 3))
    expect(short.code).to.equal('SHORT_FILE')
    expect(short.data).to.include({ offset: 3, length: 3, size: 5 })
    expect((await filesErrorOf(files.readRange('none', 0, 1))).code).to.equal('NO_SUCH_FILE')
  })

  it('fills a given buffer with a range, or refuses and leaves it', async () => {
    await files.write('a', bytes(0, 1, 2, 3, 4))
    const memory = bytes(9, 9, 9, 9)
    await files.readInto('a', 2, memory.subarray(1, 3))
    expect(memory).to.deep.equal(bytes(9, 2, 3, 9))
    await files.readInto('a', 5, memory.subarray(0, 0))
    expect((await filesErrorOf(files.readInto('a', 2, memory))).code).to.equal('SHORT_FILE')
    expect((await filesErrorOf(files.readInto('none', 0, memory))).code).to.equal('NO_SUCH_FILE')
    expect(memory).to.deep.equal(bytes(9, 2, 3, 9))
  })

  it('writes a file in parts, which may all lie in one buffer', async () => {
    const buffer = new Uint8Array(2)
    await files.writeParts(
      'folder/a',
      (async function* () {
        for (const value of [1, 2, 3]) yield buffer.fill(value)
        yield new Uint8Array(0)
      })()
    )
    expect(await files.read('folder/a')).to.deep.equal(bytes(1, 1, 2, 2, 3, 3))
  })

  it('keeps the old content, and nothing else, when the parts break off', async () => {
    await files.write('folder/a', bytes(1))
    const cause = new Error('the source ran dry')
    const broken = async function* () {
      yield bytes(2, 2)
      throw cause
    }
    for (const path of ['folder/a', 'folder/new']) {
      const error = await files.writeParts(path, broken()).then(
        () => null,
        error => error
      )
      expect(error).to.equal(cause)
    }
    expect(await files.read('folder/a')).to.deep.equal(bytes(1))
    expect(await files.list('folder')).to.deep.equal(['a'])
  })

  it('refuses a range of absurd length without allocating it', async () => {
    await files.write('a', bytes(1))
    expect((await filesErrorOf(files.readRange('a', 0, 2 ** 52))).code).to.equal('SHORT_FILE')
  })

  it('lists names directly below a folder, sorted, folders too', async () => {
    await files.write('run/b', bytes(1))
    await files.append('run/a', bytes(1))
    await files.write('run/deep/c', bytes(1))
    await files.write('runner', bytes(1))
    expect(await files.list('run')).to.deep.equal(['a', 'b', 'deep'])
    expect(await files.list('')).to.deep.equal(['run', 'runner'])
    expect(await files.list('none')).to.deep.equal([])
    expect(await files.list('runner')).to.deep.equal([])
  })

  it('removes a file, and does nothing if there is none', async () => {
    await files.write('a/b', bytes(1))
    await files.remove('a/b')
    await files.remove('a/b')
    expect(await files.read('a/b')).to.equal(null)
    expect(await files.list('a')).to.deep.equal([])
  })

  it('refuses a file where a folder is, and a folder where a file is', async () => {
    await files.write('a/b', bytes(1))
    const refused = [
      files.write('a', bytes(1)),
      files.append('a', bytes(1)),
      files.read('a'),
      files.remove('a'),
      files.write('a/b/c', bytes(1)),
      files.append('a/b/c', bytes(1))
    ]
    for (const error of await Promise.all(refused.map(filesErrorOf)))
      expect(error.code).to.equal('NOT_A_FOLDER')
    expect(await files.read('a/b')).to.deep.equal(bytes(1))
  })

  it('refuses every path that could leave its folder or be spelled two ways', async () => {
    const outside: FilesErrorCode = 'OUTSIDE_ROOT'
    for (const path of [
      '..',
      '../a',
      'a/../../b',
      '/etc/passwd',
      './a',
      'a//b',
      'a/',
      'a\\b',
      'C:a',
      'a\0b',
      ''
    ]) {
      for (const refused of [
        files.read(path),
        files.write(path, bytes(1)),
        files.remove(path),
        files.size(path)
      ]) {
        expect((await filesErrorOf(refused)).code, JSON.stringify(path)).to.equal(outside)
      }
    }
    expect((await filesErrorOf(files.list('..'))).code).to.equal(outside)
  })

  it('does not lose writes made at the same time to different files', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `same/${i}`)
    await Promise.all(names.map((name, i) => files.write(name, bytes(i))))
    expect(await Promise.all(names.map(name => files.read(name)))).to.deep.equal(
      names.map((_, i) => bytes(i))
    )
  })

  it('behaves as a table of paths under any sequence of changes', async () => {
    const change = fc.record({
      kind: fc.constantFrom('write', 'append', 'remove'),
      path: fc.constantFrom('a', 'b', 'c/d', 'c/e'),
      content: fc.uint8Array({ maxLength: 5 })
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async changes => {
        const fresh = await make()
        const model = new Map<string, Uint8Array>()
        for (const { kind, path, content } of changes) {
          if (kind === 'remove') {
            await fresh.remove(path)
            model.delete(path)
          } else {
            if (kind === 'write') await fresh.write(path, content)
            else await fresh.append(path, content)
            const before = kind === 'append' ? [...(model.get(path) ?? [])] : []
            model.set(path, Uint8Array.from([...before, ...content]))
          }
        }
        for (const path of ['a', 'b', 'c/d', 'c/e']) {
          expect(await fresh.read(path)).to.deep.equal(model.get(path) ?? null)
        }
      }),
      { numRuns: 20 }
    )
  })
}
