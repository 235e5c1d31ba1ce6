import { expect } from 'chai'
import fc from 'fast-check'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import {
  beaconOfLink,
  beaconOfSeeds,
  byId,
  cohortOf,
  rankMembers,
  verifiersOf
} from '../../protocols/election.ts'
import { toHex } from '../support/bytes.ts'
import { numberedPeer } from '../support/manifests.ts'
import { chiSquareTail } from '../support/uniformity.ts'

const { sha256 } = nodeCrypto()
const beacon = (number: number) => sha256(Uint8Array.of(number & 255, number >> 8))
const members = Array.from({ length: 9 }, (_, i) => numberedPeer(i))
const shuffled = fc.shuffledSubarray(members, { minLength: members.length })

/** Chi-square over counts that should be alike. */
function evenness(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  return chiSquareTail(statistic, counts.length - 1)
}

describe('the election of the aggregator', () => {
  it('does not depend on the order in which the members are listed', () => {
    const ranked = rankMembers(members, beacon(1), 0, sha256)
    const cohort = cohortOf(members, beacon(1), 5, sha256)
    fc.assert(
      fc.property(shuffled, list => {
        expect(rankMembers(list, beacon(1), 0, sha256)).to.deep.equal(ranked)
        expect(cohortOf(list, beacon(1), 5, sha256)).to.deep.equal(cohort)
      })
    )
    expect([...ranked].sort(byId)).to.deep.equal([...members].sort(byId))
  })

  it('gives everyone the same chance at every rank', () => {
    const draws = 1800
    const counts = members.map(() => members.map(() => 0))
    for (let i = 0; i < draws; i++) {
      rankMembers(members, beacon(i), 0, sha256).forEach((id, rank) => {
        counts[rank]![members.indexOf(id)]!++
      })
    }
    for (const [rank, row] of counts.entries()) expect(evenness(row), `rank ${rank}`).to.be.above(1e-4)
  })

  it('gives everyone the same chance to be in a cohort', () => {
    const counts = members.map(() => 0)
    for (let i = 0; i < 1800; i++) {
      for (const id of cohortOf(members, beacon(i), 4, sha256)) counts[members.indexOf(id)]!++
    }
    expect(evenness(counts)).to.be.above(1e-4)
  })

  it('turns with the beacon and with the attempt', () => {
    const orders = [beacon(1), beacon(2)].flatMap(of =>
      [0, 1].map(a => rankMembers(members, of, a, sha256).join())
    )
    expect(new Set(orders).size).to.equal(4)
  })

  it('the ranks of those who stay do not change when another goes: stand-ins are ordered for good', () => {
    const ranked = rankMembers(members, beacon(3), 0, sha256)
    const without = members.filter(id => id !== ranked[0])
    expect(rankMembers(without, beacon(3), 0, sha256)).to.deep.equal(ranked.slice(1))
  })

  it('a cohort is everyone while there is room, and otherwise as many as allowed, sorted, none twice', () => {
    expect(cohortOf(members, beacon(1), 9, sha256)).to.deep.equal([...members].sort(byId))
    const cohort = cohortOf(members, beacon(1), 5, sha256)
    expect(new Set(cohort).size).to.equal(5)
    expect(cohort).to.deep.equal([...cohort].sort(byId))
  })
})

describe('the committee of verifiers', () => {
  const drawn = (number: number, attempt = 0) => verifiersOf(members, beacon(number), attempt, 4, sha256)

  it('has as many members as asked for, sorted, none twice; or everyone', () => {
    expect(new Set(drawn(1)).size).to.equal(4)
    expect(drawn(1)).to.deep.equal([...drawn(1)].sort(byId))
    for (const size of [9, 10, 64])
      expect(verifiersOf(members, beacon(1), 0, size, sha256)).to.deep.equal([...members].sort(byId))
  })

  it('turns with the beacon and with the attempt, and is not the cohort nor the first by rank', () => {
    const draws = [0, 1, 2].flatMap(attempt => [1, 2].map(number => drawn(number, attempt).join()))
    expect(new Set(draws).size).to.equal(6)
    const same = [...Array(100).keys()].filter(
      i => drawn(i).join() === cohortOf(members, beacon(i), 4, sha256).join()
    )
    const first = [...Array(100).keys()].filter(
      i => drawn(i).join() === rankMembers(members, beacon(i), 0, sha256).slice(0, 4).sort(byId).join()
    )
    // One committee of 126 is the same by chance.
    expect(same.length + first.length).to.be.below(10)
  })

  it('gives everyone the same chance', () => {
    const counts = members.map(() => 0)
    for (let i = 0; i < 1800; i++) for (const id of drawn(i)) counts[members.indexOf(id)]!++
    expect(evenness(counts)).to.be.above(1e-4)
  })

  it('is the same for everyone, whatever order they know the members in', () => {
    fc.assert(
      fc.property(shuffled, order => {
        expect(verifiersOf(order, beacon(5), 1, 4, sha256)).to.deep.equal(drawn(5, 1))
      })
    )
  })
})

describe('the beacon', () => {
  const run = sha256(Uint8Array.of(1))
  const seeds = [1, 2, 3].map(i => sha256(Uint8Array.of(i)))

  it('hangs on run, round, every seed and their order', () => {
    const others = [
      beaconOfSeeds(run, 4, seeds, sha256),
      beaconOfSeeds(run, 5, seeds, sha256),
      beaconOfSeeds(sha256(run), 4, seeds, sha256),
      beaconOfSeeds(run, 4, seeds.slice(1), sha256),
      beaconOfSeeds(run, 4, [...seeds].reverse(), sha256),
      beaconOfSeeds(run, 4, seeds.with(2, sha256(seeds[2]!)), sha256),
      beaconOfLink(run, 4, seeds[0]!, sha256),
      beaconOfLink(run, 5, seeds[0]!, sha256),
      beaconOfLink(run, 4, seeds[1]!, sha256)
    ]
    expect(new Set(others.map(toHex)).size).to.equal(others.length)
    expect(beaconOfSeeds(run, 4, seeds, sha256)).to.deep.equal(others[0])
  })

  it('after one seed does not read like the beacon after a link with that hash', () => {
    expect(beaconOfSeeds(run, 4, [seeds[0]!], sha256)).to.not.deep.equal(
      beaconOfLink(run, 4, seeds[0]!, sha256)
    )
  })
})
