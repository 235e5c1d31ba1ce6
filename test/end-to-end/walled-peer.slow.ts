import { expect } from 'chai'
import { HOST_PORT, networkOn } from '../support/host-network.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { idOf, untilOneEnd } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'
import { withHosts } from '../support/with-hosts.ts'

const PEERS = ['h1', 'h2', 'o1', 'o2', 'walled']
const ROUNDS = 5

for (const relaysBodies of [false, true]) {
  const how = relaysBodies ? 'that passes bodies on' : 'that passes no bodies on'
  describe(`a run with a peer whose firewall lets out nothing but TCP to a bootstrap ${how}`, function () {
    this.timeout(300_000)
    const hosts = withHosts()
    const network = networkOn(hosts, { rounds: ROUNDS, founders: PEERS.length, steps: 20 })
    let peers: Program[] = []

    before(async () => {
      hosts().addPublic('bootstrap')
      hosts().addPrivateNetwork('home', ['h1', 'h2'])
      hosts().addPrivateNetwork('office', ['o1', 'o2'])
      hosts().addPrivateNetwork('clinic', ['walled'])
      hosts().firewall('walled', [{ address: hosts().addressOf('bootstrap'), port: HOST_PORT }])
      await network.prepare(PEERS, PEERS[0]!)
      await network.bootstrap('bootstrap', ...(relaysBodies ? ['--relay-bodies'] : []))
      peers = PEERS.map(name => network.join(name, network.at('run.yaml')))
    })
    after(() => network.close())
    tellsOneStory(() => network.close())

    const includes =
      (peer: Program) =>
      ({ survivors }: ProgramEvent): boolean =>
        (survivors as string[]).includes(idOf(peer))

    it('has one state everywhere in the end, at that peer too', async () => {
      await untilOneEnd(peers, ROUNDS)
    })

    it(relaysBodies ? 'has its input in the sum' : 'goes on without its input', () => {
      const [other] = peers as [Program]
      const walled = peers.at(-1)!
      const links = other.named('link').filter(({ kind }) => kind === 'result')
      const with_ = links.filter(includes(walled)).length
      console.log(`      its input is in the sum of ${with_} of ${links.length} rounds`)
      if (relaysBodies) expect(with_).to.be.above(0)
      else expect(with_).to.equal(0)
    })
  })
}
