import { expect } from 'chai'
import { networkOn, startOnPublicHosts } from '../support/host-network.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { idOf, untilHeight, untilOneEnd } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'
import { withHosts } from '../support/with-hosts.ts'

const PEERS = ['p1', 'p2', 'p3', 'p4']
/** More than the changes cost: those that fall into the silence go without the one that has moved. */
const ROUNDS = 14

/** An address is taken away as by an internet provider: what stood on it is never closed, and never answered. */
describe('a run whose hosts get other addresses', function () {
  this.timeout(300_000)
  const hosts = withHosts()
  const network = networkOn(hosts, { rounds: ROUNDS, founders: PEERS.length, steps: 20 })
  let bootstrap: Program
  let peers: Program[] = []

  before(async () => {
    ;({ bootstrap, peers } = await startOnPublicHosts(hosts(), network, PEERS))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('has a member that has moved among the survivors again', async () => {
    const moved = peers[3]!
    await untilHeight(peers, 1)
    hosts().renumber('p4')
    const link = await survivorAgain(moved)
    console.log(`      moved after round 1, among the survivors again in round ${Number(link['round']) + 1}`)
  })

  it('goes on when its only bootstrap moves, and who knows it finds it again', async () => {
    const connected = bootstrap.named('peer-came').length
    expect(connected).to.be.at.least(PEERS.length)
    const old = hosts().addressOf('bootstrap')
    const address = hosts().renumber('bootstrap')
    const before = bootstrap.events.length
    const ids = peers.map(idOf)
    const back = ids.map(id =>
      bootstrap.waitFor('peer-came', { peer: id }, event => bootstrap.events.indexOf(event) >= before)
    )
    await Promise.all(back)
    expect(address).not.to.equal(old)
    await untilOneEnd(peers, ROUNDS)
    const last = peers[0]!.named('link').at(-1)!
    expect(last['survivors']).to.have.length(PEERS.length)
  })

  /** The first link without the moved one, and then the first one with it. */
  async function survivorAgain(moved: Program): Promise<ProgramEvent> {
    const [witness] = peers as [Program]
    const has = ({ survivors }: ProgramEvent): boolean => (survivors as string[]).includes(idOf(moved))
    const without = await witness.waitFor('link', {}, link => !has(link))
    return witness.waitFor(
      'link',
      {},
      link => has(link) && Number(link['height']) > Number(without['height'])
    )
  }
})
