import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { runCli } from '../../../node/cli/run-cli.ts'
import { jsonLines, scratchFolder } from '../../support/cli.ts'
import { writeAdapterFolder, writeModelFolder } from '../../support/model-folder.ts'

describe('chat', () => {
  const scratch = scratchFolder()
  const model = join(scratch.path, 'model')
  const adapter = join(scratch.path, 'adapter')

  before(async () => {
    writeModelFolder(model)
    await writeAdapterFolder(adapter, model)
  })
  after(() => scratch.remove())

  async function chat(args: string[], signal = new AbortController().signal) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const all = ['chat', '--adapter', adapter, '--prompt', 'The war', '--tokens', '12', ...args]
    const exitCode = await runCli(all, { version: '0', stdout, stderr, signal })
    return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
  }

  it('continues the text without and with the adapter, and they differ', async () => {
    const { exitCode, stdout, stderr } = await chat([])
    expect(stderr).to.equal('')
    expect(exitCode).to.equal(0)
    const [, without, withAdapter] =
      /--- without the adapter ---\nThe war(.*)\n\n--- with the adapter ---\nThe war(.*)\n$/s.exec(stdout)!
    expect(without).not.to.equal('')
    expect(withAdapter).not.to.equal(without)
  })

  it('draws the same text from the same seed, another from another, and gives it as one JSON line', async () => {
    const said = async (seed: string) => {
      const { stdout } = await chat(['--json', '--temperature', '1', '--seed', seed])
      const lines = jsonLines(stdout)
      expect(lines).to.have.length(1)
      expect(lines[0]).to.include({ event: 'done', model, adapter, prompt: 'The war' })
      return [lines[0]!['withoutAdapter'], lines[0]!['withAdapter']]
    }
    const first = await said('1')
    expect(await said('1')).to.deep.equal(first)
    expect(await said('2')).not.to.deep.equal(first)
  })

  it('shows with a temperature of 0 what is likeliest, whatever the seed', async () => {
    const one = await chat(['--json', '--temperature', '0', '--seed', '1'])
    const two = await chat(['--json', '--temperature', '0', '--seed', '2'])
    expect(jsonLines(one.stdout)[0]!['withAdapter']).to.equal(jsonLines(two.stdout)[0]!['withAdapter'])
  })

  it('stops between two tokens when it is told to', async () => {
    const controller = new AbortController()
    controller.abort(new Error('enough'))
    const { exitCode, stdout } = await chat([], controller.signal)
    expect(exitCode).to.equal(1)
    expect(stdout).not.to.contain('with the adapter ---\nThe war')
  })

  it('warns when the text outgrows what the model sees', async () => {
    const { exitCode, stderr } = await chat(['--tokens', '80'])
    expect(exitCode).to.equal(0)
    expect(stderr).to.contain('sees 64 tokens at a time')
  })
})
