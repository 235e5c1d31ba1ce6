import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { loadManifestFile } from '../../../node/cli/manifest-file.ts'
import { runCli } from '../../../node/cli/run-cli.ts'
import { openModel } from '../../../node/model/model-files.ts'
import { sha256Hash } from '../../../node/platform/content-hash.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import { toHex } from '../../../protocols/hex.ts'
import { type RunManifest, runId } from '../../../protocols/run-manifest.ts'
import { jsonLines, scratchFolder } from '../../support/cli.ts'
import { folderConfig, writeModelFolder } from '../../support/model-folder.ts'

describe('init', () => {
  const scratch = scratchFolder()
  const at = (name: string) => join(scratch.path, name)
  before(() => {
    writeModelFolder(at('model'))
    writeModelFolder(at('other-model'), folderConfig, 2)
  })
  after(() => scratch.remove())

  async function init(...args: string[]) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const signal = new AbortController().signal
    const all = ['init', '--dir', at('me'), ...args]
    const exitCode = await runCli(all, { version: '0', stdout, stderr, signal })
    return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
  }

  async function load(name: string): Promise<RunManifest> {
    return (await loadManifestFile(nodeFiles(scratch.path), name, name, nodeCrypto())).manifest
  }

  it('writes a manifest that loads, signed, with the digest of the base model and the settings of the flags', async () => {
    const flags = [
      '--name',
      'ours',
      '--rounds',
      '3',
      '--founders',
      '20',
      '--strategy',
      'ffa',
      '--rank',
      '4',
      '--steps',
      '7',
      '--verifiers',
      '5'
    ]
    const { exitCode, stdout, stderr } = await init(at('a.yaml'), '--model', at('model'), ...flags)
    expect(stderr).to.equal('')
    expect(exitCode).to.equal(0)
    const manifest = await load('a.yaml')
    expect(manifest).to.deep.include({ name: 'ours', rounds: 3, strategy: 'ffa' })
    expect(manifest.cohort).to.include({ founders: 20, size: 20 })
    expect(manifest.adapter).to.include({ rank: 4, alpha: 4 })
    expect(manifest.training.steps).to.equal(7)
    expect(manifest.secureSum.verifiers).to.equal(5)
    const { sha256 } = nodeCrypto()
    const model = await openModel(nodeFiles(at('model')), 'model')
    const digest = await model.digest(sha256Hash)
    expect(manifest.model).to.include({ source: at('model'), sha256: toHex(digest) })
    expect(stdout)
      .to.contain(toHex(runId(manifest, sha256)))
      .and.to.contain(manifest.author)
  })

  it('makes a tree of cohorts where members are more than a cohort takes', async () => {
    const flags = ['--founders', '100', '--cohort', '8']
    expect((await init(at('t.yaml'), '--model', at('model'), ...flags)).exitCode).to.equal(0)
    expect((await load('t.yaml')).cohort).to.include({ founders: 100, size: 8, larger: 'tree', fanIn: 32 })
    const { exitCode, stderr } = await init(at('u.yaml'), '--model', at('model'), '--founders', '100')
    expect(exitCode).to.equal(2)
    expect(stderr).to.contain('cohort.founders').and.to.contain('more only with cohort.larger: tree')
  })

  it('takes everyone, or a committee that can lose one, as verifiers', async () => {
    expect((await init(at('v.yaml'), '--model', at('model'), '--verifiers', 'everyone')).exitCode).to.equal(0)
    expect((await load('v.yaml')).secureSum.verifiers).to.equal('everyone')
    for (const wrong of ['3', '65', 'some']) {
      const { exitCode, stderr } = await init(at('w.yaml'), '--verifiers', wrong)
      expect(exitCode).to.equal(2)
      expect(stderr).to.contain('--verifiers').and.to.contain('everyone, or a whole number from 4 to 64')
    }
  })

  it('keeps one identity per directory', async () => {
    await init(at('one.yaml'), '--model', at('model'))
    await init(at('two.yaml'), '--model', at('model'))
    expect((await load('one.yaml')).author).to.equal((await load('two.yaml')).author)
  })

  it('does not overwrite a file unless it is told to', async () => {
    writeFileSync(at('mine.yaml'), 'precious')
    expect((await init(at('mine.yaml'), '--model', at('model'))).exitCode).to.equal(2)
    expect(readFileSync(at('mine.yaml'), 'utf8')).to.equal('precious')
    expect((await init(at('mine.yaml'), '--model', at('model'), '--force')).exitCode).to.equal(0)
    expect((await load('mine.yaml')).rounds).to.equal(8)
  })

  it('signs an edited file again and keeps its comments', async () => {
    await init(at('edit.yaml'), '--model', at('model'))
    const text = readFileSync(at('edit.yaml'), 'utf8').replace('rounds: 8', 'rounds: 5 # five will do')
    writeFileSync(at('edit.yaml'), text)
    expect(await load('edit.yaml').catch((error: Error) => error.message)).to.contain('--sign')
    const { exitCode, stderr } = await init('--sign', at('edit.yaml'))
    expect(stderr).to.equal('')
    expect(exitCode).to.equal(0)
    expect((await load('edit.yaml')).rounds).to.equal(5)
    const signed = readFileSync(at('edit.yaml'), 'utf8')
    expect(signed).to.contain('# five will do')
    expect(signed.match(/#/g)).to.have.length(text.match(/#/g)!.length)
  })

  it('takes the digest anew when another model is named', async () => {
    await init(at('swap.yaml'), '--model', at('model'))
    const before = await load('swap.yaml')
    const text = readFileSync(at('swap.yaml'), 'utf8').replace(at('model'), at('other-model'))
    writeFileSync(at('swap.yaml'), text)
    await init('--sign', at('swap.yaml'))
    expect((await load('swap.yaml')).model.sha256).not.to.equal(before.model.sha256)
  })

  it('signs what a person wrote from nothing, with the defaults left out', async () => {
    writeFileSync(at('short.yaml'), `name: short\nmodel: {source: ${at('model')}}\n`)
    expect((await init('--sign', at('short.yaml'))).exitCode).to.equal(0)
    expect(await load('short.yaml')).to.include({ name: 'short', strategy: 'rolora' })
  })

  it('warns when a file changes hands', async () => {
    await init(at('theirs.yaml'), '--model', at('model'), '--dir', at('them'))
    const { stderr, exitCode } = await init('--sign', at('theirs.yaml'))
    expect(exitCode).to.equal(0)
    expect(stderr).to.match(/^warning: .*the author was 12D3KooW/)
  })

  it('warns of a cohort of three, which it makes only when told twice', async () => {
    const three = await init(at('three.yaml'), '--model', at('model'), '--founders', '3', '--allow-three')
    expect(three.exitCode).to.equal(0)
    expect(three.stderr).to.contain('tolerates no loss')
  })

  it('tells a program in one line', async () => {
    const { stdout, stderr } = await init(at('json.yaml'), '--model', at('model'), '--json')
    const lines = jsonLines(stdout)
    expect(lines).to.have.length(1)
    const manifest = await load('json.yaml')
    expect(lines[0]).to.deep.equal({
      event: 'done',
      file: at('json.yaml'),
      run: toHex(runId(manifest, nodeCrypto().sha256)),
      author: manifest.author,
      modelSha256: manifest.model.sha256,
      privacy: null
    })
    expect(stderr).to.contain('founding members')
  })
})
