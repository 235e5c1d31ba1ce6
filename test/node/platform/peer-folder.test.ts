import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { openPeerFolder } from '../../../node/platform/peer-folder.ts'
import { scratchFolder } from '../../support/cli.ts'
import { documentedFiles } from '../../support/folder-document.ts'

const uuid = '0d5c0b2e-6f5e-4c57-9a3e-0123456789ab'

describe("a peer's folder", () => {
  const folder = scratchFolder()
  after(() => folder.remove())
  let count = 0
  const fresh = async (): Promise<string> => {
    const dir = join(folder.path, String(count++))
    await mkdir(dir)
    return dir
  }

  it('is made, says its form, and is one process at a time', async () => {
    const dir = join(folder.path, 'new', 'peer')
    const unlock = await openPeerFolder(dir)
    expect(JSON.parse(await readFile(join(dir, 'folder.json'), 'utf8'))).to.deep.equal({
      fedpeft: 'folder',
      version: 1
    })
    expect(await openPeerFolder(dir).catch(error => error)).to.include({ code: 'DIRECTORY_IN_USE' })
    await unlock()
    await (await openPeerFolder(dir))()
    expect(await readdir(dir)).to.deep.equal(['folder.json'])
  })

  it('of an older form opens; of a newer or unknown one it is refused by name, and left unlocked as it was', async () => {
    const dir = await fresh()
    await writeFile(join(dir, 'identity.key'), 'as version 0.1 left it')
    await (await openPeerFolder(dir))()
    for (const [text, words] of [
      ['{"fedpeft":"folder","version":2}', 'by a later version of fedpeft: its form is 2'],
      ['{"fedpeft":"folder","version":"1"}', 'does not say in which form'],
      ['', 'does not say in which form']
    ] as const) {
      await writeFile(join(dir, 'folder.json'), text)
      const error = await openPeerFolder(dir).catch(error => error)
      expect(error).to.include({ code: 'NEWER_FOLDER' })
      expect(error.message).to.contain(words).and.contain(dir)
      expect((await readdir(dir)).sort()).to.deep.equal(['folder.json', 'identity.key'])
      expect(await readFile(join(dir, 'folder.json'), 'utf8')).to.equal(text)
    }
  })

  it('is cleaned of half-written files at any depth, and of nothing else', async () => {
    const dir = await fresh()
    const kept = ['notes.part', `${uuid}.part`, '.part', 'runs/a/chain.log', `lock.${uuid}.bak`]
    const gone = [
      'cont-0123abcd',
      `.${uuid}.part`,
      `runs/.${uuid}.part`,
      `runs/a/states/.${uuid}.part`,
      `lock.${uuid}`
    ]
    const others = ['bootstrap/identity.key', `bootstrap/.${uuid}.part`]
    for (const path of [...kept, ...gone, ...others, `lock.takeover.${uuid}`]) {
      await mkdir(join(dir, path, '..'), { recursive: true })
      await writeFile(join(dir, path), '')
    }
    // Another process may be about to put it in its place.
    const longAgo = new Date(0)
    await utimes(join(dir, `lock.${uuid}`), longAgo, longAgo)
    await (await openPeerFolder(dir))()
    const entries = await readdir(dir, { recursive: true, withFileTypes: true })
    const left = entries
      .filter(entry => entry.isFile())
      .map(({ parentPath, name }) =>
        join(parentPath, name)
          .slice(dir.length + 1)
          .replaceAll('\\', '/')
      )
    expect(left).to.have.members([...kept, ...others, `lock.takeover.${uuid}`, 'folder.json'])
  })
})

describe('docs/folder.md', () => {
  it('names files by patterns that tell a stranger from a known one', () => {
    const known = documentedFiles()
    expect(known.length).to.be.above(10)
    const isKnown = (path: string): boolean => known.some(({ pattern }) => pattern.test(path))
    for (const path of [
      'identity.key',
      'runs/3f/chain.log',
      'runs/3f/states/9a.bin',
      'runs/3f/training/1-a.safetensors'
    ])
      expect(isKnown(path), path).to.equal(true)
    for (const path of [
      'identity_key',
      'chain.log',
      'runs/3f/states/deep/9a.bin',
      'runs/3f/other',
      `.${uuid}.part`
    ])
      expect(isKnown(path), path).to.equal(false)
  })
})
