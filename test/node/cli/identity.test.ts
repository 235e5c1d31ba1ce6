import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { openIdentity } from '../../../node/platform/identity.ts'
import { openPassphrases } from '../../../node/platform/passphrase.ts'
import { openPeerFolder } from '../../../node/platform/peer-folder.ts'
import { scratchFolder } from '../../support/cli.ts'
import { runHere } from '../../support/cli-here.ts'

/** scrypt at its real cost: half a second each time a key is opened or encrypted. */
describe('fedpeft-node identity', function () {
  this.timeout(60_000)
  const folder = scratchFolder()
  after(() => folder.remove())
  const at = (name: string): string => join(folder.path, name)
  const identity = (command: string, ...args: string[]) =>
    runHere(
      ['identity', command, ...args, '--dir', args.includes('--dir') ? '' : at('peer'), '--json'].filter(
        isGiven
      )
    )
  const key = (dir = 'peer'): string => join(at(dir), 'identity.key')
  const isEncrypted = (path: string): boolean => readFileSync(path)[0] === '{'.charCodeAt(0)
  let peer: string

  before(async () => {
    writeFileSync(at('first'), 'first passphrase\n')
    writeFileSync(at('second'), 'second passphrase\n')
    peer = (await openIdentity(at('peer'))).peerId
  })

  it('shows the peer id, and says where none is', async () => {
    expect((await identity('show')).events).to.deep.equal([
      { event: 'done', peer, path: key(), protected: false }
    ])
    const { exitCode, stderr } = await runHere(['identity', 'show', '--dir', at('empty')])
    expect(exitCode).to.equal(2)
    expect(stderr).to.contain('there is no identity yet')
  })

  it('makes a key before the first start, encrypted, and none in the place of another', async () => {
    const args = ['--dir', at('new'), '--passphrase-file', at('first')]
    const [made] = (await identity('create', ...args)).events
    expect(made).to.include({ event: 'done', path: key('new'), protected: true })
    expect(isEncrypted(key('new'))).to.equal(true)
    const again = await identity('create', ...args)
    expect(again.exitCode).to.equal(2)
    expect(again.stderr).to.contain(`is there already, and is ${made!['peer']}`)
    expect((await identity('show', '--dir', at('new'))).events).to.deep.equal([made])
  })

  it('encrypts the key, which then opens with the passphrase only', async () => {
    const { events, stderr } = await identity('protect', '--new-passphrase-file', at('first'))
    expect(events).to.deep.equal([{ event: 'done', peer, path: key(), protected: true }])
    expect(stderr.match(new RegExp(`peer id (before|now) +${peer}`, 'g'))).to.have.length(2)
    expect(isEncrypted(key())).to.equal(true)
    expect(statSync(key()).mode & 0o077).to.equal(0)
    const open = (file: string | undefined) =>
      openIdentity(
        at('peer'),
        openPassphrases({ ...(file !== undefined && { file }), variable: undefined, terminal: null })
      ).catch(error => error)
    expect(await open(at('first'))).to.have.property('peerId', peer)
    expect(await open(at('second'))).to.have.property('code', 'WRONG_PASSPHRASE')
    const locked = await open(undefined)
    expect(locked).to.have.property('code', 'LOCKED_IDENTITY')
    expect(locked.message).to.contain('--passphrase-file FILE').and.contain('FEDPEFT_PASSPHRASE')
  })

  it('is opened by every command that acts as somebody, by flag or environment', async () => {
    const init = (...more: string[]) =>
      runHere(['init', at('run.yaml'), '--dir', at('peer'), '--force', ...more])
    expect((await init('--passphrase-file', at('first'))).exitCode).to.equal(0)
    expect(readFileSync(at('run.yaml'), 'utf8')).to.contain(`author: ${peer}`)
    const wrong = await init('--passphrase-file', at('second'))
    expect(wrong.exitCode).to.equal(2)
    expect(wrong.stderr).to.contain(`the passphrase does not open ${key()}, or the file was changed`)
    const sign = () => runHere(['init', '--sign', at('run.yaml'), '--dir', at('peer')])
    expect((await sign()).stderr).to.contain('is encrypted and there is no terminal to ask')
    process.env['FEDPEFT_PASSPHRASE'] = 'first passphrase'
    try {
      expect((await sign()).exitCode).to.equal(0)
    } finally {
      delete process.env['FEDPEFT_PASSPHRASE']
    }
  })

  it('changes the passphrase', async () => {
    const change = ['--passphrase-file', at('first'), '--new-passphrase-file', at('second')]
    expect((await identity('protect', ...change)).exitCode).to.equal(0)
    const again = await identity('protect', ...change)
    expect(again.exitCode).to.equal(2)
    expect(again.stderr).to.contain('the passphrase does not open')
  })

  it('exports an encrypted backup unless asked otherwise, and overwrites nothing', async () => {
    const backup = await identity('export', at('backup'), '--passphrase-file', at('second'))
    expect(backup.events).to.deep.equal([{ event: 'done', peer, path: at('backup'), protected: true }])
    expect(readFileSync(at('backup'))).to.deep.equal(readFileSync(key()))
    expect(statSync(at('backup')).mode & 0o077).to.equal(0)
    const again = await identity('export', at('backup'), '--passphrase-file', at('second'))
    expect(again.exitCode).to.equal(2)
    expect(again.stderr).to.contain('is there already')
    const plain = await identity('export', at('plain'), '--plain', '--passphrase-file', at('second'))
    expect(plain.stderr).to.contain('NOT encrypted')
    expect(isEncrypted(at('plain'))).to.equal(false)
    const unopened = await identity('export', at('unopened'), '--passphrase-file', at('first'))
    expect(unopened.exitCode).to.equal(2)
  })

  it('imports into an empty folder what it can open, in the form of the backup', async () => {
    const wrong = await identity(
      'import',
      at('backup'),
      '--dir',
      at('other'),
      '--passphrase-file',
      at('first')
    )
    expect(wrong.exitCode).to.equal(2)
    const encrypted = ['--dir', at('other'), '--passphrase-file', at('second')]
    const { events, stderr } = await identity('import', at('backup'), ...encrypted)
    expect(events).to.deep.equal([{ event: 'done', before: null, peer, path: key('other'), protected: true }])
    expect(stderr).to.contain('an identity runs in one place only')
    const plain = await identity('import', at('plain'), '--dir', at('other'))
    expect(plain.events[0]).to.include({ before: peer, peer, protected: false })
  })

  it('does not put another identity in the place of one unless told to', async () => {
    const { peerId } = await openIdentity(at('third'))
    const refused = await identity('import', at('plain'), '--dir', at('third'))
    expect(refused.exitCode).to.equal(2)
    expect(refused.stderr).to.contain(peerId).and.contain(peer).and.contain('--replace')
    expect((await openIdentity(at('third'))).peerId).to.equal(peerId)
    const replaced = await identity('import', at('plain'), '--dir', at('third'), '--replace')
    expect(replaced.events[0]).to.include({ before: peerId, peer })
    const nothing = await identity('import', at('nowhere'), '--dir', at('third'))
    expect(nothing.stderr).to.contain('no such file')
  })

  it('does nothing while a peer runs on the folder', async () => {
    const unlock = await openPeerFolder(at('peer'))
    try {
      for (const [command, ...args] of [['protect'], ['unprotect'], ['import', at('plain')]]) {
        expect((await identity(command!, ...args)).stderr).to.contain('is in use by this process')
      }
    } finally {
      await unlock()
    }
  })

  it('stores the key without encryption again', async () => {
    expect((await identity('unprotect', '--passphrase-file', at('second'))).exitCode).to.equal(0)
    expect((await openIdentity(at('peer'))).peerId).to.equal(peer)
    expect((await identity('unprotect')).stderr).to.contain('is not encrypted')
  })
})

function isGiven(text: string, i: number, all: readonly string[]): boolean {
  return text !== '' && all[i + 1] !== ''
}
