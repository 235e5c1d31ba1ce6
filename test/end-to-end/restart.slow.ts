import { expect } from 'chai'
import type { Program } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { tellsOneStory } from '../support/story.ts'

const PEERS = ['p1', 'p2', 'p3', 'p4']
const ROUNDS = 6

/** What no single death shows: everyone goes at once, and the address that they joined through never comes back. */
describe('a run whose processes all die at once', function () {
  this.timeout(180_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: PEERS.length, steps: 40 })
  let peers: Program[] = []

  before(async () => {
    await network.prepare(PEERS, PEERS[0]!)
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('goes on from the disk, among peers that remember each other, without the bootstrap', async () => {
    const bootstrap = await network.bootstrap()
    peers = PEERS.map(name => network.join(name, network.at('run.yaml')))
    await Promise.all(peers.map(program => program.waitFor('link', { height: 2 })))
    const listens = peers.map(program => {
      const [address] = program.named('listening')[0]!['addresses'] as [string]
      return address.slice(0, address.indexOf('/p2p/'))
    })
    const run = String(peers[0]!.named('run')[0]!['run'])
    await Promise.all([bootstrap, ...peers].map(program => program.kill()))
    expect(peers.flatMap(program => program.named('done'))).to.deep.equal([])

    const before = peers
    peers = PEERS.map((name, i) => network.join(name, run, '--listen', listens[i]!))
    const ends = await Promise.all(peers.map(program => program.waitFor('done')))
    expect(new Set(ends.map(end => end['stateSha256'])).size).to.equal(1)
    for (const end of ends) expect(end).to.include({ completedRounds: ROUNDS })
    for (const program of peers) expect(program.named('run')[0]).to.include({ source: 'folder' })

    const links = [...before, ...peers].flatMap(program => program.named('link'))
    for (let height = 1; height <= Number(ends[0]!['height']); height++) {
      const hashes = links.filter(link => link['height'] === height).map(link => link['linkSha256'])
      expect(new Set(hashes).size, `links at height ${height}`).to.equal(1)
    }
  })

  it('fails with words where nobody is there, and nobody is known from before', async () => {
    await Promise.all(peers.map(program => program.kill()))
    const stranger = network.join(PEERS[0]!, network.at('run.yaml'), '--dir', network.at('elsewhere'))
    expect(await stranger.ended).to.equal(1)
    expect(stranger.stderr).to.contain('nobody could be reached').and.contain(network.address)
    expect(stranger.stderr).to.contain('nothing listens there now').and.contain('fedpeft-node bootstrap')
  })
})
