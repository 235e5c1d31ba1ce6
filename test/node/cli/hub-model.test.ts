import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { DownloadLines } from '../../../node/cli/download-lines.ts'
import { Interrupted } from '../../../node/cli/interrupt.ts'
import { createOutput } from '../../../node/cli/output.ts'
import { scratchFolder } from '../../support/cli.ts'
import { runHere } from '../../support/cli-here.ts'
import { commitOf, type HubServer, startHub } from '../../support/hub-server.ts'
import { folderConfig, writeAdapterFolder, writeModelFolder } from '../../support/model-folder.ts'

const repo = 'owner/tiny'
const commit = commitOf('tiny')

describe('a base model of the Hub', () => {
  const scratch = scratchFolder()
  const at = (name: string) => join(scratch.path, name)
  const variables = ['HF_HOME', 'HF_ENDPOINT', 'HF_HUB_OFFLINE', 'HF_TOKEN', 'HF_HUB_CACHE'] as const
  const outside = variables.map(name => [name, process.env[name]] as const)
  const files: Record<string, Uint8Array> = {}
  let hub: HubServer

  const setEnvironment = (values: Partial<Record<(typeof variables)[number], string>>): void => {
    for (const name of variables) {
      if (values[name] === undefined) delete process.env[name]
      else process.env[name] = values[name]
    }
  }
  const init = (file: string, ...flags: string[]) =>
    runHere(['init', at(file), '--dir', at('author'), ...flags])

  before(async () => {
    hub = await startHub()
    writeModelFolder(at('model'), { ...folderConfig, maxPositions: 128 })
    for (const name of readdirSync(at('model')))
      files[name] = new Uint8Array(readFileSync(at(`model/${name}`)))
    hub.repos.set(repo, { refs: { main: commit, 'v1.0': commit }, commits: { [commit]: files } })
  })
  beforeEach(() => {
    hub.faults.clear()
    hub.failure = null
    setEnvironment({ HF_HOME: at('hf'), HF_ENDPOINT: hub.endpoint })
  })
  after(async () => {
    for (const [name, value] of outside) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    await hub.close()
    scratch.remove()
  })

  it('is fetched by init, which writes down its commit and the digest of the same files in a folder', async () => {
    const { exitCode, stdout, stderr } = await init('run.yaml', '--model', `${repo}@v1.0`)
    expect(exitCode, stderr).to.equal(0)
    expect(stderr).to.include(`downloading ${repo}: model.safetensors, `)
    expect(stdout).not.to.include('downloading')
    const written = readFileSync(at('run.yaml'), 'utf8')
    expect(written).to.include(`source: ${repo}\n`).and.include(`revision: ${commit}\n`)
    await init('folder.yaml', '--model', at('model'))
    const digest = /sha256: ([0-9a-f]{64})/
    expect(digest.exec(written)![1]).to.equal(digest.exec(readFileSync(at('folder.yaml'), 'utf8'))![1])
  })

  it('is fetched once', async () => {
    hub.requests.length = 0
    const { stderr } = await init('again.yaml', '--model', repo)
    expect(stderr).not.to.include('downloading')
    expect(hub.requests.some(({ path }) => path.includes('/resolve/'))).to.equal(false)
  })

  it('is pinned when a manifest is signed again', async () => {
    const edited = readFileSync(at('run.yaml'), 'utf8').replace(`revision: ${commit}`, 'revision: main')
    writeFileSync(at('run.yaml'), edited)
    const { exitCode, stderr } = await runHere(['init', '--sign', at('run.yaml'), '--dir', at('author')])
    expect(exitCode, stderr).to.equal(0)
    expect(readFileSync(at('run.yaml'), 'utf8')).to.include(`revision: ${commit}\n`)
  })

  it('is what a manifest names, without a word about it; a dry run does not ask the Hub', async () => {
    const dryRun = [
      'join',
      '--run',
      at('run.yaml'),
      '--data',
      'sotu:abraham_lincoln',
      '--dir',
      at('me'),
      '--dry-run'
    ]
    hub.requests.length = 0
    const { exitCode, stdout, stderr } = await runHere([...dryRun, '--json'])
    expect(exitCode, stderr).to.equal(0)
    expect(stderr).to.include(`base model ${repo}@${commit}`)
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!).model.name).to.equal(repo)

    setEnvironment({ HF_HOME: at('empty'), HF_ENDPOINT: hub.endpoint })
    const refused = await runHere(dryRun)
    expect(refused.exitCode).to.equal(2)
    expect(refused.stderr)
      .to.include('a dry run goes nowhere online')
      .and.include(`hf download ${repo} --revision ${commit}`)
    expect(hub.requests).to.deep.equal([])
  })

  it('is used offline, which a word says unless it was asked for', async () => {
    setEnvironment({ HF_HOME: at('hf'), HF_ENDPOINT: await goneHub() })
    const unasked = await init('gone.yaml', '--model', repo)
    expect(unasked.exitCode, unasked.stderr).to.equal(0)
    expect(unasked.stderr).to.include('warning: cannot reach the Hugging Face Hub').and.include(commit)
    setEnvironment({ HF_HOME: at('hf'), HF_HUB_OFFLINE: '1' })
    const asked = await init('asked.yaml', '--model', repo)
    expect(asked.exitCode).to.equal(0)
    expect(asked.stderr).not.to.include('warning')
  })

  it('speaks with an adapter that names it', async () => {
    await writeAdapterFolder(at('adapter'), repo)
    const { exitCode, stdout, stderr } = await runHere([
      'chat',
      '--adapter',
      at('adapter'),
      '--prompt',
      'The war',
      '--tokens',
      '2',
      '--json'
    ])
    expect(exitCode, stderr).to.equal(0)
    expect(stdout).to.include(repo)
  })

  it('comes after a folder of that name', async () => {
    const here = process.cwd()
    mkdirSync(at('work/owner'), { recursive: true })
    cpSync(at('model'), at('work/owner/tiny'), { recursive: true })
    hub.requests.length = 0
    try {
      process.chdir(at('work'))
      const { exitCode, stderr } = await init('local.yaml', '--model', repo)
      expect(exitCode, stderr).to.equal(0)
    } finally {
      process.chdir(here)
    }
    expect(hub.requests).to.deep.equal([])
    expect(readFileSync(at('local.yaml'), 'utf8')).to.include('revision: main\n')
  })

  it('that is not there is told as wrong usage, as the folder that it is not either', async () => {
    const none = await init('none.yaml', '--model', 'owner/none')
    expect(none.exitCode).to.equal(2)
    expect(none.stderr)
      .to.include('has no model owner/none')
      .and.include('There is no folder owner/none here either')
    const revision = await init('none.yaml', '--model', `${repo}@v9`)
    expect(revision.exitCode).to.equal(2)
    expect(revision.stderr).to.include(`${repo} has no revision v9`)
    const word = await init('none.yaml', '--model', 'tiny')
    expect(word.exitCode).to.equal(2)
    expect(word.stderr).to.include('tiny is not a model folder').and.include('owner/name')
    expect(existsSync(at('none.yaml'))).to.equal(false)
  })

  it('that cannot be had is told as a failure', async () => {
    setEnvironment({ HF_HOME: at('other'), HF_ENDPOINT: hub.endpoint })
    hub.faults.set('model.safetensors', { content: files['model.safetensors']!.with(9, 1) })
    const { exitCode, stderr } = await init('damaged.yaml', '--model', repo)
    expect(exitCode).to.equal(1)
    expect(stderr).to.include('model.safetensors arrived damaged')
  })

  it('goes on after Ctrl-C', async () => {
    setEnvironment({ HF_HOME: at('stopped'), HF_ENDPOINT: hub.endpoint })
    hub.faults.set('model.safetensors', { cutAfter: 0, hang: true })
    const stop = new AbortController()
    const [stopped] = await Promise.all([
      runHere(['init', at('stopped.yaml'), '--dir', at('author'), '--model', repo], stop.signal),
      hub.faulted().then(() => stop.abort(new Interrupted('SIGINT')))
    ])
    expect(stopped.exitCode).to.equal(1)
    expect(stopped.stdout).to.include(`what has come of ${repo} is kept; the same command goes on from there`)
    expect(stopped.stderr).to.include('stopped by SIGINT')
    hub.faults.clear()
    expect((await init('stopped.yaml', '--model', repo)).exitCode).to.equal(0)
  })
})

