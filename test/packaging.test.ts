import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { packageDir } from '../node/platform/package-dir.ts'
import { runProcess, scratchFolder } from './support/cli.ts'
import { addBroughtNode, installLauncher } from './support/launcher.ts'

describe('the launcher', () => {
  const scratches: Array<{ remove(): void }> = []
  const installed = (parts: { dist: boolean; brought: boolean }) => {
    const scratch = scratchFolder()
    scratches.push(scratch)
    return { cwd: scratch.path, ...installLauncher(scratch.path, parts) }
  }
  after(() => {
    for (const scratch of scratches) scratch.remove()
  })

  it('runs the command line under a Node that is new enough, with its arguments and exit code', async () => {
    const { cwd, launcher } = installed({ dist: true, brought: false })
    const ended = await runProcess(process.execPath, [launcher, '3', 'a b', '--json'], cwd)
    expect(ended).to.include({ exitCode: 3, stderr: '' })
    expect(JSON.parse(ended.stdout)).to.deep.equal({ args: ['3', 'a b', '--json'], hasResolvers: 'function' })
  })

  it('starts the Node of the package `node` where its own is too old', async () => {
    const { cwd, launcher, oldNode } = installed({ dist: true, brought: true })
    const ended = await runProcess(process.execPath, ['-r', oldNode, launcher, '5', "it's"], cwd)
    expect(ended).to.include({ exitCode: 5, stderr: '' })
    expect(JSON.parse(ended.stdout)).to.deep.equal({ args: ['5', "it's"], hasResolvers: 'function' })
  })

  it('starts the Node of the binary package as well, which needs no install script', async () => {
    const { cwd, launcher, oldNode } = installed({ dist: true, brought: false })
    const refused = await runProcess(process.execPath, ['-r', oldNode, launcher], cwd)
    addBroughtNode(cwd, /npm install (\S+)@24/.exec(refused.stderr)![1]!)
    const ended = await runProcess(process.execPath, ['-r', oldNode, launcher, '5'], cwd)
    expect(ended).to.include({ exitCode: 5, stderr: '' })
    expect(JSON.parse(ended.stdout)).to.deep.equal({ args: ['5'], hasResolvers: 'function' })
  })

  it('prints one line that says how to get Node 24 where there is none, and exits 1', async () => {
    const { cwd, launcher, oldNode } = installed({ dist: true, brought: false })
    const ended = await runProcess(process.execPath, ['-r', oldNode, launcher, '--version'], cwd)
    expect(ended).to.include({ exitCode: 1, stdout: '' })
    expect(ended.stderr).to.match(/^fedpeft-node needs Node 24 .*npm install node-\S+@24.*nodejs\.org\n$/)
  })

  it('says in one line that an installation is incomplete', async () => {
    const { cwd, launcher } = installed({ dist: false, brought: false })
    const ended = await runProcess(process.execPath, [launcher], cwd)
    expect(ended).to.include({ exitCode: 1, stdout: '' })
    expect(ended.stderr).to.match(/^fedpeft-node: this installation is incomplete.*\n$/)
  })

  it('passes signals on to the Node that it started, and ends as that does', async function () {
    if (process.platform === 'win32') this.skip()
    const { cwd, launcher, oldNode } = installed({ dist: true, brought: true })
    const child = spawn(process.execPath, ['-r', oldNode, launcher, 'wait'], {
      cwd,
      stdio: ['ignore', 'pipe', 'inherit']
    })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!stdout.includes('ready') && `${stdout}${text}`.includes('ready')) child.kill('SIGTERM')
      stdout += text
    })
    const exitCode = await new Promise(resolve => child.on('close', resolve))
    expect(stdout.trim().split('\n').at(-1)).to.equal('SIGTERM')
    expect(exitCode).to.equal(7)
  })

  it('is written in what an old Node can read', () => {
    const text = readFileSync(join(packageDir(), 'bin', 'fedpeft-node.cjs'), 'utf8')
    expect(text).not.to.match(/\?\.|\?\?|require\('node:|\bawait\b/)
  })
})

describe('the package', () => {
  it('holds the launcher, the compiled command line and worker, the generated messages and the embedded model', async () => {
    if (!existsSync(join(packageDir(), 'dist'))) throw new Error('no dist folder: run npm run build first')
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
    const { stdout, exitCode, stderr } = await runProcess('npm', args, packageDir(), process.env)
    expect(exitCode, stderr).to.equal(0)
    const [packed] = JSON.parse(stdout) as Array<{ files: Array<{ path: string; mode: number }> }>
    const paths = packed!.files.map(({ path }) => path)
    expect(paths).to.include.members([
      'bin/fedpeft-node.cjs',
      'dist/node/cli/main.js',
      'dist/node/platform/trainer-worker.js',
      'dist/protocols/messages.js',
      'models/embedded/config.json',
      'models/embedded/tokenizer.json',
      'models/embedded/model.safetensors',
      'models/embedded/NOTICE',
      'scripts/tensorflow/build-addon.mjs',
      'LICENSE',
      'NOTICE'
    ])
    const notShipped = /^(test|node|sim)\/|^scripts\/(?!tensorflow\/)|\.log$/
    expect(paths.filter(path => notShipped.test(path))).to.deep.equal([])
    expect(packed!.files.find(({ path }) => path === 'bin/fedpeft-node.cjs')!.mode & 0o111).not.to.equal(0)
  }).timeout(60_000)
})
