import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { explain } from '../../../node/cli/explain.ts'
import { Interrupted } from '../../../node/cli/interrupt.ts'
import { runCli } from '../../../node/cli/run-cli.ts'
import { UserError } from '../../../node/cli/user-error.ts'
import { ModelError } from '../../../node/model/errors.ts'
import { PeerError } from '../../../node/peer/errors.ts'
import { NetworkError, ProtocolError } from '../../../protocols/errors.ts'
import { FilesError } from '../../../protocols/files-error.ts'
import { jsonLines } from '../../support/cli.ts'

async function run(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exitCode = await runCli(args, {
    version: '1.2.3',
    stdout,
    stderr,
    signal: new AbortController().signal
  })
  const text = (stream: PassThrough) => String(stream.read() ?? '')
  return { exitCode, stdout: text(stdout), stderr: text(stderr) }
}

describe('command line', () => {
  it('prints its version and its help, and is done', async () => {
    expect(await run('--version')).to.deep.equal({ exitCode: 0, stdout: '1.2.3\n', stderr: '' })
    const help = await run('--help')
    expect(help).to.include({ exitCode: 0, stderr: '' })
    expect(help.stdout).to.contain('init').and.to.contain('chat')
  })

  it('has help with examples for every command that it lists', async () => {
    const { stdout } = await run('--help')
    const names = [...stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z]+) /gm)].map(
      match => match[1]!
    )
    expect(names).to.include('init')
    for (const name of names.filter(listed => listed !== 'help')) {
      const help = await run(name, '--help')
      expect(help.exitCode, name).to.equal(0)
      expect(help.stdout, name).to.contain(`Examples:\n  $ fedpeft-node ${name}`).and.to.contain('--json')
    }
  })

  const wrong: Array<[string, string[], RegExp]> = [
    ['no command', [], /Usage: fedpeft-node/],
    ['an unknown command', ['inti'], /unknown command 'inti'\n\(Did you mean init\?\)/],
    ['an unknown flag', ['init', '--round', '3'], /unknown option '--round'\n\(Did you mean --rounds\?\)/],
    ['a missing flag', ['chat', '--adapter', 'x'], /'--prompt <text>' not specified/],
    [
      'a value out of range',
      ['init', '--rank', '0'],
      /'--rank <r>' argument '0' is invalid\. .*from 1 to 256/
    ],
    ['a value that is no number', ['init', '--rounds', 'ten'], /argument 'ten' is invalid/],
    ['a fraction where whole numbers count', ['init', '--rounds', '1.5'], /argument '1.5' is invalid/],
    ['a word that is no choice', ['init', '--strategy', 'fedsa'], /Allowed choices are rolora, ffa, fedit/],
    ['a surplus argument', ['init', 'a', 'b'], /too many arguments/],
    ['two files to init', ['init', 'a', '--sign', 'b'], /give one file, not two/]
  ]
  for (const [what, args, expected] of wrong) {
    it(`takes ${what} as wrong usage: exit 2, words on standard error`, async () => {
      const ended = await run(...args)
      expect(ended).to.include({ exitCode: 2, stdout: '' })
      expect(ended.stderr).to.match(expected)
    })
  }

  it('reports a wrong flag as JSON too where that was asked for', async () => {
    const { exitCode, stdout, stderr } = await run('init', '--json', '--rank', '0')
    expect(exitCode).to.equal(2)
    expect(stderr).to.contain('--rank')
    expect(jsonLines(stdout)).to.have.length(1)
    expect(jsonLines(stdout)[0]).to.include({ event: 'error', exitCode: 2 })
  })
})

describe('errors as a person sees them', () => {
  const known: Array<[string, Error, number]> = [
    ['wrong input', new UserError('no', 2), 2],
    ['what could not be done', new UserError('no', 1), 1],
    ['a broken model', new ModelError('BAD_CONFIG', {}, 'no'), 2],
    ['a bad manifest', new ProtocolError('BAD_MANIFEST', {}, 'no'), 2],
    ['another base model', new PeerError('OTHER_BASE_MODEL', {}, 'no'), 2],
    ['a full disk', new FilesError('NO_SPACE', {}, 'no'), 1],
    ['an unreachable peer', new NetworkError('UNREACHABLE', {}, 'no'), 1],
    ['an address that is none', new NetworkError('BAD_ADDRESS', {}, 'no'), 2],
    ['a taken port', new NetworkError('PORT_TAKEN', {}, 'no'), 1],
    ['Ctrl-C', new Interrupted('SIGINT'), 1]
  ]
  for (const [what, error, exitCode] of known) {
    it(`${what} ends with ${exitCode} and keeps its words`, () => {
      expect(explain(error)).to.include({ exitCode, message: error.message })
    })
  }

  it('a fault of the program is not explained away', () => {
    expect(explain(new TypeError('x is undefined'))).to.equal(null)
    expect(explain(new PeerError('FAULT', {}))).to.equal(null)
    expect(explain('text')).to.equal(null)
  })
})
