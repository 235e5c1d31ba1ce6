import * as tf from '@tensorflow/tfjs'
import { customOp } from '../backend/custom-op.ts'
import { hostTensor } from '../backend/host-kernel.ts'

/**
 * Gated unit: y = gate * sigmoid(gate) * up, with gate and up side by side: [n, 2 width] -> [n, width].
 * Source: Shazeer 2020, arXiv:2002.05202 (SwiGLU).
 */
export function swiglu(gateUp: tf.Tensor2D): tf.Tensor2D {
  const [rows, twice] = gateUp.shape
  const width = twice / 2
  return customOp([gateUp], () => {
    // Cut by our own kernel: tfjs's `slice` on wasm first copies the whole input.
    const gate = hostTensor([gateUp], [rows, width], ([gateUp], gate) => {
      for (let row = 0; row < rows; row++)
        gate.set(gateUp!.subarray(row * twice, row * twice + width), row * width)
    })
    const sigmoid = tf.sigmoid(gate)
    const value = hostTensor<tf.Tensor2D>([gateUp, sigmoid], [rows, width], ([gateUp, sigmoid], y) => {
      for (let row = 0, at = 0; row < rows; row++) {
        for (let gate = row * twice, up = gate + width, end = up; gate < end; gate++, up++, at++) {
          y[at] = gateUp![gate]! * sigmoid![at]! * gateUp![up]!
        }
      }
    })
    return { value, saved: [gateUp, sigmoid], gradients: (dy, saved) => [gradient(dy, saved[0]!, saved[1]!)] }
  })
}

function gradient(dy: tf.Tensor, gateUp: tf.Tensor, sigmoid: tf.Tensor): tf.Tensor {
  const [rows, width] = dy.shape as [number, number]
  return hostTensor([dy, gateUp, sigmoid], gateUp.shape, ([dy, gateUp, sigmoid], dGateUp) => {
    for (let row = 0, at = 0; row < rows; row++) {
      for (let gate = row * 2 * width, up = gate + width, end = up; gate < end; gate++, up++, at++) {
        const s = sigmoid![at]!
        const g = gateUp![gate]!
        const d = dy![at]!
        dGateUp[gate] = d * gateUp![up]! * s * (1 + g * (1 - s))
        dGateUp[up] = d * g * s
      }
    }
  })
}
