import { expect } from 'chai'
import fc from 'fast-check'
import { AdamW, adamWDefaults, clipGradient } from '../../../node/train/optimizer.ts'

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
