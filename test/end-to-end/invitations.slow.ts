import { expect } from 'chai'
import { openIdentity } from '../../node/platform/identity.ts'
import { ed25519Signer } from '../../node/platform/node-crypto.ts'
import { fromHex } from '../../protocols/hex.ts'
import { createInvitation, invitationText } from '../../protocols/invitation.ts'
import { runHere } from '../support/cli-here.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { tellsOneStory } from '../support/story.ts'

const AUTHOR = 'author'
const FOUNDERS = ['second', 'third', 'fourth']
const LATER = ['good', 'wrong', 'expired', 'surplus', 'revoked', 'good-again']

/** A run that nobody enters but whom its author invites, with a process for each peer. */
describe('a run by invitation, in processes', function () {
  this.timeout(180_000)
  const admission = { kind: 'invitation', peers: [] }
  const network = new ProgramNetwork({ rounds: 500, founders: 4, steps: 4, admission })
  const members: Program[] = []
  let run: string
  let guest: Program
  let guestId: string

  before(async () => {
    await network.prepare([AUTHOR, ...FOUNDERS, ...LATER], AUTHOR)
    await network.bootstrap()
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  const asAuthor = async (...args: string[]): Promise<ProgramEvent> => {
    const { exitCode, events, stderr } = await runHere([...args, '--dir', network.at(AUTHOR), '--json'])
    expect(exitCode, stderr).to.equal(0)
    return events.at(-1) as ProgramEvent
  }
  const invite = (name: string, ...args: string[]) =>
    asAuthor('invite', 'create', '--run', network.at('run.yaml'), '--out', network.at(name), ...args)
  const refusal = async (name: string, invitation: string): Promise<string> => {
    const program = network.join(name, run.slice(0, 8), '--invitation', invitation)
    expect(await program.ended, program.stderr).to.equal(2)
    expect(program.named('phase').filter(({ phase }) => phase !== 'WaitingForMembers')).to.deep.equal([])
    return program.stderr
  }

  it('begins when those whom one invitation lets in have come, with the author', async () => {
    await invite('for-founders.txt', '--uses', '3')
    members.push(network.join(AUTHOR, network.at('run.yaml')))
    run = String((await members[0]!.waitFor('run'))['run'])
    for (const name of FOUNDERS)
      members.push(network.join(name, network.at('run.yaml'), '--invitation', network.at('for-founders.txt')))
    for (const member of members) await member.waitFor('link', { kind: 'result' })
  })

  it('tells a peer with a wrong invitation, and one that has expired, before it takes part', async () => {
    const terms = { run: fromHex(run)!, uses: 1, expiresAtS: 1_700_000_000, label: '' }
    const secret = new Uint8Array(32).fill(7)
    const byItself = await openIdentity(network.at('wrong'))
    const forged = createInvitation({ ...terms, expiresAtS: 4_000_000_000 }, byItself, ed25519Signer(secret))
    expect(await refusal('wrong', invitationText(forged, secret))).to.contain('not signed by the author')
    const late = createInvitation(terms, await openIdentity(network.at(AUTHOR)), ed25519Signer(secret))
    expect(await refusal('expired', invitationText(late, secret))).to.contain('has expired: ask the author')
  })

  it('turns away a fourth peer with an invitation for three, and tells it why and what to do', async () => {
    const words = await refusal('surplus', network.at('for-founders.txt'))
    expect(words).to.contain('is used up').and.contain('invite create')
  })

  it('lets in whom the author invites while it runs, and everyone says by what', async () => {
    await invite('for-good.txt', '--label', 'hospital east')
    // It fetches the base model from the members, who let it do so by the invitation.
    const how = ['--invitation', network.at('for-good.txt'), '--model', 'peers']
    guest = network.join('good', run.slice(0, 8), ...how)
    guestId = String((await guest.waitFor('listening'))['peer'])
    const admits = ({ admitted }: ProgramEvent) =>
      Array.isArray(admitted) &&
      admitted.some(({ peer, label }) => peer === guestId && label === 'hospital east')
    for (const member of members) await member.waitFor('link', {}, admits)
    expect(guest.named('download').map(({ file }) => file)).to.include('model.safetensors')
    await guest.waitFor('link', { kind: 'result' }, ({ survivors }) =>
      (survivors as string[]).includes(guestId)
    )
  })

  it('lists who came by which', async () => {
    const { invitations } = await asAuthor('invite', 'list', '--run', network.at('run.yaml'))
    const [founders, good] = invitations as Array<{ peers: string[]; standing: string }>
    expect(founders).to.include({ standing: 'used up' })
    expect(founders!.peers).to.have.length(3)
    expect(good).to.deep.include({ standing: 'used up', peers: [guestId] })
  })

  it('takes no invitation that the author has revoked meanwhile', async () => {
    const { invitation } = await invite('for-lost.txt')
    const { given } = await asAuthor(
      'invite',
      'revoke',
      String(invitation).slice(0, 12),
      '--run',
      network.at('run.yaml')
    )
    expect(given).to.equal('sent')
    const revokes = ({ orders }: ProgramEvent) =>
      Array.isArray(orders) &&
      orders.some(order => order.kind === 'revoke' && order.invitation === invitation)
    await members[1]!.waitFor('link', {}, revokes)
    expect(await refusal('revoked', network.at('for-lost.txt'))).to.contain('has revoked the invitation')
  })

  it('lets a guest come back without its invitation, which stays used once', async () => {
    guest.signal('SIGINT')
    await guest.ended
    guest = network.join('good', run.slice(0, 8))
    await guest.waitFor('link', { kind: 'result' }, ({ survivors }) =>
      (survivors as string[]).includes(guestId)
    )
    const { invitations } = await asAuthor('invite', 'list', '--run', network.at('run.yaml'))
    expect((invitations as Array<{ peers: string[] }>)[1]!.peers).to.deep.equal([guestId])
  })

  it('pauses, goes on and ends as its author says', async () => {
    const order = (kind: string) => asAuthor('run', kind, '--run', network.at('run.yaml'))
    expect((await order('pause'))['given']).to.equal('sent')
    for (const member of [...members, guest]) await member.waitFor('paused', { code: 'BY_AUTHOR' })
    expect((await order('resume'))['given']).to.equal('done')
    const { height } = await members[0]!.waitFor('link', { kind: 'reconfiguration' })
    const isLater = (link: ProgramEvent) => Number(link['height']) > Number(height)
    for (const member of members) await member.waitFor('link', { kind: 'result' }, isLater)
    expect((await order('end'))['given']).to.equal('sent')
    const ends = await Promise.all([...members, guest].map(member => member.waitFor('done')))
    for (const end of ends) expect(end).to.include({ end: 'author' })
    expect(new Set(ends.map(end => end['stateSha256'])).size).to.equal(1)
    expect(members[1]!.stderr).to.contain('its author has ended it')
  })
})
