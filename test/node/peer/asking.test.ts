/** Who asks the others what it has missed, and how often. */
import { expect } from 'chai'
import { type Masking, maskingHere } from '../../../node/peer/masking.ts'
import { sleep } from '../../../node/peer/waiting.ts'
import { nodeCrypto } from '../../../node/platform/node-crypto.ts'
import { sealMessage } from '../../../protocols/envelope.ts'
import { Decision, Proposal } from '../../../protocols/messages.js'
import { TRANSCRIPT_PROTOCOL } from '../../../protocols/run-protocols.ts'
import { testDeadlines, testRun } from '../../support/chains.ts'
import { attemptOf } from '../../support/hand-made-words.ts'
import { linksOf, PeerCluster } from '../../support/peer-cluster.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

describe('a peer that cannot judge a proposal yet', () => {
  it('asks nobody what it has missed while it opens the sum that it needs for that', async () => {
    const asked: string[] = []
    const cluster: PeerCluster = new PeerCluster({
      founders: 4,
      manifest: { rounds: 1 },
      recorder:
        peer =>
        ({ direction, kind, label }) => {
          if (direction === 'out' && kind === 'request' && label === TRANSCRIPT_PROTOCOL) asked.push(peer)
        }
    })
    const here = maskingHere(nodeCrypto())
    const slowButTheAggregator = (number: number): Masking => ({
      async sum(job, signal) {
        const { peer, member } = cluster.lives.get(number)!
        const isOpening = job.bodies.length > 1
        if (isOpening && peer.status().aggregator !== member.id) await sleep(cluster.clock, 2_000, signal)
        return here.sum(job, signal)
      }
    })
    const lives = await Promise.all(
      [1, 2, 3, 4].map(number => cluster.start(number, { masking: slowButTheAggregator(number) }))
    )
    expect(await cluster.runToEnd()).to.equal(true)
    const link = linksOf(lives[0]!)[0]!
    expect(link).to.include({ kind: 'result', attempt: 0 })
    expect(link.survivors).to.have.lengthOf(4)
    expect(asked).to.deep.equal([])
    await cluster.stop()
  })

  /** A member in its training hears of a result: from one who is ahead, or pretends to be. */
  it('asks the proposer once, however often that answers with the same proposal', () => {
    const run = testRun(4, { rounds: 1, deadlines: testDeadlines })
    const cluster = new RoundCluster(run, { seed: 5 }).start()
    const training = () => cluster.alive.every(({ state }) => state.attempt?.training === 'running')
    expect(cluster.runUntil(training)).to.equal(true)
    const [peer, liar] = cluster.alive
    const decision = Decision.encode({ survivors: undefined })
    const payload = Proposal.encode({ subject: 'result', view: 0, decision, newViews: [] })
    const { signer } = liar!.member
    const said = () => {
      const context = attemptOf(cluster, liar!.id).rosterContext!
      return sealMessage('proposal', context, payload, signer, cluster.crypto)
    }
    const probes: number[] = []
    for (let time = 0; time < 5; time++) {
      const step = peer!.machine.step(peer!.state, { type: 'message', message: said() }, cluster.nowMs)
      peer!.state = step.state
      probes.push(step.effects.filter(({ type }) => type === 'probe').length)
    }
    expect(probes).to.deep.equal([1, 0, 0, 0, 0])
  })
})
