import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { llamaConfigJson } from '../../../node/model/model-config.ts'
import { lockDirectory } from '../../../node/platform/directory-lock.ts'
import { scratchFolder } from '../../support/cli.ts'
import { type EndedHere, runHere } from '../../support/cli-here.ts'
import { folderConfig, writeModelFolder } from '../../support/model-folder.ts'
import { skipBecause } from '../../support/skip.ts'

const NOWHERE = '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWLXjcTVxhyAu7diM89nLkbVeoyzoeTcUMQHDZqZj6HUah'

/** Each ends with 1 or 2 and words that name the cause and the way out, without a stack trace, and before it is online. */
describe('wrong inputs of join and bootstrap', () => {
  const scratch = scratchFolder()
  const at = (...parts: string[]) => join(scratch.path, ...parts)
  let manifest: string
  let digest: string

  before(async () => {
    writeModelFolder(at('model'))
    writeFileSync(at('text.txt'), 'The state of the union is strong. '.repeat(200))
    const flags = ['--model', at('model'), '--dir', at('me'), '--json']
    const written = await runHere(['init', at('written.yaml'), ...flags])
    expect(written.exitCode, written.stderr).to.equal(0)
    digest = String(written.events[0]!['modelSha256'])
    // The model of this test sees 64 tokens at a time, less than the default window.
    await signed('run.yaml', 'sequenceLength: 96', 'sequenceLength: 16')
    manifest = at('run.yaml')
  })
  after(() => scratch.remove())

  function edited(name: string, from: string | RegExp, to: string): string {
    const text = readFileSync(at('written.yaml'), 'utf8')
    const changed = text.replace(from, to)
    expect(changed).not.to.equal(text)
    writeFileSync(at(name), changed)
    return at(name)
  }

  async function signed(name: string, from: string | RegExp, to: string): Promise<string> {
    const file = edited(name, from, to)
    const ended = await runHere(['init', '--sign', file, '--dir', at('me')])
    expect(ended.exitCode, ended.stderr).to.equal(0)
    return file
  }

  function expectRefused(ended: EndedHere, exitCode: 1 | 2, ...words: Array<string | RegExp>): void {
    expect(ended.exitCode, ended.stderr).to.equal(exitCode)
    expect(ended.stderr).to.match(/^error: /m)
    for (const word of words) {
      if (typeof word === 'string') expect(ended.stderr).to.contain(word)
      else expect(ended.stderr).to.match(word)
    }
    expect(ended.stderr).not.to.match(/^\s+at |node:internal|unexpected:/m)
  }

  /** With everything right but what `more` says; nobody is at the address, so whatever gets that far fails otherwise. */
  const takePart = (...more: string[]) => {
    const given = (flag: string, value: string) => (more.includes(flag) ? [] : [flag, value])
    const defaults = [
      ...given('--run', manifest),
      ...given('--data', at('text.txt')),
      ...given('--dir', at('me'))
    ]
    return runHere(['join', NOWHERE, ...defaults, ...more])
  }

  describe('a model', () => {
    it('that is not there', async () => {
      expectRefused(await takePart('--model', at('nowhere')), 2, at('nowhere'), '"embedded"')
    })

    it('that was cut short', async () => {
      writeModelFolder(at('cut'))
      truncateSync(at('cut', 'model.safetensors'), 1_000)
      expectRefused(await takePart('--model', at('cut')), 2, join(at('cut'), 'model.safetensors'))
    })

    it('whose tokenizer makes tokens that it does not know', async () => {
      writeModelFolder(at('narrow'), { ...folderConfig, vocabularySize: 512 })
      expectRefused(await takePart('--model', at('narrow')), 2, '1024', '512')
    })

    it('that is another than that of the others: both digests are named', async () => {
      writeModelFolder(at('other'), folderConfig, 2)
      const ended = await takePart('--model', at('other'))
      expectRefused(ended, 2, digest, /holds (?!\b0000)[0-9a-f]{64}/, '--model')
      expect(new Set(ended.stderr.match(/[0-9a-f]{64}/g)).size).to.equal(2)
    })

    it('that is another because one byte of its config differs', async () => {
      writeModelFolder(at('spaced'))
      writeFileSync(at('spaced', 'config.json'), `${llamaConfigJson(folderConfig)}\n`)
      expectRefused(await takePart('--model', at('spaced')), 2, digest)
    })

    it('that sees fewer tokens than a window has', async () => {
      const file = await signed('wide.yaml', 'sequenceLength: 96', 'sequenceLength: 65')
      expectRefused(await takePart('--run', file), 2, 'training.sequenceLength', '65', '64')
    })
  })

  describe('data', () => {
    const files: Array<[string, string, string, ReadonlyArray<string | RegExp>]> = [
      ['an empty file', 'empty.txt', '', ['empty.txt', 'no training tokens', 'Add more text']],
      ['a file of blanks', 'blank.txt', ' \n\n ', ['blank.txt', 'no training tokens']],
      ['less than a window', 'little.txt', 'Strong.', ['little.txt', 'one window needs 17']],
      ['lines that are no JSON', 'bad.jsonl', '{"text": "a"}\nword\n', ['bad.jsonl', 'line 2']],
      ['columns that are no text', 'data.csv', 'a,b\n', ['data.csv', 'line 1', '"text"']],
      ['a table that is none', 'data.parquet', 'PAR1', ['data.parquet', 'cannot be used as Parquet']],
      [
        'conversations',
        'chat.jsonl',
        '{"messages":[{"role":"assistant","content":"Hi"}]}',
        ['no chat template']
      ],
      ['a kind that is not read', 'data.docx', 'a,b\n', ['data.docx', '.jsonl']]
    ]
    for (const [what, name, content, words] of files) {
      it(what, async () => {
        writeFileSync(at(name), content)
        expectRefused(await takePart('--data', at(name)), 2, ...words)
      })
    }

    it('that is not there, or not given', async () => {
      expectRefused(await takePart('--data', at('gone.txt')), 2, '--data', 'gone.txt', 'no such file')
      expectRefused(await takePart('--held-out', at('gone.txt')), 2, '--held-out', 'gone.txt')
      expectRefused(await runHere(['join', NOWHERE, '--run', manifest, '--dir', at('me')]), 2, '--data FILE')
    })

    it('of a president that never was', async () => {
      expectRefused(await takePart('--data', 'sotu:abe_lincoln'), 2, 'Did you mean sotu:abraham_lincoln?')
      expectRefused(await takePart('--data', 'sotu:'), 2, 'Choose one of thomas_jefferson')
    })
  })

  describe('a run', () => {
    it('that is no file and no id', async () => {
      expectRefused(await takePart('--run', at('gone.yaml')), 2, 'gone.yaml', 'fedpeft-node init')
    })

    it('with an unknown field, an impossible value, or a cohort below four', async () => {
      const unknown = edited('unknown.yaml', /^rounds:/m, 'round:')
      expectRefused(await takePart('--run', unknown), 2, 'unknown.yaml, line', 'did you mean rounds')
      const impossible = edited('impossible.yaml', /rank: \d+/, 'rank: -1')
      expectRefused(await takePart('--run', impossible), 2, 'adapter.rank', 'got -1')
      const small = edited('small.yaml', /founders: \d+/, 'founders: 3')
      expectRefused(await takePart('--run', small), 2, 'cohort.founders', 'at least 4')
    })

    it('that was changed after it was signed', async () => {
      const file = edited('changed.yaml', /^rounds: \d+/m, 'rounds: 77')
      expectRefused(await takePart('--run', file), 2, 'changed.yaml', '--sign')
    })

    it('that takes listed peers only, and not this one', async () => {
      const listed = '12D3KooWLXjcTVxhyAu7diM89nLkbVeoyzoeTcUMQHDZqZj6HUah'
      const peers = [
        listed,
        listed.replace('LX', 'LY'),
        listed.replace('LX', 'LZ'),
        listed.replace('LX', 'La')
      ]
      const list = `kind: list\n  peers: [${peers.join(', ')}]`
      const file = await signed('list.yaml', /kind: open$/m, list)
      expectRefused(await takePart('--run', file), 2, 'admission.peers', 'Send this id to the author')
    })

    it('by its id, with nobody to ask', async () => {
      const args = ['--run', 'abcdef12', '--data', at('text.txt'), '--dir', at('me')]
      expectRefused(await runHere(['join', ...args]), 2, 'abcdef12', 'ADDRESS')
      expectRefused(await runHere(['join', ...args, '--dry-run']), 2, '--dry-run', 'file')
    })
  })

  describe('a command line', () => {
    it('without anywhere to go', async () => {
      expectRefused(await runHere(['join']), 2, 'ADDRESS', '--run FILE')
      expectRefused(await runHere(['join', '--dry-run']), 2, '--run FILE')
      expectRefused(
        await runHere(['bootstrap', '--port', '0', '--listen', '/ip4/127.0.0.1/tcp/0']),
        2,
        '--port'
      )
    })

    it('with an address that is none, or that no transport here can use', async () => {
      for (const address of ['nonsense', '/ip4/127.0.0.1/udp/4001', '/ip4/999.0.0.1/tcp/1']) {
        expectRefused(await runHere(['join', address]), 2, address)
        const listen = ['bootstrap', '--listen', address, '--dir', at('b')]
        expectRefused(await runHere(listen), 2, address)
      }
    })
  })

  describe('this machine', () => {
    let server: Server
    let port: number

    before(done => {
      server = createServer().listen(0, '127.0.0.1', () => {
        port = (server.address() as { port: number }).port
        done()
      })
    })
    after(done => void server.close(() => done()))

    it('where the port is taken', async () => {
      const listen = ['--listen', `/ip4/127.0.0.1/tcp/${port}`]
      expectRefused(
        await runHere(['bootstrap', ...listen, '--dir', at('b')]),
        1,
        `port ${port}`,
        'another port'
      )
      expectRefused(await takePart(...listen), 1, `port ${port}`, 'another port')
    })

    it('where the folder cannot be written to', async function () {
      writeFileSync(at('file'), '')
      expectRefused(await takePart('--dir', at('file')), 2, at('file'), 'not a folder')
      if (!existsSync('/proc/self')) skipBecause(this, 'no /proc, which takes no folders')
      expectRefused(await takePart('--dir', '/proc/fedpeft'), 1, '/proc/fedpeft', 'another disk')
      expectRefused(await runHere(['bootstrap', '--port', '0', '--dir', '/proc/fedpeft']), 1, '/proc/fedpeft')
    })

    it('where another process runs from the same folder', async () => {
      const unlock = await lockDirectory(at('busy'))
      try {
        expectRefused(await takePart('--dir', at('busy')), 1, at('busy'), '--dir')
      } finally {
        await unlock()
      }
    })

    it('where the identity is damaged', async () => {
      mkdirSync(at('damaged'))
      writeFileSync(at('damaged', 'identity.key'), 'not a key')
      expectRefused(await takePart('--dir', at('damaged')), 2, join(at('damaged'), 'identity.key'), 'backup')
    })
  })
})
