import { expect } from 'chai'
import { networkOn, startOnPublicHosts } from '../support/host-network.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { expectOneChain, idOf, untilHeight, untilOneEnd, untilWaitingFor } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'
import { withHosts } from '../support/with-hosts.ts'

/** A silent cut is noticed by what is not answered: some twenty seconds. */
describe('a run of seven over hosts, cut in five and two without a word', function () {
  this.timeout(300_000)
  const ROUNDS = 5
  const PEERS = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7']
  const hosts = withHosts()
  const network = networkOn(hosts, {
    ...{ rounds: ROUNDS, founders: PEERS.length, steps: 20 },
    // Eight processes on a busy machine: what comes late must not end the attempt.
    deadlines: { keysMs: 6_000, trainingMs: 15_000, inputsMs: 10_000, unmaskingMs: 8_000, viewMs: 2_000 }
  })
  let peers: Program[] = []

  before(async () => {
    ;({ peers } = await startOnPublicHosts(hosts(), network, PEERS))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('goes on with the five, who are a quorum of seven; the two with the bootstrap wait for the five', async () => {
    const [many, few] = [peers.slice(0, 5), peers.slice(5)]
    await untilHeight(peers, 1)
    hosts().partition(PEERS.slice(0, 5), ['bootstrap', ...PEERS.slice(5)])
    const isOfMany = ({ survivors }: ProgramEvent): boolean =>
      (survivors as string[]).every(id => many.some(program => idOf(program) === id))
    const links = await Promise.all(many.map(program => program.waitFor('link', {}, isOfMany)))
    for (const link of links) expect(link['survivors']).to.have.length(5)
    await Promise.all(few.map(program => untilWaitingFor(program, 5, many)))
    const reached = Math.max(...many.map(program => Number(program.named('link').at(-1)!['height'])))
    for (const program of few) expect(program.named('link').at(-1)!['height']).to.be.below(reached)
    console.log(
      `      the five are at height ${reached}, the two at ${few[0]!.named('link').at(-1)!['height']}`
    )
  })

  it('brings the two up to the five after healing', async () => {
    hosts().heal()
    await untilOneEnd(peers, ROUNDS)
  })
})

describe('a run of four over hosts, cut in the middle', function () {
  this.timeout(300_000)
  const ROUNDS = 4
  const PEERS = ['p1', 'p2', 'p3', 'p4']
  const hosts = withHosts()
  const network = networkOn(hosts, { rounds: ROUNDS, founders: PEERS.length, steps: 20 })
  let peers: Program[] = []

  before(async () => {
    ;({ peers } = await startOnPublicHosts(hosts(), network, PEERS))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('stands still on both sides, each waiting for the other', async () => {
    const [left, right] = [peers.slice(0, 2), peers.slice(2)]
    await untilHeight(peers, 1)
    hosts().partition(['bootstrap', 'p1', 'p2'], ['p3', 'p4'])
    await Promise.all([
      ...left.map(program => untilWaitingFor(program, 3, right)),
      ...right.map(program => untilWaitingFor(program, 3, left))
    ])
    const heights = peers.map(program => Number(program.named('link').at(-1)!['height']))
    // The link of the round under way may have been signed before the cut, and may have come to one side only.
    expect(Math.max(...heights)).to.be.at.most(2)
    expectOneChain(peers)
  })

  it('goes on with everyone after healing, and ends in one state', async () => {
    hosts().heal()
    await untilOneEnd(peers, ROUNDS)
    const last = peers[0]!.named('link').at(-1)!
    expect(last['survivors'], 'all are back by the last round').to.have.length(4)
  })
})
