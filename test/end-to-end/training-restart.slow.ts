import { existsSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import type { Program } from '../support/program.ts'
import { ProgramNetwork } from '../support/program-network.ts'

const PEERS = ['p1', 'p2', 'p3', 'p4']
const STEPS = 400

describe('a run whose processes are all killed in the middle of their training', function () {
  this.timeout(240_000)
  const network = new ProgramNetwork({ rounds: 1, founders: PEERS.length, steps: STEPS })
  let peers: Program[] = []

  before(() => network.prepare(PEERS, PEERS[0]!))
  after(() => network.close())

  it('goes on with it in the next attempt of the round, step by step where it was, and keeps nothing in the end', async () => {
    await network.bootstrap()
    const start = (name: string): Program =>
      network.join(name, network.at('run.yaml'), '--checkpoint-every', '1')
    peers = PEERS.map(start)
    await Promise.all(peers.map((peer, i) => peer.waitFor('training', { round: 0, steps: 20 + 5 * i })))
    await Promise.all(peers.map(peer => peer.kill()))
    const before = peers.map(peer => lossesOf(peer, 0))

    peers = PEERS.map(start)
    const ends = await Promise.all(peers.map(peer => peer.waitFor('done')))
    expect(new Set(ends.map(end => end['stateSha256'])).size).to.equal(1)
    for (const [i, peer] of peers.entries()) {
      const [notice] = peer.named('trainer')
      expect(notice).to.include({ kind: 'resumed' })
      const trained = peer.named('training')
      const attempt = Number(trained[0]!['attempt'])
      expect(attempt).to.be.above(0)
      const rest = lossesOf(peer, attempt)
      const [first] = rest.keys()
      // What was kept after the last step that was told is not done again either.
      expect(first)
        .to.be.at.least(before[i]!.size)
        .and.at.most(before[i]!.size + 2)
      expect([...rest.keys()]).to.deep.equal(Array.from({ length: STEPS - first! + 1 }, (_, n) => first! + n))
      expect(peer.named('trained')[0]).to.include({ steps: STEPS, endedBy: 'steps' })
      const kept = network.at(PEERS[i]!, 'runs', String(peer.named('run')[0]!['run']), 'training')
      expect(existsSync(kept) ? readdirSync(kept) : []).to.deep.equal([])
    }
  })
})

function lossesOf(peer: Program, attempt: number): Map<number, number> {
  const trained = peer.named('training').filter(event => event['attempt'] === attempt)
  return new Map(trained.map(({ steps, loss }) => [Number(steps), Number(loss)]))
}
