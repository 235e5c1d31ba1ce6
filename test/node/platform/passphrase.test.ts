import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { openPassphrases, type Terminal } from '../../../node/platform/passphrase.ts'
import { scratchFolder } from '../../support/cli.ts'

interface FakeTerminal extends Terminal {
  readonly shown: () => string
  readonly modes: boolean[]
  readonly keys: PassThrough
}

function fakeTerminal(interrupt: () => void = () => {}): FakeTerminal {
  const keys = new PassThrough()
  const output = new PassThrough()
  const modes: boolean[] = []
  const input = Object.assign(keys, {
    isTTY: true,
    setRawMode: (raw: boolean) => {
      modes.push(raw)
      return keys
    }
  }) as unknown as Terminal['input']
  return { input, output, interrupt, keys, modes, shown: () => String(output.read() ?? '') }
}

describe('a passphrase', () => {
  const folder = scratchFolder()
  after(() => folder.remove())
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder.path, name), text)
    return join(folder.path, name)
  }

  it('is taken from the file, else from the environment, and of a file the line end is no part of it', async () => {
    const variable = 'of the environment'
    const given = (path?: string) =>
      openPassphrases({ ...(path !== undefined && { file: path }), variable, terminal: null }).given()
    expect(await given(file('unix', ' a b \n'))).to.equal(' a b ')
    expect(await given(file('windows', 'a b\r\n'))).to.equal('a b')
    expect(await given()).to.equal(variable)
    expect(await openPassphrases({ variable: '', terminal: null }).given()).to.equal(null)
    expect(await openPassphrases({ variable: undefined, terminal: null }).ask('? ')).to.equal(null)
  })

  it('that is empty, too long or in no file is a clear error that does not repeat it', async () => {
    const error = (path: string) =>
      openPassphrases({ file: path, variable: undefined, terminal: null })
        .given()
        .catch(error => error)
    expect((await error(file('empty', '\n'))).message).to.contain('empty is empty: a passphrase is one line')
    const long = await error(file('long', 'secret'.repeat(1_000)))
    expect(long.message).to.contain('has more than 1024 bytes').and.not.contain('secret')
    expect(await error(join(folder.path, 'nowhere'))).to.include({ code: 'NO_SUCH_FILE' })
  })

  it('typed on a terminal is shown to nobody, and can be corrected', async () => {
    const terminal = fakeTerminal()
    const asked = openPassphrases({ variable: undefined, terminal }).ask('passphrase: ')
    terminal.keys.write('wrong\u0015opem\u007fn ')
    terminal.keys.write('ü\u0001sesame\rrest')
    expect(await asked).to.equal('open üsesame')
    expect(terminal.shown()).to.equal('passphrase: \n')
    expect(terminal.modes).to.deep.equal([true, false])
  })

  it('is given up at Ctrl-C, and the terminal is as it was', async () => {
    const stop = new AbortController()
    const terminal = fakeTerminal(() => stop.abort(new Error('interrupted')))
    const asked = openPassphrases({ variable: undefined, terminal, signal: stop.signal }).ask('? ')
    terminal.keys.write('abc\u0003')
    expect(await asked.catch(error => error.message)).to.equal('interrupted')
    expect(terminal.modes).to.deep.equal([true, false])
  })
})
