import { expect } from 'chai'
import { openIdentity } from '../../node/platform/identity.ts'
import type { Program } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'
import { expectOneChain, idOf, untilHeight, untilOneEnd, untilWaitingFor } from '../support/run-claims.ts'
import { tellsOneStory } from '../support/story.ts'

const FOUNDERS = ['author', 'p2', 'p3', 'p4', 'p5']
const ROUNDS = 4

/** Of five members four are a quorum: with two dead nobody can add a link any more, not even one that says so. */
describe('a run that loses more members than it can do without', function () {
  this.timeout(240_000)
  const network = new ProgramNetwork({ rounds: ROUNDS, founders: FOUNDERS.length, steps: 20 })
  let peers: Program[] = []
  const gone: Program[] = []
  let run: string

  before(async () => {
    await network.prepare([...FOUNDERS, 'fresh'], 'author')
    await network.bootstrap()
    peers = FOUNDERS.map(name => network.join(name, network.at('run.yaml')))
    await Promise.all(peers.map(program => program.waitFor('founded')))
    run = String(peers[0]!.named('run')[0]!['run'])
  })
  after(() => network.close())
  tellsOneStory(() => network.close())

  it('waits, and says for whom', async () => {
    await untilHeight(peers, 1)
    const lost = peers.splice(3)
    gone.push(...lost)
    await Promise.all(lost.map(program => program.kill()))
    await Promise.all(peers.map(program => untilWaitingFor(program, 4, lost)))
    expectOneChain([...peers, ...gone])
  })

  it('goes on when its author names who shall, a newcomer among them', async () => {
    const fresh = network.join('fresh', run)
    await fresh.waitFor('caught-up')
    const [author] = peers as [Program]
    author.signal('SIGINT')
    await author.ended
    gone.push(author)
    const { peerId: newcomer } = await openIdentity(network.at('fresh'))
    const ids = [...peers.map(idOf), newcomer]
    peers = [network.join('author', run, '--resume-with', ids.join(',')), ...peers.slice(1), fresh]
    const link = await fresh.waitFor('link', { kind: 'result' })
    expect(link['survivors']).to.have.members(ids)
    const stood = peers[0]!.named('stood-down').at(-1)!
    console.log(`      ${stood['have']} stood down, ${stood['need']} had to`)
  })

  it('ends in one state, and takes those who come back along', async () => {
    const back = network.join('p5', run)
    await untilOneEnd([...peers, back], ROUNDS)
    expectOneChain([...peers, back, ...gone])
  })
})
