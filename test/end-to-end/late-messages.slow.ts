import { expect } from 'chai'
import { preloaded } from '../support/preloaded.ts'
import type { Program } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { expectEveryRound, expectNobodyExpelled, untilOneEnd } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'

const PEERS = ['p1', 'p2', 'p3', 'p4', 'p5']
const ROUNDS = 6
const SEED = 20_260_501

/** Gossip, requests and answers of every peer; those of the network's upkeep come in time. */
describe('a run with a fifth of the messages late by 1 to 4 s', function () {
  this.timeout(420_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: PEERS.length, steps: 10 }, () =>
    preloaded(
      new URL('../support/slow-network.ts', import.meta.url),
      name => ({ FEDPEFT_TEST_SEED: String(SEED + PEERS.indexOf(name)) }),
      name => PEERS.includes(name)
    )
  )
  let peers: Program[] = []

  before(async () => {
    console.log(`      seed ${SEED}`)
    await network.prepare(PEERS, PEERS[0]!)
    await network.bootstrap()
    peers = PEERS.map(name => network.join(name, network.at('run.yaml'), '--linger', '600'))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('certifies every round, or restarts it with a reason, and ends with one adapter', async () => {
    await untilOneEnd(peers, ROUNDS)
    const restarts = expectEveryRound(peers, ROUNDS)
    const links = peers[0]!.named('link').map(({ survivors }) => (survivors as string[]).length)
    console.log(`      inputs in each round: ${links.join(' ')}`, ...restarts.map(text => `\n      ${text}`))
  })

  it('takes no honest peer for a cheat', () => {
    expectNobodyExpelled(peers)
    expect(peers.flatMap(program => program.named('blamed'))).to.deep.equal([])
    expect(peers.flatMap(program => program.named('refused'))).to.deep.equal([])
  })

  it('did have a fifth of them late', async () => {
    for (const program of peers) program.signal('SIGINT')
    await Promise.all(peers.map(({ ended }) => ended))
    const counts = peers.map(program => program.named('messages')[0]!)
    const sum = (of: 'messages' | 'delayed'): number =>
      counts.reduce((all, count) => all + Number(count[of]), 0)
    const share = sum('delayed') / sum('messages')
    console.log(`      ${sum('delayed')} of ${sum('messages')} messages`)
    expect(share).to.be.within(0.17, 0.23)
  })
})
