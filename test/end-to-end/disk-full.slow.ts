import { expect } from 'chai'
import { askLocalSocket } from '../../node/platform/local-socket.ts'
import { undocumented } from '../support/folder-document.ts'
import type { Program } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { skipBecause } from '../support/skip.ts'
import { SmallDisk, whyNoSmallDisk } from '../support/small-disk.ts'
import { tellsOneStory } from '../support/story.ts'

const FOUNDERS = ['first', 'second', 'third', 'victim']
const ROUNDS = 8

/** A real file system of two megabytes, filled and emptied under a peer that runs. */
describe('a peer on a disk that fills up', function () {
  this.timeout(180_000)
  let disk: SmallDisk
  const network: ProgramNetwork = new ProgramNetwork({ rounds: ROUNDS, founders: 4, steps: 20 }, () => ({
    launcher: name => (name === 'victim' ? disk.launcher(network.at()) : []),
    listen: () => ['/ip4/127.0.0.1/tcp/0']
  }))
  let peers: Program[]
  let victim: Program

  before(async function () {
    const why = whyNoSmallDisk()
    if (why !== null) skipBecause(this, `this test needs a small disk of its own: ${why}`)
    await network.prepare(FOUNDERS, 'first')
    disk = await SmallDisk.mount(network.at('victim'), 2_000_000)
    await network.bootstrap()
    peers = FOUNDERS.map(name => network.join(name, network.at('run.yaml')))
    victim = peers[3]!
  })
  after(async () => {
    await network.close()
    disk?.close()
  })
  tellsOneStory(() => network.close())

  const height = (program: Program): number => Number(program.named('link').at(-1)?.['height'] ?? 0)

  it('stays up, says which folder, how much is free and how much it needs, and takes no part', async () => {
    await victim.waitFor('link', { height: 1 })
    disk.fill()
    const full = await victim.waitFor('disk-full')
    expect(full['message']).to.contain(network.at('victim')).and.contain('the disk is full')
    expect(full['freeBytes']).to.be.below(Number(full['neededBytes']))
    expect(victim.isRunning).to.equal(true)
  })

  it('says so in its status too', async () => {
    const report = (await askLocalSocket(disk.outside, 'status')) as Record<string, unknown>
    expect(report).to.include({ condition: 'paused-disk-full' })
    expect(report['paused']).to.match(/the disk is full: cannot write .*goes on by itself/)
  })

  it('the others go on without it', async () => {
    const reached = height(peers[0]!)
    const told = victim.events.length
    await Promise.all(peers.slice(0, 3).map(peer => peer.waitFor('link', { height: reached + 2 })))
    const since = victim.events.slice(told).map(({ event }) => event)
    expect(since).not.to.include.members(['phase'])
    expect(since).not.to.include.members(['link'])
    expect(victim.stderr)
      .to.contain('paused, as the disk is full')
      .and.contain('Delete something else on that disk')
  })

  it('killed and started again it waits on, and is there again as soon as there is space', async () => {
    await victim.kill()
    victim = network.join('victim', network.at('run.yaml'))
    peers[3] = victim
    await victim.waitFor('disk-full')
    expect(victim.isRunning).to.equal(true)
    disk.empty()
    await victim.waitFor('caught-up')
  })

  it('fills up once more in a round, is emptied, and the same process goes on', async () => {
    disk.fill()
    await victim.waitFor('disk-full', {}, event => 'sinceMs' in event)
    disk.empty()
    await victim.waitFor('disk-ready')
  })

  it('ends with the state of the others, and a folder that opens', async () => {
    const ends = await Promise.all(peers.map(peer => peer.waitFor('done')))
    expect(new Set(ends.map(end => end['stateSha256'])).size).to.equal(1)
    expect(new Set(ends.map(end => end['linkSha256'])).size).to.equal(1)
    expect(peers.flatMap(peer => peer.named('blamed'))).to.deep.equal([])
    expect(undocumented(disk.outside).strangers).to.deep.equal([])
    victim.signal('SIGINT')
    expect(await victim.ended).to.equal(0)
    const again = network.join('victim', network.at('run.yaml'), '--linger', '0')
    expect((await again.waitFor('done'))['stateSha256']).to.equal(ends[0]!['stateSha256'])
  })
})
