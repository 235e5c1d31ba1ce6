import { expect } from 'chai'
import { encodeInput, laneCountOf } from '../../aggregation/encoding.ts'
import { seededRandom } from '../../aggregation/random.ts'
import type { Lanes } from '../../aggregation/ring.ts'
import { roundEncodingOf } from '../../node/peer/round-encoding.ts'
import { testDeadlines, testRun } from '../support/chains.ts'
import { linkKinds, plainSum, stateHashes } from '../support/cluster-claims.ts'
import { RoundCluster } from '../support/round-cluster.ts'

/** A round in which everyone's delta and metrics lie at an extreme, and weigh as much as they may. */
function roundAtTheExtreme(size: number, sign: 1 | -1, ringBits: number) {
  const run = testRun(size, {
    rounds: 1,
    strategy: 'ffa',
    deadlines: testDeadlines,
    secureSum: { ringBits, maxWeight: 64 }
  })
  const encoding = roundEncodingOf(run.run, run.layout, size, 0)
  // Not clipped, and far beyond the bound: every coordinate is clamped to it.
  const plain = { ...encoding, rotationSeed: null }
  const delta = new Float64Array(encoding.dimension).fill(sign * 1e30)
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: 3,
    instead: (id, effect) => {
      if (effect.type !== 'mask') return [effect]
      const random = seededRandom(cluster.run.members.findIndex(member => member.id === id))
      const input = encodeInput(plain, { delta, weight: 64, metrics: [1e30] }, random)
      cluster.peer(id).inputs.set(`${effect.round}.${effect.attempt}`, input)
      return [effect]
    }
  })
  expect(cluster.start().finish(120_000)).to.equal(true)
  expect(stateHashes(cluster)).to.have.lengthOf(1)
  return { cluster, encoding, kinds: linkKinds(cluster) }
}

const signed = (lane: number, ringBits: number) => (lane >= 2 ** (ringBits - 1) ? lane - 2 ** ringBits : lane)

describe('ring overflow at the extremes', () => {
  for (const [size, ringBits] of [
    [4, 16],
    [16, 16],
    [7, 20],
    [5, 32]
  ] as const)
    for (const sign of [1, -1] as const)
      it(`${size} members, all at the ${sign === 1 ? 'highest' : 'lowest'}, ${ringBits} bits: the sum keeps its sign`, () => {
        const { cluster, encoding, kinds } = roundAtTheExtreme(size, sign, ringBits)
        expect(kinds).to.deep.equal(['result'])
        const sum: Lanes = cluster.alive[0]!.sums.get('0.0')!
        expect(sum).to.have.lengthOf(laneCountOf(encoding))
        const levelMax = 2 ** (ringBits - Math.ceil(Math.log2(size)) - 1) - 1
        for (const lane of sum.subarray(0, encoding.dimension))
          expect(signed(lane, ringBits)).to.equal(sign * size * levelMax)
        expect(sum).to.deep.equal(
          plainSum(
            cluster,
            0,
            0,
            cluster.run.members.map(({ id }) => id)
          )
        )
        const [link] = cluster.alive[0]!.linkBodies
        expect(link!.weightSum).to.equal(64 * size)
      })

  it('by a member that puts in more than its levels: refused by everyone alike, as no honest inputs can have that sum', () => {
    // Five, for whom three bits of the ring are kept, use five eighths of it at most.
    const run = testRun(5, { rounds: 1, strategy: 'ffa', deadlines: testDeadlines })
    const liar = run.members[1]!.id
    let isOver = false
    const cluster: RoundCluster = new RoundCluster(run, {
      seed: 3,
      instead: (id, effect) => {
        if (effect.type !== 'mask' || id !== liar || isOver) return [effect]
        isOver = true
        // Half the ring: with the others' small values on top, the sum would come back with the other sign.
        cluster.peer(id).inputs.get(`${effect.round}.${effect.attempt}`)![5] = 2 ** 15
        return [effect]
      }
    })
    expect(cluster.start().finish(120_000)).to.equal(true)
    expect(linkKinds(cluster)).to.deep.equal(['lost', 'result'])
    expect(stateHashes(cluster)).to.have.lengthOf(1)
  })
})
