import * as tf from '@tensorflow/tfjs'
import { expect } from 'chai'
import type { BackendName } from '../../../node/backend/stock-backend.ts'
import { batchedMatMul } from '../../../node/backend/batched-matmul.ts'
import { customOp } from '../../../node/backend/custom-op.ts'
import { hostKernel, hostTensor, withValues } from '../../../node/backend/host-kernel.ts'
import { randomValues, useBackend } from '../../support/tiny-model.ts'

for (const backend of ['wasm', 'cpu'] as BackendName[]) {
  describe(`kernels in JavaScript on ${backend}`, () => {
    useBackend(backend)

    it('read and write the tensors of the backend', () => {
      const x = tf.tensor2d([1, 2, 3, 4], [2, 2])
      const [doubled, sums] = hostKernel([x], [[2, 2], [2]], ([x], [doubled, sums]) => {
        for (let i = 0; i < 4; i++) doubled![i] = 2 * x![i]!
        for (let row = 0; row < 2; row++) sums![row] = x![2 * row]! + x![2 * row + 1]!
      })
      expect(tf.add(doubled!, x).dataSync()).to.deep.equal(Float32Array.of(3, 6, 9, 12))
      expect(sums!.dataSync()).to.deep.equal(Float32Array.of(3, 7))
      expect(withValues(sums!, values => values[1])).to.equal(7)
    })

    it('see their inputs although the heap grows under their outputs', () => {
      const x = tf.tensor1d(randomValues(1000, 1))
      // 64 MB: more than the heap begins with.
      const copy = hostTensor([x], [16_000_000], ([x], out) => out.set(x!))
      expect(tf.slice(copy, 0, 1000).dataSync()).to.deep.equal(x.dataSync())
      tf.dispose([x, copy])
    })

    it('multiply stacks of matrices pair by pair', () => {
      const a = tf.tensor3d(randomValues(2 * 3 * 4, 2), [2, 3, 4])
      const b = tf.tensor3d(randomValues(2 * 4 * 5, 3), [2, 4, 5])
      const [left, right, product] = [a.arraySync(), b.arraySync(), batchedMatMul(a, b).arraySync()]
      for (let n = 0; n < 2; n++) {
        for (let row = 0; row < 3; row++) {
          for (let column = 0; column < 5; column++) {
            const expected = [0, 1, 2, 3].reduce(
              (sum, k) => sum + left[n]![row]![k]! * right[n]![k]![column]!,
              0
            )
            expect(product[n]![row]![column]).to.be.closeTo(expected, 1e-6)
          }
        }
      }
    })

    it('give gradients to inputs only, and free what they do not save', () => {
      const before = tf.memory().numTensors
      const frozen = tf.tensor1d([5, 6])
      const cube = (x: tf.Tensor) =>
        customOp([x], () => ({
          value: tf.mul(tf.mul(tf.square(x), x), frozen),
          saved: [x],
          gradients: (dy, [x]) => [tf.mul(tf.mul(dy, tf.square(x!)), tf.mul(frozen, 3))]
        }))
      const x = tf.tensor1d([1, 2])
      const gradient = tf.grad(cube)(x)
      expect(gradient.dataSync()).to.deep.equal(Float32Array.of(15, 72))
      tf.dispose([frozen, x, gradient])
      expect(tf.memory().numTensors).to.equal(before)
    })
  })
}
