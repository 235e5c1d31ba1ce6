import { expect } from 'chai'
import type { RingBits } from '../../../aggregation/ring.ts'
import { toHex } from '../../../protocols/hex.ts'
import { quorumOf } from '../../../protocols/quorum.ts'
import { testDeadlines, testRun } from '../../support/chains.ts'
import {
  contradictions,
  linkKinds,
  longestChain,
  plainSum,
  stateHashes
} from '../../support/cluster-claims.ts'
import { RoundCluster } from '../../support/round-cluster.ts'

const sizes: ReadonlyArray<{ n: number; rounds: number; ringBits: RingBits }> = [
  { n: 3, rounds: 2, ringBits: 20 },
  { n: 4, rounds: 3, ringBits: 32 },
  { n: 7, rounds: 2, ringBits: 16 },
  { n: 8, rounds: 2, ringBits: 16 },
  { n: 16, rounds: 1, ringBits: 16 }
]

describe('rounds without a fault', () => {
  for (const { n, rounds, ringBits } of sizes) {
    it(`of ${n} members: one link each, one state, sums exact to the bit (${ringBits}-bit lanes)`, () => {
      const cohort = { founders: n, ...(n === 3 ? { allowThree: true } : {}) }
      const run = testRun(n, { rounds, cohort, deadlines: testDeadlines, secureSum: { ringBits } })
      const cluster = new RoundCluster(run, { seed: n }).start()
      expect(cluster.finish(60_000)).to.equal(true)
      expect(linkKinds(cluster)).to.deep.equal(Array(rounds).fill('result'))
      expect(stateHashes(cluster)).to.have.lengthOf(1)
      expect(stateHashes(cluster)[0]).to.not.equal(toHex(run.tip.stateHash))
      expect(contradictions(cluster)).to.deep.equal([])
      for (const { round, attempt, survivors, cohort } of longestChain(cluster)) {
        const peers = survivors.map(({ peer }) => peer)
        expect(peers).to.deep.equal(cohort)
        const sum = plainSum(cluster, round, attempt, peers)
        for (const { sums } of cluster.alive) expect(sums.get(`${round}.${attempt}`)).to.deep.equal(sum)
      }
    }).timeout(60_000)
  }

  it('every peer makes its own state; nobody pulls one', () => {
    const run = testRun(4, { rounds: 2, deadlines: testDeadlines })
    const ready: boolean[] = []
    const cluster = new RoundCluster(run, {
      seed: 1,
      onEffect: (_peer, effect) => {
        if (effect.type === 'commit') ready.push(effect.ready)
        return true
      }
    }).start()
    expect(cluster.finish()).to.equal(true)
    expect(ready).to.deep.equal(Array(8).fill(true))
  })

  it('the same seed gives the same words in the same order, another seed other keys and another beacon', () => {
    const said = (seed: number) => {
      const cluster = new RoundCluster(testRun(4, { rounds: 1, deadlines: testDeadlines }), { seed }).start()
      cluster.finish()
      return { wire: cluster.wire.map(({ hash }) => toHex(hash)), link: longestChain(cluster)[0]! }
    }
    expect(said(5).wire).to.deep.equal(said(5).wire)
    expect(said(5).link.beacon).to.not.deep.equal(said(6).link.beacon)
  })

  it('the beacon moves on with every link, and the lead with it', () => {
    const rounds = 8
    const run = testRun(4, { rounds, deadlines: testDeadlines })
    const cluster = new RoundCluster(run, { seed: 2 }).start()
    expect(cluster.finish()).to.equal(true)
    const beacons = longestChain(cluster).map(({ beacon }) => toHex(beacon))
    expect(new Set(beacons).size).to.equal(rounds)
    const aggregators = cluster.alive[0]!.notices.flatMap(notice =>
      notice.notice === 'phase' && notice.phase === 'AdvertiseKeys' ? [notice.aggregator] : []
    )
    expect(aggregators).to.have.lengthOf(rounds)
    // Eight draws from four, all alike, would be one in 16,384.
    expect(new Set(aggregators).size).to.be.above(1)
    for (const peer of cluster.alive) {
      const other = peer.notices.flatMap(notice =>
        notice.notice === 'phase' && notice.phase === 'AdvertiseKeys' ? [notice.aggregator] : []
      )
      expect(other).to.deep.equal(aggregators)
    }
  })

  it('passes through the phases in order', () => {
    const cluster = new RoundCluster(testRun(4, { rounds: 1, deadlines: testDeadlines }), { seed: 3 }).start()
    expect(cluster.finish()).to.equal(true)
    const order = [
      ...['WaitingForMembers', 'AdvertiseKeys', 'ShareKeys', 'LocalTraining', 'MaskedInputCollection'],
      ...['ConsistencyCheck', 'Unmasking', 'ServerStep', 'Finished']
    ]
    for (const { notices } of cluster.alive) {
      const phases = notices.flatMap(notice => (notice.notice === 'phase' ? [notice.phase] : []))
      expect(phases[0]).to.equal('WaitingForMembers')
      expect(phases.at(-1)).to.equal('Finished')
      const places = phases.map(phase => order.indexOf(phase))
      expect(places, phases.join()).to.deep.equal(places.toSorted((a, b) => a - b))
    }
  })

  it('a cohort is a part of the members when there are more than the manifest allows', () => {
    const cohort = { founders: 4, size: 5 }
    const run = testRun(7, { rounds: 4, cohort, deadlines: testDeadlines })
    const cluster = new RoundCluster(run, { seed: 4 }).start()
    expect(cluster.finish()).to.equal(true)
    const links = longestChain(cluster)
    const late = links.at(-1)!
    expect(late.members).to.have.lengthOf(7)
    expect(late.cohort).to.have.lengthOf(5)
    expect(late.survivors.length).to.be.at.least(quorumOf(5))
    expect(stateHashes(cluster)).to.have.lengthOf(1)
    expect(contradictions(cluster)).to.deep.equal([])
  })
})
