import { expect } from 'chai'
import { seededRandom } from '../../aggregation/random.ts'
import { nodeCrypto } from '../../node/platform/node-crypto.ts'
import {
  chiSquareTail,
  chiSquareUniform,
  laneUniformity,
  normalTail,
  UNIFORMITY_P_MIN
} from './uniformity.ts'

describe('uniformity test (support)', () => {
  // Abramowitz and Stegun, tables 26.1 and 26.8; R: pnorm(z, lower = FALSE), pchisq(x, df, lower = FALSE).
  it('has the tail of the normal distribution', () => {
    expect(normalTail(0)).to.equal(0.5)
    expect(normalTail(1)).to.be.closeTo(0.15865525393, 1e-10)
    expect(normalTail(-1.96)).to.be.closeTo(0.97500210485, 1e-10)
    expect(normalTail(2.5758293035489)).to.be.closeTo(0.005, 1e-11)
    expect(normalTail(6) / 9.865876450377e-10).to.be.closeTo(1, 1e-9)
  })

  it('has the critical values of the chi-square distribution', () => {
    for (const [statistic, degrees, p] of [
      [43.773, 30, 0.05],
      [124.342, 100, 0.05],
      [135.807, 100, 0.01],
      [149.449, 100, 0.001],
      [77.929, 100, 0.95]
    ] as const) {
      expect(chiSquareTail(statistic, degrees) / p, `${statistic}`).to.be.closeTo(1, 0.02)
    }
  })

  it('refuses to judge too few data', () => {
    expect(() => chiSquareUniform(new Float64Array(256).fill(4))).to.throw(RangeError)
  })

  it('gives p-values that are themselves uniform on uniform data', () => {
    const random = seededRandom(1)
    const ps = Array.from({ length: 400 }, () => {
      const counts = new Float64Array(256)
      for (let i = 0; i < 8192; i++) counts[random.nextUint32() >>> 24]!++
      return chiSquareUniform(counts).p
    })
    const inTenths = new Float64Array(10)
    for (const p of ps) inTenths[Math.min(9, Math.floor(p * 10))]!++
    expect(chiSquareUniform(inTenths).statistic).to.be.below(27.88) // 9 degrees of freedom, p = 0.001
  })

  it('accepts a key stream in both widths', () => {
    for (let key = 0; key < 20; key++) {
      const bytes = nodeCrypto().keyStream(new Uint8Array(32).fill(key)).next(32768).slice()
      expect(laneUniformity(new Uint16Array(bytes.buffer)).p).to.be.above(1e-3)
      expect(laneUniformity(new Uint32Array(bytes.buffer)).p).to.be.above(1e-3)
    }
  })

  describe('rejects', () => {
    const random = seededRandom(2)
    const uniform = () => random.nextUint32() & 0xffff
    const lanes = (lane: (i: number) => number) => Uint16Array.from({ length: 16384 }, (_, i) => lane(i))
    const cases: Record<string, Uint16Array> = {
      zeros: lanes(() => 0),
      'small signed numbers': lanes(() => (uniform() % 201) - 100),
      'a triangular sum of two half-range numbers': lanes(() => (uniform() >>> 1) + (uniform() >>> 1)),
      'one lane in eight left bare': lanes(i => (i % 8 === 0 ? 7 : uniform())),
      'a constant low byte': lanes(() => uniform() & 0xff00),
      'a ramp, which is too even': lanes(i => (i * 4) & 0xffff),
      'every lane twice, which no histogram shows': (() => {
        const once = lanes(uniform)
        return lanes(i => once[i >> 1]!)
      })()
    }
    for (const [name, data] of Object.entries(cases)) {
      it(name, () => {
        expect(laneUniformity(data).p).to.be.below(UNIFORMITY_P_MIN)
      })
    }
  })
})
