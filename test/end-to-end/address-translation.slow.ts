import { expect } from 'chai'
import type { NetworkReport, PeerReport } from '../../node/cli/observe/report.ts'
import { askLocalSocket } from '../../node/platform/local-socket.ts'
import { networkOn } from '../support/host-network.ts'
import type { Program } from '../support/program.ts'
import { idOf, untilHeight, untilOneEnd } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'
import { withHosts } from '../support/with-hosts.ts'

const HOME = ['h1', 'h2']
const OFFICE = ['o1', 'o2']
const PEERS = [...HOME, ...OFFICE]
const ROUNDS = 6

describe('a run between two private networks behind address translation', function () {
  this.timeout(300_000)
  const hosts = withHosts()
  const network = networkOn(hosts, { rounds: ROUNDS, founders: PEERS.length, steps: 20 })
  let bootstrap: Program
  let peers: Program[] = []

  before(async () => {
    hosts().addPublic('bootstrap')
    hosts().addPrivateNetwork('home', HOME)
    hosts().addPrivateNetwork('office', OFFICE)
    await network.prepare(PEERS, PEERS[0]!)
    bootstrap = await network.bootstrap()
    peers = PEERS.map(name => network.join(name, network.at('run.yaml')))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  async function connectionsOf(name: string): Promise<NetworkReport['connections']> {
    const report = (await askLocalSocket(network.at(name), 'status', {})) as PeerReport
    return report.network!.connections
  }

  it('completes rounds with all among the survivors', async () => {
    const links = await Promise.all(peers.map(program => program.waitFor('link', { height: 2 })))
    for (const link of links) expect(link['survivors']).to.have.members(peers.map(idOf))
  })

  it('connects them by WebRTC, straight from one network to the other', async () => {
    for (const name of HOME) {
      const connections = await connectionsOf(name)
      for (const other of OFFICE) {
        const theirs = connections.filter(({ peer }) => peer === idOf(peers[PEERS.indexOf(other)]!))
        const ways = theirs.map(
          ({ transport, relayed }) => `${relayed ? 'relayed' : 'straight'} ${transport}`
        )
        expect(ways, `${name} to ${other}`).to.include('straight webrtc')
      }
    }
  })

  it('goes on after the only public host is dead', async () => {
    await bootstrap.kill()
    const height = Math.max(
      ...peers.flatMap(program => program.named('link').map(link => Number(link['height'])))
    )
    await untilHeight(peers, Math.min(height + 2, ROUNDS))
    await untilOneEnd(peers, ROUNDS)
    expect(peers[0]!.named('link').at(-1)!['survivors']).to.have.length(PEERS.length)
  })
})
