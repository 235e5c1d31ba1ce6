import { expect } from 'chai'
import fc from 'fast-check'
import { addCohortSums, bytesOfCohortSum, cohortSumOfBytes } from '../../aggregation/cohort-sum.ts'
import {
  decodeIntegers,
  decodeSum,
  encodeInput,
  integersOf,
  laneCountOf,
  type RoundEncoding
} from '../../aggregation/encoding.ts'
import { seededRandom } from '../../aggregation/random.ts'
import { addLanes, zeroLanes } from '../../aggregation/ring.ts'
import { MEMBERS_MAX } from '../../protocols/limits.ts'

const encoding: RoundEncoding = {
  ringBits: 16,
  participants: 5,
  dimension: 40,
  coordinateBound: 1,
  maxWeight: 8,
  metricLimbs: 1,
  rotationSeed: 'a seed'
}

describe('the sum of cohorts', () => {
  it('travels as it is, signs and all', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 50 }),
        integers => {
          const bytes = bytesOfCohortSum(integers)
          expect(bytes.length).to.equal(4 * integers.length)
          expect([...cohortSumOfBytes(bytes)]).to.deep.equal(integers)
        }
      )
    )
    expect([...bytesOfCohortSum([-2])]).to.deep.equal([254, 255, 255, 255])
  })

  it('of many cohorts decodes to the weighted sum of everyone, as one cohort decodes to its own', () => {
    for (const ringBits of [16, 20] as const) {
      const of = { ...encoding, ringBits }
      const random = seededRandom(7)
      const total = new Float64Array(of.dimension)
      let weights = 0
      const sums = Array.from({ length: 40 }, () => {
        const lanes = zeroLanes(ringBits, laneCountOf(of))
        for (let member = 0; member < 5; member++) {
          const delta = Float64Array.from(
            { length: of.dimension },
            () => (random.nextUint32() / 2 ** 32 - 0.5) / 8
          )
          const weight = 2 ** (member % 4)
          weights += weight
          for (const [i, value] of delta.entries()) total[i]! += weight * value
          addLanes(lanes, encodeInput(of, { delta, weight, metrics: [member] }, random))
        }
        const integers = Int32Array.from(integersOf(of, lanes))
        expect(decodeIntegers(of, integers, 5)).to.deep.equal(decodeSum(of, lanes, 5))
        return integers
      })
      const { weightedSum, weightSum, meanMetrics } = decodeIntegers(of, addCohortSums(sums), 200)
      expect(weightSum).to.equal(weights)
      expect(meanMetrics).to.deep.equal([2])
      for (const [i, value] of weightedSum.entries()) expect(value).to.be.closeTo(total[i]!, 1)
    }
  })

  it('cannot pass 32 bits with as many members as a run may have, in the rings that it is allowed in', () => {
    for (const ringBits of [16, 20]) expect((2 ** ringBits - 1) * (MEMBERS_MAX / 3)).to.be.below(2 ** 31)
  })

  it('is refused where it would wrap, names the coordinate, and is not made of nothing or of unequal lengths', () => {
    const code = (run: () => unknown) => {
      try {
        run()
        return 'nothing thrown'
      } catch (error) {
        return `${(error as { code: string }).code} ${(error as { data: { coordinate?: number } }).data.coordinate}`
      }
    }
    const most = Int32Array.of(0, 2 ** 31 - 1)
    expect(code(() => addCohortSums([most, Int32Array.of(0, 1)]))).to.equal('RING_OVERFLOW 1')
    expect([...addCohortSums([most, Int32Array.of(0, -1), Int32Array.of(0, 1)])]).to.deep.equal([...most])
    expect(code(() => bytesOfCohortSum([1, 2 ** 31]))).to.equal('RING_OVERFLOW 1')
    expect(code(() => bytesOfCohortSum([0.5]))).to.equal('RING_OVERFLOW 0')
    expect(code(() => addCohortSums([]))).to.equal('TOO_FEW undefined')
    expect(code(() => addCohortSums([most, Int32Array.of(1)]))).to.equal('LENGTH_MISMATCH undefined')
  })

  it('that its survivors cannot have is told apart', () => {
    const bad = (at: number, value: number) => {
      const sum = new Int32Array(laneCountOf(encoding))
      sum[encoding.dimension] = 5
      sum[at] = value
      return sum
    }
    expect(() => decodeIntegers(encoding, bad(0, 5 * 4095), 5)).to.not.throw()
    for (const sum of [
      bad(0, 5 * 4095 + 1),
      bad(3, -5 * 4095 - 1),
      bad(encoding.dimension, 41),
      bad(41, -1),
      bad(41, 9999)
    ])
      expect(() => decodeIntegers(encoding, sum, 5))
        .to.throw()
        .with.property('code', 'BAD_SUM')
  })
})
