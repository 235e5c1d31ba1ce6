import { expect } from 'chai'
import { runHere } from '../support/cli-here.ts'
import type { Program, ProgramEvent } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { expectOneChain, idOf, untilHeight, untilOneEnd } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'

const PEERS = ['p1', 'p2', 'p3', 'p4']
const COORDINATORS = ['north', 'south']
const ROUNDS = 8

/** Two coordinators that know nothing of each other; every peer is given both. */
describe('a run whose coordinators all die in the middle of a round', function () {
  this.timeout(180_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: PEERS.length, steps: 40 })
  let coordinators: Program[] = []
  let peers: Program[] = []
  const gone: Program[] = []

  before(async () => {
    await network.prepare(PEERS, PEERS[0]!)
    for (const name of COORDINATORS) coordinators.push(await network.bootstrap(name))
    peers = PEERS.map(name => network.join(name, network.at('run.yaml')))
    await Promise.all(peers.map(program => program.waitFor('founded')))
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  /** Stops the last peer at its local training, so that the round stays open, and goes on after `work`. */
  async function inRound(round: number, work: () => Promise<void>): Promise<void> {
    const holder = peers.at(-1)!
    await holder.waitFor('phase', { round, phase: 'LocalTraining' })
    holder.signal('SIGSTOP')
    try {
      await work()
    } finally {
      holder.signal('SIGCONT')
    }
  }

  it('ends that round in the same attempt, and runs the next ones', async () => {
    await inRound(1, async () => {
      await Promise.all(coordinators.map(program => program.kill()))
      expect(peers.flatMap(program => program.named('link')).some(link => link['round'] === 1)).to.equal(
        false
      )
    })
    const links = await Promise.all(peers.map(program => program.waitFor('link', { height: 3 })))
    for (const link of links) expect(link).to.include({ kind: 'result', round: 2, attempt: 0 })
    expect(links[0]!['survivors']).to.have.length(PEERS.length)
  })

  it('has a peer that is restarted among them again, without any coordinator', async () => {
    const run = String(peers[0]!.named('run')[0]!['run'])
    const restarted = peers[1]!
    const id = idOf(restarted)
    gone.push(restarted)
    await restarted.kill()
    peers[1] = network.join(PEERS[1]!, run)
    const height = Number(peers[0]!.named('link').at(-1)!['height'])
    const isBack = ({ height: at, survivors }: ProgramEvent): boolean =>
      Number(at) > height + 1 && (survivors as string[]).includes(id)
    await peers[0]!.waitFor('link', {}, isBack)
    expect(peers[1]!.named('run')[0]).to.include({ source: 'folder' })
  })

  it('fills a coordinator that is started empty: every peer, and the run', async () => {
    const startMs = performance.now()
    const fresh = await network.bootstrap(COORDINATORS[0])
    coordinators = [fresh]
    const run = String(peers[0]!.named('run')[0]!['run'])
    await Promise.all([
      fresh.waitFor('run-offered', { run }),
      ...peers.map(program => fresh.waitFor('peer-came', { peer: idOf(program) }))
    ])
    console.log(`      full after ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
    const { events } = await runHere(['join', network.addresses[0]!, '--json'])
    expect((events[0]!['runs'] as unknown[])[0]).to.include({ run, members: PEERS.length })
  })

  it('comes to one end', async () => {
    await untilHeight(peers, ROUNDS)
    await untilOneEnd(peers, ROUNDS)
    expectOneChain([...gone, ...peers])
  })
})
