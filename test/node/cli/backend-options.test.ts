import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { tellBackend } from '../../../node/cli/backend-options.ts'
import { createOutput } from '../../../node/cli/output.ts'
import { nvidiaFacts } from '../../../node/platform/tensorflow-search.ts'
import { scratchFolder } from '../../support/cli.ts'
import { runHere } from '../../support/cli-here.ts'
import { skipBecause } from '../../support/skip.ts'

describe('--backend', () => {
  const scratch = scratchFolder()
  const run = join(scratch.path, 'run.yaml')
  before(async () => {
    const { exitCode, stderr } = await runHere(['init', run, '--dir', join(scratch.path, 'author')])
    expect(exitCode, stderr).to.equal(0)
  })
  after(() => scratch.remove())

  const chat = ['chat', '--prompt', 'My fellow', '--tokens', '3', '--temperature', '0']
  const dryRun = ['join', '--run', run, '--data', 'sotu:abraham_lincoln', '--dry-run']

  it('and --threads say what chat computes with, in words and in the JSON line', async () => {
    const words = await runHere([...chat, '--backend', 'wasm', '--threads', '1'])
    expect(words.stdout).to.match(/^backend wasm: WebAssembly SIMD.*, 1 thread\n/)
    const { events } = await runHere([...chat, '--backend', 'cpu', '--json'])
    expect(events).to.have.length(1)
    expect(events[0]).to.include({ event: 'done', backend: 'cpu' })
  })

  it('that is not there ends chat and join with the reason and what to do', async function () {
    if (nvidiaFacts().cards.length > 0) skipBecause(this, 'this machine has a card')
    for (const args of [chat, [...dryRun, '--dir', join(scratch.path, 'me')]]) {
      const { exitCode, stderr } = await runHere([...args, '--backend', 'cuda'])
      expect(exitCode).to.equal(1)
      expect(stderr).to.match(/error: the backend cuda cannot be opened: .+\.\n {2}What to do: .+\n/)
    }
  })

  it('that nobody knows is refused with the list', async () => {
    const { exitCode, stderr } = await runHere([...dryRun, '--backend', 'abacus'])
    expect(exitCode).to.equal(2)
    expect(stderr).to.match(/auto, cuda, tensorflow, webgpu, wasm, cpu/)
  })

  it('tells why nothing faster was taken: everybody if it is slow, else only who wants to know', () => {
    const told = (name: 'wasm' | 'cpu', verbose: boolean) => {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()]
      const report = { name, description: 'this and that', threads: 1, notes: ['no card'] }
      tellBackend(report, createOutput({ stdout, stderr }, false, verbose))
      return [String(stdout.read()), String(stderr.read() ?? '')]
    }
    expect(told('wasm', false)).to.deep.equal(['backend wasm: this and that\n', ''])
    expect(told('wasm', true)[1]).to.equal('note: no card\n')
    expect(told('cpu', false)[1]).to.equal('warning: no card\n')
  })
})
