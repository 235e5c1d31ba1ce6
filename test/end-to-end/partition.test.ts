import { expect } from 'chai'
import { networkOn, startOnPublicHosts } from '../support/host-network.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { idOf, untilHeight, untilOneEnd, untilWaitingFor } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'
import { withHosts } from '../support/with-hosts.ts'

const PEERS = ['p1', 'p2', 'p3', 'p4']
const ROUNDS = 3

/** Of four members three are a quorum. The cut is told to whoever sends; partition.slow.ts has silent ones. */
describe('a run over hosts whose network falls apart', function () {
  this.timeout(120_000)
  const hosts = withHosts()
  const network = networkOn(hosts, { rounds: ROUNDS, founders: PEERS.length, steps: 20 })
  let peers: Program[] = []

  before(async () => {
    ;({ peers } = await startOnPublicHosts(hosts(), network, PEERS))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('goes on at the side with a quorum, and the other side waits and says for whom', async () => {
    const [alone, ...many] = [...peers].reverse() as [Program, ...Program[]]
    await untilHeight(peers, 1)
    hosts().partitionAloud(['bootstrap', 'p1', 'p2', 'p3'], ['p4'])
    const before = alone.named('link').length
    const isOfMany = ({ survivors }: ProgramEvent): boolean => !(survivors as string[]).includes(idOf(alone))
    const [link] = await Promise.all([
      many[0]!.waitFor('link', {}, isOfMany),
      untilWaitingFor(alone, 3, many)
    ])
    expect(link).to.include({ kind: 'result' })
    expect(link['survivors']).to.have.members(many.map(idOf))
    expect(alone.named('link').length - before, 'links that the one alone came to').to.be.at.most(1)
  })

  it('comes to one chain and one adapter everywhere after healing', async () => {
    hosts().heal()
    await untilOneEnd(peers, ROUNDS)
  })
})