describe('lines of a download', () => {
  function lines(isTTY: boolean) {
    const stderr = Object.assign(new PassThrough(), { isTTY, columns: 60 })
    const stdout = new PassThrough()
    const output = createOutput({ stdout, stderr }, true)
    return {
      lines: new DownloadLines(output, repo),
      written: () => String(stderr.read() ?? ''),
      events: () => String(stdout.read() ?? '')
    }
  }

  it('say in a log what begins and where it goes on from', () => {
    const log = lines(false)
    log.lines.take({ file: 'a', doneBytes: 0, bytes: 2_000_000 })
    log.lines.take({ file: 'a', doneBytes: 1_000_000, bytes: 2_000_000 })
    log.lines.take({ file: 'b', doneBytes: 500_000, bytes: 1_000_000 })
    log.lines.clear()
    expect(log.written()).to.equal(
      'downloading owner/tiny: a, 2.0 MB\ndownloading owner/tiny: b, 1.0 MB, going on from 500 KB\n'
    )
    expect(
      log
        .events()
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
    ).to.deep.equal([
      { event: 'download', model: repo, file: 'a', bytes: 2_000_000, fromBytes: 0 },
      { event: 'download', model: repo, file: 'b', bytes: 1_000_000, fromBytes: 500_000 }
    ])
  })

  it('leave nothing behind on a terminal but the files', () => {
    const terminal = lines(true)
    terminal.lines.take({ file: 'a', doneBytes: 0, bytes: 10 })
    terminal.lines.clear()
    expect(terminal.written()).to.equal('\r\u001b[2Kdownloading owner/tiny: a, 10 bytes\n\r\u001b[2K')
    expect(terminal.lines.hasBegun).to.equal(true)
  })
})

/** The address of a Hub that is gone. */
async function goneHub(): Promise<string> {
  const hub = await startHub()
  await hub.close()
  return hub.endpoint
}
