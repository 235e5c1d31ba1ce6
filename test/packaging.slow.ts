import { readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect } from 'chai'
import { packageDir } from '../node/platform/package-dir.ts'
import { jsonLines, runProcess, scratchFolder } from './support/cli.ts'

/** The path without this project's own Node: what a person's machine has. */
const machinePath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter(folder => !folder.includes('node_modules'))
  .join(delimiter)

describe('installed from its package into an empty folder', () => {
  const scratch = scratchFolder()
  const env = { ...process.env, PATH: machinePath }
  const onMachine = (program: string, ...args: string[]) => runProcess(program, args, scratch.path, env)
  let machineNode = ''
  let advice: string[] | null = null

  before(async function () {
    this.timeout(300_000)
    const machine = await onMachine('node', '--version').catch(() => null)
    if (machine === null) {
      console.error('skipped: this machine has no Node of its own besides the one of the project')
      return this.skip()
    }
    machineNode = machine.stdout.trim()
    const registry = await onMachine('npm', 'ping')
    if (registry.exitCode !== 0) {
      console.error(`skipped: the npm registry cannot be reached: ${registry.stderr.trim().split('\n')[0]}`)
      return this.skip()
    }
    const packed = await runProcess(
      'npm',
      ['pack', '--pack-destination', scratch.path],
      packageDir(),
      process.env
    )
    expect(packed.exitCode, packed.stderr).to.equal(0)
    const archive = readdirSync(scratch.path).find(name => name.endsWith('.tgz'))!
    const settings = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
    const installed = await onMachine('npm', 'install', ...settings, `./${archive}`)
    expect(installed.exitCode, installed.stderr).to.equal(0)
  })
  after(function () {
    // Tens of thousands of files.
    this.timeout(300_000)
    scratch.remove()
  })

  const launcher = () => join(scratch.path, 'node_modules', '.bin', 'fedpeft-node')

  it('works, or prints one line that says how to get Node 24', async () => {
    const ended = await onMachine(launcher(), '--version')
    if (Number(machineNode.slice(1).split('.')[0]) >= 22) {
      expect(ended).to.deep.equal({ exitCode: 0, stdout: '0.1.0\n', stderr: '' })
    } else {
      expect(ended).to.include({ exitCode: 1, stdout: '' })
      expect(ended.stderr).to.match(/^fedpeft-node needs Node 24 and this is Node [^\n]*\n$/)
      advice = /run "npm (install \S+)"/.exec(ended.stderr)![1]!.split(' ')
    }
  }).timeout(30_000)

  it('works once that line has been followed: the embedded model is there', async () => {
    if (advice !== null) {
      const added = await onMachine('npm', ...advice)
      expect(added.exitCode, added.stderr).to.equal(0)
    }
    expect(await onMachine(launcher(), '--version')).to.include({ exitCode: 0, stdout: '0.1.0\n' })
    const written = await onMachine(launcher(), 'init', 'run.yaml', '--dir', 'me')
    expect(written, written.stderr).to.include({ exitCode: 0, stderr: '' })
  }).timeout(180_000)

  it('runs a network from its compiled files: worker threads, messages, WebAssembly and the default data', async () => {
    const settings = ['--peers', '4', '--rounds', '1', '--steps', '2', '--no-baselines', '--json']
    const ended = await onMachine(launcher(), 'sim', ...settings, '--out', 'sim-run')
    expect(ended.exitCode, ended.stderr).to.equal(0)
    expect(jsonLines(ended.stdout).at(-1)).to.include({ event: 'done', peers: 4, completedRounds: 1 })
  }).timeout(300_000)
})
