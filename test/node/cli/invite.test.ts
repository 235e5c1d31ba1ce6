import { readFileSync, statSync } from 'node:fs'
import { expect } from 'chai'
import { openIdentity } from '../../../node/platform/identity.ts'
import { ed25519Signer } from '../../../node/platform/node-crypto.ts'
import { fromHex } from '../../../protocols/hex.ts'
import { createInvitation, invitationText, readInvitationText } from '../../../protocols/invitation.ts'
import { scratchFolder } from '../../support/cli.ts'
import { runHere } from '../../support/cli-here.ts'

describe('fedpeft-node invite', () => {
  const scratch = scratchFolder()
  after(() => scratch.remove())
  const at = (name: string) => `${scratch.path}/${name}`
  const author = ['--dir', at('author')]
  const guest = ['--dir', at('guest'), '--data', 'sotu:abraham_lincoln']
  let run: string
  let text: string

  before(async () => {
    const init = ['init', at('run.yaml'), '--admission', 'invitation', ...author, '--json']
    const { exitCode, events, stderr } = await runHere(init)
    expect(exitCode, stderr).to.equal(0)
    run = String(events.at(-1)!['run'])
    expect(readFileSync(at('run.yaml'), 'utf8')).to.match(
      /kind: invitation\n +# Peer ids[^\n]*\n +peers: \[\]/
    )
  })

  const invite = (...args: string[]) =>
    runHere(['invite', ...args, '--run', at('run.yaml'), ...author, '--json'])

  /** Joining goes no further than to what is wrong: nobody is asked. */
  const join = (...args: string[]) =>
    runHere([
      'join',
      '/ip4/127.0.0.1/tcp/9/p2p/12D3KooWA25PgcrMVEkxJyHupiBRhcTxQPT4Skepu4FQAk8qq6rU',
      ...guest,
      ...args
    ])

  const signedBy = async (terms: { run?: Uint8Array; expiresAtS?: number }, dir = at('author')) => {
    const secret = new Uint8Array(32).fill(7)
    const all = { run: fromHex(run)!, uses: 1, expiresAtS: 4_000_000_000, label: '', ...terms }
    return invitationText(createInvitation(all, await openIdentity(dir), ed25519Signer(secret)), secret)
  }

  it('create prints a whole invitation, and --out keeps it from other eyes', async () => {
    const made = await invite('create', '--uses', '2', '--label', 'hospital east', '--expires', '3d')
    expect(made.exitCode, made.stderr).to.equal(0)
    text = String(made.events.at(-1)!['text'])
    const { invitation } = readInvitationText(text)!
    expect(invitation).to.include({ uses: 2, label: 'hospital east' })
    expect(invitation.expiresAtS - Date.now() / 1000).to.be.within(3 * 86_400 - 60, 3 * 86_400 + 60)
    expect(made.stderr).to.contain('--invitation INVITATION').and.contain('2 different peers')
    const kept = await invite('create', '--out', at('east.txt'))
    expect(kept.exitCode, kept.stderr).to.equal(0)
    expect(readInvitationText(readFileSync(at('east.txt'), 'utf8'))).to.not.equal(null)
    if (process.platform !== 'win32') expect(statSync(at('east.txt')).mode & 0o777).to.equal(0o600)
    expect(kept.stderr).not.to.contain('fedpeft-invite-')
    expect((await invite('create', '--out', at('east.txt'))).stderr).to.contain('is there already')
  })

  it('create is for the author, and for a run by invitation', async () => {
    const other = await runHere(['invite', 'create', '--run', at('run.yaml'), '--dir', at('guest')])
    expect(other).to.include({ exitCode: 2 })
    expect(other.stderr).to.match(/its author is .*who alone signs/)
    await runHere(['init', at('open.yaml'), ...author])
    const open = await runHere(['invite', 'create', '--run', at('open.yaml'), ...author])
    expect(open.exitCode).to.equal(2)
    expect(open.stderr).to.contain('admission.kind: open').and.contain('--admission invitation')
    for (const wrong of [
      ['--expires', '2001-01-01'],
      ['--expires', 'soon'],
      ['--uses', '0']
    ])
      expect((await invite('create', ...wrong)).exitCode, wrong.join(' ')).to.equal(2)
  })

  it('list says what is made, and revoke without a live peer keeps the order for its next start', async () => {
    const id = Buffer.from(readInvitationText(text)!.invitation.id).toString('hex')
    const revoked = await invite('revoke', id.slice(0, 8))
    expect(revoked.exitCode, revoked.stderr).to.equal(0)
    expect(revoked.events.at(-1)).to.include({ given: 'kept', invitation: id })
    expect(revoked.stderr).to.contain('when you start yours')
    const { events } = await invite('list')
    const invitations = events.at(-1)!['invitations'] as Array<Record<string, unknown>>
    expect(invitations[0]).to.deep.include({ id, uses: 2, peers: [], standing: 'revoked, on its way' })
    expect(invitations[1]).to.include({ standing: 'open' })
    expect((await invite('revoke', 'ffffffff')).stderr).to.contain('invite list')
    const stranger = await runHere(['invite', 'revoke', id, '--run', at('run.yaml'), '--dir', at('guest')])
    expect(stranger.exitCode).to.equal(2)
    expect(stranger.stderr).to.contain('only the author')
  })

  it('run orders nothing before the run has begun', async () => {
    const { exitCode, stderr } = await runHere(['run', 'pause', '--run', at('run.yaml'), ...author])
    expect(exitCode).to.equal(2)
    expect(stderr).to.contain('has not begun')
  })

  it('join says what is wrong with an invitation, and what to do, before it goes online', async () => {
    const stranger = scratchFolder()
    const elsewhere = new Uint8Array(32).fill(3)
    const cases: Array<[string[], RegExp]> = [
      [[], /takes invited peers only.*--invitation/],
      [['--invitation', text.slice(0, -9)], /no whole invitation.*copy all of it/],
      [['--invitation', at('nothing.txt')], /no invitation.*no file/],
      [['--invitation', await signedBy({ expiresAtS: 1_700_000_000 })], /has expired: ask the author/],
      [['--invitation', await signedBy({ run: elsewhere })], /for another run/],
      [['--invitation', await signedBy({}, stranger.path)], /not signed by the author/]
    ]
    for (const [args, words] of cases) {
      const { exitCode, stderr } = await join('--run', at('run.yaml'), ...args)
      expect(exitCode, stderr).to.equal(2)
      expect(stderr).to.match(words)
    }
    stranger.remove()
  })

  it('init refuses to list peers for a run that takes anybody', async () => {
    const { exitCode, stderr } = await runHere(['init', at('x.yaml'), '--peer', 'x', ...author])
    expect(exitCode).to.equal(2)
    expect(stderr).to.contain('--admission list')
  })
})
