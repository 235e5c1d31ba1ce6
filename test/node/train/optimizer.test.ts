import { expect } from 'chai'
import fc from 'fast-check'
import { TrainError } from '../../../node/train/errors.ts'
import {
  AdamW,
  adamWDefaults,
  clipGradient,
  createOptimizer,
  type Optimizer,
  Sgd
} from '../../../node/train/optimizer.ts'
import type { OptimizerSettings } from '../../../node/train/trainer.ts'
import { randomValues } from '../../support/tiny-model.ts'

describe('AdamW (Loshchilov and Hutter 2019, algorithm 2)', () => {
  it('follows two steps computed by hand', () => {
    const optimizer = new AdamW(1, { beta1: 0.9, beta2: 0.99, epsilon: 0, weightDecay: 0.5 })
    const x = Float32Array.of(1)
    // m = 0.2, v = 0.04, corrected 2 and 4: 1 * (1 - 0.05) - 0.1 * 2 / 2
    optimizer.step(x, Float32Array.of(2), 0.1)
    expect(x[0]).to.be.closeTo(0.85, 1e-7)
    // m = 0.08, v = 0.0496, corrected 0.08 / 0.19 and 0.0496 / 0.0199: 0.85 * 0.95 - 0.1 * 0.42105 / 1.57875
    optimizer.step(x, Float32Array.of(-1), 0.1)
    expect(x[0]).to.be.closeTo(0.78083, 1e-6)
  })

  it('does not decay the elements after decayedLength', () => {
    const optimizer = new AdamW(2, { ...adamWDefaults, weightDecay: 0.5, decayedLength: 1 })
    const x = Float32Array.of(1, 1)
    optimizer.step(x, new Float32Array(2), 0.1)
    expect(Array.from(x)).to.deep.equal([Math.fround(0.95), 1])
  })

  it('moves each element by at most about the learning rate in the first step, against its gradient', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1 }), gradient => {
        const x = new Float32Array(gradient.length)
        new AdamW(x.length, adamWDefaults).step(x, gradient, 0.01)
        for (const [i, g] of gradient.entries()) {
          // Squares of larger gradients overflow float32; clipping keeps real ones far below.
          if (Math.abs(g) > 1e18) continue
          expect(Math.abs(x[i]!)).to.be.at.most(0.010001)
          expect(Math.sign(x[i]!) * Math.sign(g)).to.be.at.most(0)
        }
      })
    )
  })
})

describe('SGD with momentum (Polyak 1964, as PyTorch has it)', () => {
  it('on a constant slope goes as the sum of a geometric series', () => {
    // u after k steps is (1 - m^k) / (1 - m) g, and the way is the sum of these.
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.95, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.integer({ min: 1, max: 30 }),
        (momentum, slope, steps) => {
          const optimizer = new Sgd(1, { momentum, weightDecay: 0 })
          const x = Float32Array.of(0.5)
          for (let i = 0; i < steps; i++) optimizer.step(x, Float32Array.of(slope), 0.01)
          const way = (steps - (momentum * (1 - momentum ** steps)) / (1 - momentum)) / (1 - momentum)
          expect(x[0]).to.be.closeTo(0.5 - 0.01 * Math.fround(slope) * way, 1e-4)
        }
      )
    )
  })

  it('on a parabola without momentum shrinks by 1 - learningRate * curvature, decay included', () => {
    const optimizer = new Sgd(2, { momentum: 0, weightDecay: 0.5 })
    const x = Float32Array.of(1, -2)
    for (let i = 0; i < 10; i++) {
      optimizer.step(
        x,
        x.map(value => 3 * value),
        0.1
      )
    }
    // The gradient is 3 x, and decay adds x / 2.
    expect(x[0]).to.be.closeTo(0.65 ** 10, 1e-6)
    expect(x[1]).to.be.closeTo(-2 * 0.65 ** 10, 1e-6)
  })
})

describe('an optimizer', () => {
  const kinds: ReadonlyArray<readonly [OptimizerSettings, number]> = [
    [{ name: 'adamw', beta1: 0.8, beta2: 0.97, epsilon: 1e-6 }, 0.1],
    [{ name: 'adamw' }, 0],
    [{ name: 'sgd', momentum: 0.7 }, 0.05],
    [{ name: 'sgd' }, 0]
  ]
  for (const [settings, weightDecay] of kinds) {
    it(`goes on from another one's moments to the last bit: ${JSON.stringify(settings)}`, () => {
      const run = (optimizer: Optimizer, x: Float32Array, from: number, to: number): void => {
        for (let i = from; i < to; i++) optimizer.step(x, randomValues(x.length, i), 0.03)
      }
      const straight = createOptimizer(settings, 7, weightDecay)
      const x = randomValues(7, 100)
      run(straight, x, 0, 9)
      for (let cut = 0; cut <= 9; cut++) {
        const first = createOptimizer(settings, 7, weightDecay)
        const y = randomValues(7, 100)
        run(first, y, 0, cut)
        const second = createOptimizer(settings, 7, weightDecay)
        second.restore(first.steps, first.moments)
        run(second, y, cut, 9)
        expect(y).to.deep.equal(x)
        expect(second.moments).to.deep.equal(straight.moments)
      }
    })
  }

  it('takes no moments of another kind or size', () => {
    const sgd = createOptimizer({ name: 'sgd' }, 3, 0)
    const adamW = createOptimizer({ name: 'adamw' }, 3, 0)
    expect(() => adamW.restore(1, sgd.moments)).to.throw(RangeError, /3 values of the moment mean/)
    expect(() => sgd.restore(1, { velocity: new Float32Array(2) })).to.throw(RangeError, /velocity, got 2/)
  })

  const wrong: readonly OptimizerSettings[] = [
    { name: 'sgd', momentum: 1 },
    { name: 'sgd', momentum: -0.1 },
    { name: 'adamw', beta1: Number.NaN },
    { name: 'adamw', beta2: 1 },
    { name: 'adamw', epsilon: -1 }
  ]
  for (const settings of wrong) {
    it(`is refused with ${JSON.stringify(settings)}`, () => {
      expect(() => createOptimizer(settings, 1, 0))
        .to.throw(TrainError, /, expected /)
        .with.property('code', 'BAD_JOB')
    })
  }
})

describe('clipGradient', () => {
  it('scales a gradient that is too long to the norm, and gives the norm before', () => {
    const gradient = Float32Array.of(3, 4)
    expect(clipGradient(gradient, 1)).to.equal(5)
    expect(gradient[0]).to.be.closeTo(0.6, 1e-7)
    expect(gradient[1]).to.be.closeTo(0.8, 1e-7)
  })

  it('leaves a short one alone', () => {
    const gradient = Float32Array.of(0.3, 0.4)
    expect(clipGradient(gradient, 1)).to.be.closeTo(0.5, 1e-7)
    expect(gradient).to.deep.equal(Float32Array.of(0.3, 0.4))
  })
})
