import { expect } from 'chai'
import { remember } from '../../../node/round/speak.ts'
import { sealMessage } from '../../../protocols/envelope.ts'
import { TRANSCRIPT_BYTES_PER_MEMBER } from '../../../protocols/limits.ts'
import { testDeadlines, testRun } from '../../support/chains.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

describe('the transcript of an attempt', () => {
  it('keeps a bounded part of what one member says, and all of the others', () => {
    const cluster = new RoundCluster(testRun(4, { rounds: 1, deadlines: testDeadlines }), { seed: 1 })
    cluster.start().runUntil(() => cluster.alive.every(({ state }) => state.attempt !== null))
    const { attempt } = cluster.alive[0]!.state
    const [talker, other] = cluster.run.members
    const say = (payload: Uint8Array, { signer }: typeof talker & object) =>
      sealMessage('tip', attempt!.context, payload, signer, cluster.crypto)
    const size = () => [...attempt!.transcript.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
    const before = size()
    for (let i = 0; i < 100; i++) remember(attempt!, say(new Uint8Array(200_000).fill(i), talker!))
    expect(size() - before).to.be.above(TRANSCRIPT_BYTES_PER_MEMBER - 300_000)
    expect(size() - before).to.be.at.most(TRANSCRIPT_BYTES_PER_MEMBER)
    const full = attempt!.transcript.size
    const short = say(new Uint8Array(10), other!)
    for (const _ of [1, 2]) remember(attempt!, short)
    expect(attempt!.transcript.size).to.equal(full + 1)
  })
})
