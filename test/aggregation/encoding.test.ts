import { expect } from 'chai'
import fc from 'fast-check'
import {
  coordinateBoundOf,
  decodeSum,
  encodeInput,
  encodingText,
  laneCountOf,
  METRIC_MAX,
  METRIC_STEP,
  type RoundEncoding,
  roundWeight
} from '../../aggregation/encoding.ts'
import { AggregationError, type AggregationErrorCode } from '../../aggregation/errors.ts'
import { type Random, seededRandom } from '../../aggregation/random.ts'
import { addLanes, RING_WIDTHS, type RingBits, zeroLanes } from '../../aggregation/ring.ts'

const base: RoundEncoding = {
  ringBits: 16,
  participants: 8,
  dimension: 3,
  coordinateBound: 1,
  maxWeight: 4,
  metricLimbs: 1,
  rotationSeed: null
}

const refusal = (run: () => unknown, code: AggregationErrorCode, data: Record<string, unknown> = {}) => {
  expect(run).to.throw(AggregationError).with.property('code', code)
  try {
    run()
  } catch (error) {
    expect((error as AggregationError).data).to.include(data)
  }
}

const powers = (max: number) => fc.integer({ min: 0, max }).map(exponent => 2 ** exponent)

/** An encoding with inputs of 1 to n peers, each at an extreme or anywhere. */
const rounds = fc
  .record({
    ringBits: fc.constantFrom<RingBits>(...RING_WIDTHS),
    participants: fc.integer({ min: 1, max: 64 }),
    dimension: fc.integer({ min: 1, max: 12 }),
    coordinateBound: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
    maxWeight: powers(20),
    metricLimbs: fc.integer({ min: 0, max: 2 })
  })
  .chain(fields => {
    const { coordinateBound, dimension, maxWeight, metricLimbs } = fields
    const extreme = fc.constantFrom(-3.4e38, -coordinateBound, 0, coordinateBound, 3.4e38)
    const coordinate = fc.oneof(
      extreme,
      fc.double({ min: -coordinateBound, max: coordinateBound, noNaN: true })
    )
    const vector = (value: fc.Arbitrary<number>, length: number) =>
      fc.array(value, { minLength: length, maxLength: length })
    const input = fc.record({
      delta: vector(coordinate, dimension).map(values => Float64Array.from(values)),
      weight: powers(Math.log2(maxWeight)),
      metrics: vector(
        fc.oneof(fc.constantFrom(0, 1e9), fc.double({ min: 0, max: 70, noNaN: true })),
        metricLimbs
      )
    })
    return fc.record({
      encoding: fc.constant<RoundEncoding>({ ...fields, rotationSeed: null }),
      inputs: fc.array(input, { minLength: 1, maxLength: fields.participants }),
      draw: fc.constantFrom(0, 0x7fffffff, 0xffffffff)
    })
  })

