import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { RoundEncoding } from '../../aggregation/encoding.ts'
import { encodeInput } from '../../aggregation/encoding.ts'
import { seededRandom } from '../../aggregation/random.ts'
import type { Lanes } from '../../aggregation/ring.ts'
import { roundEncodingOf } from '../../node/peer/round-encoding.ts'
import { packageDir } from '../../node/platform/package-dir.ts'
import { testDeadlines, testRun } from '../support/chains.ts'
import { linkKinds, stateHashes } from '../support/cluster-claims.ts'
import { RoundCluster } from '../support/round-cluster.ts'

/** Three bits of the ring are kept for them, as for eight: five eighths of it can be reached. */
const n = 5

/** A round in which one member puts in what it likes. @returns the adapter that everyone has then [d] */
function roundWithInput(inputOf?: (encoding: RoundEncoding, honest: Lanes) => Lanes) {
  const run = testRun(n, { rounds: 1, strategy: 'ffa', deadlines: testDeadlines })
  const poisoner = run.members[2]!.id
  const encoding = roundEncodingOf(run.run, run.layout, n, 0)
  const cluster: RoundCluster = new RoundCluster(run, {
    seed: 9,
    instead: (id, effect) => {
      if (effect.type === 'mask' && id === poisoner && effect.round === 0 && inputOf !== undefined) {
        const { inputs } = cluster.peer(id)
        inputs.set('0.0', inputOf(encoding, inputs.get('0.0')!))
      }
      return [effect]
    }
  })
  expect(cluster.start().finish(300_000)).to.equal(true)
  expect(stateHashes(cluster)).to.have.lengthOf(1)
  const refusals = cluster.alive.flatMap(({ notices }) =>
    notices.filter(({ notice }) => notice === 'refused')
  )
  return {
    cluster,
    encoding,
    refusals,
    kinds: linkKinds(cluster),
    adapter: cluster.alive[0]!.replicated.adapter
  }
}

const distance = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0))

describe('poisoning, which is not defended against', () => {
  let honest: ReturnType<typeof roundWithInput>
  let clipNorm = 0
  before(() => {
    honest = roundWithInput()
    clipNorm = honest.cluster.run.manifest.secureSum.clipNorm
  })

  /** A delta of the largest norm that is allowed, all in one direction. */
  const largest = (encoding: RoundEncoding) => {
    const delta = new Float64Array(encoding.dimension).fill(clipNorm / Math.sqrt(encoding.dimension))
    return encodeInput(encoding, { delta, weight: 1, metrics: [2] }, seededRandom(1))
  }

  it('within the norm bound is not seen by anyone: a member can pull the mean as far as its clip norm / n', () => {
    const { adapter, refusals, kinds } = roundWithInput(largest)
    expect(kinds).to.deep.equal(['result'])
    expect(refusals).to.deep.equal([])
    const moved = distance(adapter, honest.adapter)
    // It has moved the result, by about C / n less what it would have put in honestly.
    expect(moved).to.be.above((0.5 * clipNorm) / n)
    expect(moved).to.be.below((2 * clipNorm) / n)
  })

  it('with a larger delta reaches no further: the encoding clamps every coordinate, and caps the weight', () => {
    const { encoding } = honest
    const { maxWeight, ringBits, dimension } = encoding
    const input = { delta: new Float64Array(dimension).fill(1e9), weight: maxWeight, metrics: [2] }
    const levels = encodeInput({ ...encoding, rotationSeed: null }, input, seededRandom(1))
    // Of 16 bits, three for five members and one for the sign.
    const levelMax = 2 ** (ringBits - 3 - 1) - 1
    expect(Math.max(...levels.subarray(0, dimension))).to.equal(levelMax)
    const heavier = { ...input, weight: 2 * maxWeight }
    expect(() => encodeInput(encoding, heavier, seededRandom(1))).to.throw('weight')
  })

  it('beyond the norm bound is not seen either, as the masked value cannot be inspected; only the ring bounds it', () => {
    // It does not encode as it should: twenty times what is allowed, in one coordinate after the rotation.
    const { adapter, refusals, kinds, encoding } = roundWithInput((encoding, honest) => {
      const lanes = honest.slice()
      lanes[3] = 20 * Math.floor((2 ** (encoding.ringBits - 4) - 1) / 20)
      return lanes
    })
    expect(kinds).to.deep.equal(['result'])
    expect(refusals).to.deep.equal([])
    const moved = distance(adapter, honest.adapter)
    // One coordinate of the sum lies within n levels, so it moves by n times its bound at most.
    expect(moved).to.be.above(0)
    expect(moved).to.be.below(n * encoding.coordinateBound * encoding.maxWeight)
  })

  it('beyond what any inputs could give spoils the round for everyone alike, and moves nothing', () => {
    const { cluster, kinds } = roundWithInput((encoding, honest) => {
      const lanes = honest.slice()
      lanes[3] = 2 ** (encoding.ringBits - 1)
      return lanes
    })
    expect(kinds).to.deep.equal(['lost', 'result'])
    const [lost] = cluster.alive[0]!.linkBodies
    expect(lost!.stateHash).to.deep.equal(cluster.run.tip.stateHash)
  })

  it('is said in the documentation in so many words', () => {
    const readme = readFileSync(join(packageDir(), 'README.md'), 'utf8')
    expect(readme).to.match(/[Mm]asked values cannot be inspected/)
    expect(readme).to.match(/poison the sum/)
    expect(readme).to.match(/nobody can check that a member clips/)
  })
})
