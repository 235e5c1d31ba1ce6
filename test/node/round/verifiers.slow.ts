import { expect } from 'chai'
import { seededRandom } from '../../../aggregation/random.ts'
import { verifiersAt } from '../../../protocols/chain-cohorts.ts'
import { faultsOf } from '../../../protocols/quorum.ts'
import { testDeadlines, testRun } from '../../support/chains.ts'
import { contradictions, linkKinds, stateHashes } from '../../support/cluster-claims.ts'
import { crashAt, crashPointsOf } from '../../support/crash-points.ts'
import { expectExact, massacre } from '../../support/massacre.ts'

describe('the death of a member at every step of a round that a committee verifies', function () {
  this.timeout(600_000)
  const run = testRun(7, { rounds: 2, deadlines: testDeadlines, secureSum: { verifiers: 4 } })
  const seed = 11
  const { ranked, points } = crashPointsOf(run, seed)
  const committee = verifiersAt(run.tip, run.run, run.crypto)
  const inside = ranked.filter(id => committee.includes(id))
  const outside = ranked.filter(id => !committee.includes(id))

  for (const [who, victim] of [
    ['the first of the committee', inside[0]!],
    ['another of the committee', inside[2]!],
    ['the first outside of it', outside[0]!]
  ] as const) {
    for (const comesBack of [false, true]) {
      it(`${who} ${comesBack ? 'comes back at once' : 'stays dead'}: no contradiction, one chain, one state`, () => {
        expect(points.get(victim)).to.have.length.above(10)
        for (const point of points.get(victim)!) {
          const cluster = crashAt(run, seed, victim, point, world => {
            if (comesBack) world.restart(victim)
          })
          expect(cluster.finish(600_000), point.name).to.equal(true)
          expect(contradictions(cluster), point.name).to.deep.equal([])
          expect(stateHashes(cluster), point.name).to.have.lengthOf(1)
        }
      })
    }
  }
})

describe('members die at random while a committee verifies', function () {
  this.timeout(600_000)
  const run = testRun(10, { rounds: 3, deadlines: testDeadlines, secureSum: { verifiers: 4 } })

  it('up to f of the cohort for good: one chain, exact sums, and nothing is lost once it is committed', () => {
    for (let i = 0; i < 12; i++) {
      const cluster = massacre(run, seededRandom(1_000 + i), faultsOf(10), 0, 0)
      expectExact(cluster, `${i}`)
      expect(linkKinds(cluster), `${i}`).to.not.include('lost')
    }
  })

  it('up to f + 1 at a time, who come back, and words are lost: one chain, exact sums', () => {
    for (let i = 0; i < 12; i++)
      expectExact(massacre(run, seededRandom(2_000 + i), faultsOf(10) + 1, 6_000, 2), `${i}`)
  })
})