describe('round encoding', () => {
  it('the sum of the lanes decodes to the sum of the inputs, to one level each, at any extreme', () => {
    fc.assert(
      fc.property(rounds, ({ encoding, inputs, draw }) => {
        const sum = zeroLanes(encoding.ringBits, laneCountOf(encoding))
        for (const input of inputs) addLanes(sum, encodeInput(encoding, input, { nextUint32: () => draw }))
        const decoded = decodeSum(encoding, sum, inputs.length)
        const { coordinateBound, maxWeight, participants, ringBits } = encoding
        const levelMax = 2 ** (ringBits - Math.ceil(Math.log2(participants)) - 1) - 1
        decoded.weightedSum.forEach((value, i) => {
          const clamp = (x: number) => Math.min(Math.max(x, -coordinateBound), coordinateBound)
          const exact = inputs.reduce((total, { delta, weight }) => total + weight * clamp(delta[i]!), 0)
          const level = (coordinateBound / levelMax) * maxWeight
          expect(Math.abs(value - exact)).to.be.at.most(inputs.length * level * (1 + 1e-6))
        })
        expect(decoded.weightSum).to.equal(inputs.reduce((total, { weight }) => total + weight, 0))
        decoded.meanMetrics.forEach((mean, k) => {
          const exact = inputs.reduce((total, { metrics }) => total + Math.min(metrics[k]!, METRIC_MAX), 0)
          expect(mean).to.be.closeTo(exact / inputs.length, METRIC_STEP / 2 + 1e-9)
        })
      }),
      { numRuns: 300 }
    )
  })

  it('n peers at the same extreme reach n * levelMax and no further: 64 in 16 bits and in 32', () => {
    for (const ringBits of RING_WIDTHS) {
      for (const sign of [1, -1]) {
        const encoding = { ...base, ringBits, participants: 64, maxWeight: 2 ** 20 }
        const sum = zeroLanes(ringBits, laneCountOf(encoding))
        const delta = new Float64Array(3).fill(sign * 1e30)
        const input = { delta, weight: encoding.maxWeight, metrics: [1e30] }
        for (let peer = 0; peer < 64; peer++) addLanes(sum, encodeInput(encoding, input, seededRandom(peer)))
        const decoded = decodeSum(encoding, sum, 64)
        expect([...decoded.weightedSum]).to.deep.equal(new Array(3).fill(sign * 64 * 2 ** 20))
        expect(decoded.weightSum).to.equal(64 * 2 ** 20)
        expect(decoded.meanMetrics).to.deep.equal([METRIC_MAX])
      }
    }
  })

  it('one more than n at the extreme would overflow, so it is refused', () => {
    refusal(() => decodeSum(base, zeroLanes(16, laneCountOf(base)), 9), 'RING_OVERFLOW', { participants: 8 })
  })

  it('refuses a ring too narrow for its participants', () => {
    expect(laneCountOf({ ...base, participants: 2 ** 14 })).to.be.above(3)
    refusal(() => laneCountOf({ ...base, participants: 2 ** 14 + 1 }), 'RING_OVERFLOW', {
      participants: 2 ** 14 + 1,
      ringBits: 16
    })
  })

  it('lays out d coordinates, weight limbs of s bits, metrics', () => {
    // s = 16 - 3 = 13 bits: levels to 4095; 2^14 = 2 * 2^13 needs two limbs.
    const encoding = { ...base, maxWeight: 2 ** 14, metricLimbs: 2 }
    const input = { delta: Float32Array.of(1, -1, 0), weight: 2 ** 14, metrics: [2, 0.1] }
    const middle: Random = { nextUint32: () => 0 }
    expect([...encodeInput(encoding, input, middle)]).to.deep.equal([4095, 65536 - 4095, 0, 0, 2, 32, 2])
  })

  it('scales by weight / maxWeight, and the bound does not grow for a small weight', () => {
    const input = { delta: Float32Array.of(1, -1, 100), weight: 1, metrics: [0] }
    const lanes = encodeInput(base, input, { nextUint32: () => 0xffffffff })
    expect(lanes[0]).to.equal(1023) // 4095 / 4 = 1023.75, rounded down by the highest draw
    expect(lanes[2]).to.equal(lanes[0])
  })

  it('with the rotation, quantizes heavy-tailed data far more finely', () => {
    const d = 4000
    const random = seededRandom(11)
    const heavy = Float64Array.from({ length: d }, () => (random.nextUint32() / 2 ** 32 - 0.5) ** 9)
    const norm = Math.sqrt(heavy.reduce((sum, x) => sum + x * x, 0))
    const delta = heavy.map(x => x / norm)
    const errorOf = (rotationSeed: string | null) => {
      const coordinateBound = coordinateBoundOf(1, d, rotationSeed !== null)
      const encoding = {
        ...base,
        participants: 16,
        dimension: d,
        maxWeight: 1,
        coordinateBound,
        rotationSeed
      }
      const sum = encodeInput(encoding, { delta, weight: 1, metrics: [0] }, seededRandom(12))
      const { weightedSum } = decodeSum(encoding, sum, 1)
      return weightedSum.reduce((total, x, i) => total + (x - delta[i]!) ** 2, 0)
    }
    const [rotated, plain] = [errorOf('run 1'), errorOf(null)]
    expect(rotated).to.be.below(1e-4) // squared error of a delta of norm 1, one peer
    expect(plain / rotated).to.be.above(30)
  })

  it('the bound of a rotated coordinate is 4.5 C / sqrt(d), never above C', () => {
    expect(coordinateBoundOf(2, 8100, true)).to.equal(0.1)
    expect(coordinateBoundOf(2, 4, true)).to.equal(2)
    expect(coordinateBoundOf(2, 8100, false)).to.equal(2)
  })

  it('has a canonical text in which every field shows', () => {
    expect(encodingText({ ...base, rotationSeed: 'a\n"b' })).to.equal(
      'ringBits 16\nparticipants 8\ndimension 3\ncoordinateBound 1\nmaxWeight 4\nmetricLimbs 1\nrotation hadamard "a\\n\\"b"\n'
    )
    const others: Array<Partial<RoundEncoding>> = [
      { ringBits: 32 },
      { participants: 9 },
      { dimension: 4 },
      { coordinateBound: 1 + 2 ** -52 },
      { maxWeight: 8 },
      { metricLimbs: 0 },
      { rotationSeed: 'none' },
      { rotationSeed: '' }
    ]
    const texts = [base, ...others.map(other => ({ ...base, ...other }))].map(encodingText)
    expect(new Set(texts).size).to.equal(texts.length)
  })

  describe('refuses', () => {
    const input = { delta: Float32Array.of(0, 0, 0), weight: 1, metrics: [1] }
    const draw = seededRandom(0)
    const encode = (change: object) => () => encodeInput(base, { ...input, ...change }, draw)

    it('a delta of another length', () => {
      refusal(encode({ delta: new Float32Array(4) }), 'LENGTH_MISMATCH', { expected: 3, got: 4 })
    })
    it('a missing metric', () => refusal(encode({ metrics: [] }), 'LENGTH_MISMATCH'))
    it('a metric that is not a number', () =>
      refusal(encode({ metrics: [Number.NaN] }), 'NON_FINITE', { metric: 0 }))
    it('a coordinate that is not finite, before the rotation smears it', () => {
      const rotated = { ...base, rotationSeed: 'x' }
      const delta = Float32Array.of(0, 0, Infinity)
      refusal(() => encodeInput(rotated, { ...input, delta }, draw), 'NON_FINITE', { coordinate: 2 })
    })
    for (const weight of [0, 3, 8, -1, 0.5, Number.NaN]) {
      it(`weight ${weight}`, () => refusal(encode({ weight }), 'BAD_SETTING', { setting: 'weight' }))
    }
    for (const change of [
      { ringBits: 8 as RingBits },
      { participants: 0 },
      { dimension: 0 },
      { dimension: 1.5 },
      { coordinateBound: 0 },
      { coordinateBound: Number.NaN },
      { maxWeight: 3 },
      { maxWeight: 2 ** 31 },
      { metricLimbs: -1 }
    ]) {
      it(JSON.stringify(change), () => {
        refusal(() => laneCountOf({ ...base, ...change }), 'BAD_SETTING', { setting: Object.keys(change)[0] })
      })
    }

    it('a sum that no honest inputs can have', () => {
      const good = encodeInput(base, { ...input, delta: Float32Array.of(0, 1, -1) }, draw)
      expect(() => decodeSum(base, good, 1)).to.not.throw()
      const withLane = (lane: number, value: number) => good.map((old, i) => (i === lane ? value : old))
      refusal(() => decodeSum(base, withLane(0, 4096), 1), 'BAD_SUM', { coordinate: 0, level: 4096 })
      refusal(() => decodeSum(base, withLane(0, 65536 - 4096), 1), 'BAD_SUM', { coordinate: 0, level: -4096 })
      refusal(() => decodeSum(base, withLane(3, 0), 1), 'BAD_SUM', { weightSum: 0 })
      refusal(() => decodeSum(base, withLane(3, 5), 1), 'BAD_SUM', { weightSum: 5 })
      refusal(() => decodeSum(base, withLane(4, 1024), 1), 'BAD_SUM', { metric: 0 })
    })
    it('a sum of no inputs, of another width, of another length', () => {
      refusal(() => decodeSum(base, zeroLanes(16, 5), 0), 'TOO_FEW')
      refusal(() => decodeSum(base, zeroLanes(32, 5), 1), 'BAD_SETTING', { setting: 'ringBits' })
      refusal(() => decodeSum(base, zeroLanes(16, 4), 1), 'LENGTH_MISMATCH')
    })
  })
})

describe('roundWeight', () => {
  it('is the nearest power of two, capped', () => {
    const pairs = [1, 2, 3, 5, 6, 11, 12, 47, 48, 95, 96, 1e9].map(examples => roundWeight(examples, 64))
    expect(pairs).to.deep.equal([1, 2, 4, 4, 8, 8, 16, 32, 64, 64, 64, 64])
    expect(roundWeight(1e9, 1)).to.equal(1)
  })

  it('refuses no examples and caps that are no power of two', () => {
    for (const examples of [0, 0.5, -3, Number.NaN]) refusal(() => roundWeight(examples, 64), 'BAD_SETTING')
    for (const cap of [0, 3, 2 ** 31])
      refusal(() => roundWeight(5, cap), 'BAD_SETTING', { setting: 'maxWeight' })
  })
})
