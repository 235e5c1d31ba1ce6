import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { llamaConfigJson } from '../../../node/model/model-config.ts'
import { type Ended, runMain, scratchFolder } from '../../support/cli.ts'
import { folderConfig, writeAdapterFolder, writeModelFolder } from '../../support/model-folder.ts'

/** Each wrong input ends with 1 or 2 and words that name the cause and the way out, without a stack trace. */
describe('wrong inputs', () => {
  const scratch = scratchFolder()
  const at = (...parts: string[]) => join(scratch.path, ...parts)
  const run = (...args: string[]) => runMain(args, scratch.path)
  const chat = (...args: string[]) => run('chat', '--prompt', 'The war', '--tokens', '1', ...args)

  before(async () => {
    writeModelFolder(at('model'))
    await writeAdapterFolder(at('adapter'), 'model')
    const written = await run('init', 'run.yaml', '--model', 'model', '--dir', 'me')
    expect(written.exitCode, written.stderr).to.equal(0)
  })
  after(() => scratch.remove())

  function expectRefused(ended: Ended, exitCode: 1 | 2, ...words: string[]): void {
    expect(ended.exitCode, ended.stderr).to.equal(exitCode)
    expect(ended.stderr).to.match(/^error: /m)
    for (const word of words) expect(ended.stderr).to.contain(word)
    expect(ended.stderr).not.to.match(/^\s+at |node:internal|unexpected/m)
  }

  /** A copy of the signed manifest with some text in it replaced. */
  function edited(name: string, from: string | RegExp, to: string): string {
    const text = readFileSync(at('run.yaml'), 'utf8')
    const changed = text.replace(from, to)
    expect(changed).not.to.equal(text)
    writeFileSync(at(name), changed)
    return name
  }

  function brokenModel(name: string, breakIt: (folder: string) => void): string {
    writeModelFolder(at(name))
    breakIt(at(name))
    return name
  }

  describe('a model', () => {
    it('that is not there', async () => {
      expectRefused(
        await run('init', 'a.yaml', '--model', 'nowhere', '--dir', 'me'),
        2,
        'nowhere',
        '"embedded"'
      )
      expectRefused(await chat('--adapter', 'adapter', '--model', 'nowhere'), 2, 'nowhere', '"embedded"')
    })

    it('without its weights', async () => {
      const model = brokenModel('no-weights', folder => rmSync(join(folder, 'model.safetensors')))
      expectRefused(
        await run('init', 'a.yaml', '--model', model, '--dir', 'me'),
        2,
        model,
        'model.safetensors'
      )
    })

    it('whose weights were cut off', async () => {
      const model = brokenModel('cut-off', folder => truncateSync(join(folder, 'model.safetensors'), 1000))
      expectRefused(
        await run('init', 'a.yaml', '--model', model, '--dir', 'me'),
        2,
        `${model}/model.safetensors`
      )
    })

    it('whose weights have rubbish at the end', async () => {
      const model = brokenModel('rubbish', folder =>
        appendFileSync(join(folder, 'model.safetensors'), 'rubbish')
      )
      expectRefused(
        await run('init', 'a.yaml', '--model', model, '--dir', 'me'),
        2,
        `${model}/model.safetensors`
      )
    })

    it('whose config.json is of another model', async () => {
      const other = llamaConfigJson({ ...folderConfig, hiddenSize: 32 })
      const model = brokenModel('other-config', folder => writeFileSync(join(folder, 'config.json'), other))
      expectRefused(await run('init', 'a.yaml', '--model', model, '--dir', 'me'), 2, 'tensor', 'config.json')
    })

    it('whose config.json is no JSON', async () => {
      const model = brokenModel('no-json', folder => writeFileSync(join(folder, 'config.json'), '{'))
      expectRefused(await run('init', 'a.yaml', '--model', model, '--dir', 'me'), 2, `${model}/config.json`)
    })

    it('whose tokenizer does not match', async () => {
      const model = 'small-vocabulary'
      writeModelFolder(at(model), { ...folderConfig, vocabularySize: 900 })
      expectRefused(await run('init', 'a.yaml', '--model', model, '--dir', 'me'), 2, '1024', '900')
    })
  })

  describe('an adapter', () => {
    it('that is not there', async () => {
      expectRefused(await chat('--adapter', 'nowhere'), 2, 'nowhere', 'adapter_config.json')
    })

    it('of another base model', async () => {
      writeModelFolder(at('wider'), { ...folderConfig, intermediateSize: 32 })
      expectRefused(await chat('--adapter', 'adapter', '--model', 'wider'), 2, 'adapter', 'down_proj')
    })

    it('whose base model lies elsewhere', async () => {
      await writeAdapterFolder(at('moved'), 'old-place')
      expectRefused(await chat('--adapter', 'moved'), 2, 'old-place', '--model')
    })

    it('that was cut off', async () => {
      await writeAdapterFolder(at('short'), 'model')
      truncateSync(at('short', 'adapter_model.safetensors'), 100)
      expectRefused(await chat('--adapter', 'short'), 2, 'short', 'adapter_model.safetensors')
    })

    it('with nothing to continue', async () => {
      const ended = await run('chat', '--adapter', 'adapter', '--prompt', '')
      expectRefused(ended, 2, '--prompt')
    })
  })

  describe('a manifest', () => {
    const sign = (file: string) => run('init', '--sign', file, '--dir', 'me')

    it('that is not there', async () => {
      expectRefused(await sign('nowhere.yaml'), 2, 'nowhere.yaml', 'fedpeft-node init')
    })

    it('with an impossible value', async () => {
      const file = edited('impossible.yaml', 'rank: 8', 'rank: -8')
      expectRefused(
        await sign(file),
        2,
        `${file}, line`,
        'adapter.rank: got -8; allowed: a whole number from 1'
      )
    })

    it('with an unknown field', async () => {
      const file = edited('unknown.yaml', 'rank: 8', 'ranks: 8')
      expectRefused(await sign(file), 2, `${file}, line`, 'adapter.ranks', 'did you mean adapter.rank?')
    })

    it('with a cohort below four', async () => {
      const file = edited('three.yaml', 'founders: 4', 'founders: 3')
      expectRefused(await sign(file), 2, 'cohort.founders: got 3; allowed: at least 4', 'allowThree')
      expectRefused(
        await run('init', 'a.yaml', '--founders', '3', '--dir', 'me'),
        2,
        'at least 4',
        'allowThree'
      )
    })

    it('of another version', async () => {
      const file = edited('later.yaml', /formatVersion: .*/, 'formatVersion: "2.0"')
      expectRefused(await sign(file), 2, file, '2.0', 'npm install fedpeft@latest')
    })

    it('that is not YAML', async () => {
      writeFileSync(at('broken.yaml'), 'name: [a\n')
      expectRefused(await sign('broken.yaml'), 2, 'broken.yaml, line', 'not YAML')
    })

    it('that is there already', async () => {
      expectRefused(await run('init', 'run.yaml', '--dir', 'me'), 2, 'run.yaml', '--force')
    })
  })

  describe('a folder', () => {
    it('that may not be written to', async () => {
      // Root may write anywhere: a file where a folder should be stops even root.
      mkdirSync(at('locked'))
      chmodSync(at('locked'), 0o555)
      writeFileSync(at('a-file'), '')
      const isRoot = process.getuid?.() === 0
      const target = isRoot ? join('a-file', 'run.yaml') : join('locked', 'run.yaml')
      const ended = await run('init', target, '--model', 'model', '--dir', 'me')
      expectRefused(ended, isRoot ? 2 : 1, isRoot ? 'a-file' : 'locked')
    })

    it('that cannot hold the identity', async () => {
      writeFileSync(at('no-home'), '')
      const ended = await run('init', 'b.yaml', '--model', 'model', '--dir', join('no-home', 'me'))
      expectRefused(ended, 2, 'no-home')
    })
  })

  describe('the network', () => {
    it('with a port that is taken', async () => {
      const taken = createServer().listen(0, '127.0.0.1')
      await once(taken, 'listening')
      const { port } = taken.address() as AddressInfo
      const ended = await run('bootstrap', '--listen', `/ip4/127.0.0.1/tcp/${port}`, '--dir', 'door')
      taken.close()
      expectRefused(ended, 1, `port ${port} is in use`, 'choose another port')
    })

    it('with an address that is none', async () => {
      const ended = await run('bootstrap', '--listen', 'localhost:4001', '--dir', 'door')
      expectRefused(ended, 2, 'localhost:4001', '/ip4/127.0.0.1/tcp/4001')
    })
  })

  describe('the simulation', () => {
    const sim = (...args: string[]) => run('sim', '--out', 'sim-run', ...args)

    it('of a model that is not there', async () => {
      expectRefused(await sim('--model', 'nowhere'), 2, 'nowhere', '"embedded"')
    })

    it('of a scenario that is not there', async () => {
      expectRefused(await sim('nowhere.yaml'), 2, 'nowhere.yaml', 'presidents')
    })

    it('of a setting that is impossible', async () => {
      expectRefused(await sim('--strategy', 'fedsa'), 2, 'strategy', 'fedsa', 'rolora, ffa, fedit')
    })

    it('of data that are not there, or empty', async () => {
      expectRefused(
        await sim('--data', 'nowhere'),
        2,
        '--data nowhere',
        'one .txt, .jsonl, .csv or .parquet file per client'
      )
      mkdirSync(at('clients'))
      for (const name of ['a', 'b', 'c', 'd']) writeFileSync(at('clients', `${name}.txt`), '')
      expectRefused(await sim('--data', 'clients', '--peers', '4'), 2, 'clients/a.txt', 'Add more text')
    })
  })

  it('are told as JSON too: one line on standard output', async () => {
    const { stdout, exitCode } = await run('init', 'a.yaml', '--model', 'nowhere', '--dir', 'me', '--json')
    const last = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>
    expect(last).to.include({ event: 'error', exitCode })
    expect(last['message']).to.contain('nowhere')
  })

  it('show a stack trace with --verbose only', async () => {
    const ended = await run('init', 'a.yaml', '--model', 'nowhere', '--dir', 'me', '--verbose')
    expect(ended.stderr).to.match(/^\s+at /m)
  })
})
