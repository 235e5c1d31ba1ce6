import { expect } from 'chai'
import { AggregationError } from '../../aggregation/errors.ts'
import {
  type FactorCounters,
  fedadam,
  fedavg,
  type ServerOptimizer,
  serverOptimizerOf,
  zeroCounters
} from '../../aggregation/server-optimizer.ts'

/** Steps one coordinate by each mean in turn and gives the adapter after each. */
function trace(optimizer: ServerOptimizer, start: number, means: readonly number[]): number[] {
  const vectors = {
    adapter: Float32Array.of(start),
    moment1: new Float32Array(1),
    moment2: new Float32Array(1)
  }
  let counters: FactorCounters = zeroCounters
  return means.map(mean => {
    counters = optimizer.advance(counters)
    optimizer.step(vectors, { offset: 0, length: 1 }, Float64Array.of(mean), counters)
    return vectors.adapter[0]!
  })
}

describe('server optimizers', () => {
  it('fedavg with learning rate 1 lands on the mean of the peers', () => {
    expect(trace(fedavg(), 0.5, [0.25, -1])).to.deep.equal([0.75, -0.25])
    expect(trace(fedavg({ learningRate: 0.5 }), 0, [2, 2])).to.deep.equal([1, 2])
  })

  it('fedadam, Reddi et al. 2021, algorithm 2, by hand for two steps', () => {
    const [tau, rate] = [0.5, 0.1]
    const optimizer = fedadam({ learningRate: rate, beta1: 0.5, beta2: 0.75, tau })
    // m = 0.5 * 2 = 1; v = 0.75 * 0.25 + 0.25 * 4 = 1.1875
    const first = (rate * 1) / (Math.sqrt(1.1875) + tau)
    // m = 0.5 * 1 + 0.5 * 0 = 0.5; v = 0.75 * 1.1875 = 0.890625
    const second = first + (rate * 0.5) / (Math.sqrt(0.890625) + tau)
    const got = trace(optimizer, 0, [2, 0])
    expect(got[0]).to.be.closeTo(first, 1e-8)
    expect(got[1]).to.be.closeTo(second, 1e-8)
  })

  it('with bias correction the first step is the learning rate, whatever the size (Kingma and Ba 2015)', () => {
    for (const mean of [1e-2, 1, 1e6]) {
      const optimizer = fedadam({ learningRate: 0.01, tau: 1e-12, biasCorrection: true })
      expect(trace(optimizer, 0, [mean])[0]).to.be.closeTo(0.01, 1e-8)
      expect(trace(optimizer, 0, [-mean])[0]).to.be.closeTo(-0.01, 1e-8)
    }
  })

  it('keeps powers by repeated multiplication', () => {
    const optimizer = fedadam({ learningRate: 1 })
    let counters = zeroCounters
    let power = 1
    for (let i = 0; i < 50; i++) {
      counters = optimizer.advance(counters)
      power *= 0.9
    }
    expect(counters).to.include({ steps: 50, beta1Power: power })
    expect(fedavg().advance(zeroCounters)).to.deep.equal({ steps: 1, beta1Power: 1, beta2Power: 1 })
  })

  it('changes its span and nothing else', () => {
    const vectors = {
      adapter: Float32Array.of(1, 2, 3, 4),
      moment1: new Float32Array(4),
      moment2: new Float32Array(4)
    }
    const optimizer = fedadam({ learningRate: 1 })
    optimizer.step(vectors, { offset: 1, length: 2 }, Float64Array.of(1, 1), optimizer.advance(zeroCounters))
    expect(vectors.adapter[0]).to.equal(1)
    expect(vectors.adapter[3]).to.equal(4)
    expect(vectors.adapter[1]).to.not.equal(2)
    expect(vectors.moment1[0]).to.equal(0)
    expect(vectors.moment2[3]).to.equal(0)
    expect(vectors.moment1[2]).to.not.equal(0)
  })

  it('makes minus zero zero, in the adapter and in the moments', () => {
    for (const optimizer of [fedavg(), fedadam({ learningRate: 1 })]) {
      const vectors = {
        adapter: Float32Array.of(-0),
        moment1: Float32Array.of(optimizer.name === 'fedadam' ? -0 : 0),
        moment2: Float32Array.of(0)
      }
      optimizer.step(vectors, { offset: 0, length: 1 }, Float64Array.of(-0), optimizer.advance(zeroCounters))
      expect(Object.is(vectors.adapter[0], 0)).to.equal(true)
      expect(Object.is(vectors.moment1[0], 0)).to.equal(true)
    }
  })

  it('refuses what is not finite, naming the coordinate of the adapter, overflow included', () => {
    for (const optimizer of [fedavg(), fedadam({ learningRate: 1 })]) {
      for (const bad of [Number.NaN, Infinity, 1e300]) {
        const vectors = {
          adapter: new Float32Array(4),
          moment1: new Float32Array(4),
          moment2: new Float32Array(4)
        }
        const step = () =>
          optimizer.step(
            vectors,
            { offset: 2, length: 2 },
            Float64Array.of(0, bad),
            optimizer.advance(zeroCounters)
          )
        expect(step)
          .to.throw(AggregationError)
          .that.deep.includes({ code: 'NON_FINITE', data: { coordinate: 3 } })
      }
    }
  })

  it('refuses a mean of another length, and settings outside their range', () => {
    const vectors = {
      adapter: new Float32Array(2),
      moment1: new Float32Array(2),
      moment2: new Float32Array(2)
    }
    for (const optimizer of [fedavg(), fedadam({ learningRate: 1 })]) {
      expect(() =>
        optimizer.step(vectors, { offset: 0, length: 2 }, new Float64Array(1), zeroCounters)
      ).to.throw(AggregationError, 'LENGTH_MISMATCH')
    }
    const bad = (run: () => unknown) => expect(run).to.throw(AggregationError, 'BAD_SETTING')
    for (const learningRate of [0, -1, Number.NaN, Infinity]) {
      bad(() => fedavg({ learningRate }))
      bad(() => fedadam({ learningRate }))
    }
    bad(() => fedadam({ learningRate: 1, beta1: 1 }))
    bad(() => fedadam({ learningRate: 1, beta2: -0.1 }))
    bad(() => fedadam({ learningRate: 1, tau: 0 }))
  })

  it('are made from what a manifest says', () => {
    expect(serverOptimizerOf({ name: 'fedavg', learningRate: 1 }).name).to.equal('fedavg')
    expect(serverOptimizerOf({ name: 'fedadam', learningRate: 0.01 }).name).to.equal('fedadam')
  })
})
