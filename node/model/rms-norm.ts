import type * as tf from '@tensorflow/tfjs'
import { customOp } from '../backend/custom-op.ts'
import { hostKernel, hostTensor } from '../backend/host-kernel.ts'

/** 1 / root mean square of each row; `rows` values. */
function inverseRms(x: Float32Array, width: number, epsilon: number): Float64Array {
  const inverse = new Float64Array(x.length / width)
  for (let row = 0, at = 0; row < inverse.length; row++) {
    let sum = 0
    for (let i = 0; i < width; i++, at++) sum += x[at]! * x[at]!
    inverse[row] = 1 / Math.sqrt(sum / width + epsilon)
  }
  return inverse
}

function forward(x: tf.Tensor2D, gain: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  const width = x.shape[1]
  return hostTensor([x, gain], x.shape, ([x, gain], y) => {
    const inverse = inverseRms(x!, width, epsilon)
    for (let row = 0, at = 0; row < inverse.length; row++) {
      const scale = inverse[row]!
      for (let i = 0; i < width; i++, at++) y[at] = x![at]! * scale * gain![i]!
    }
  })
}

/** dx = r (g dy) - x r^3 mean(g dy x) per row, r = 1 / rms. */
function inputGradient(
  dy: tf.Tensor,
  x: tf.Tensor,
  gain: tf.Tensor,
  width: number,
  epsilon: number
): tf.Tensor {
  return hostTensor([dy, x, gain], x.shape, ([dy, x, gain], dx) => {
    const inverse = inverseRms(x!, width, epsilon)
    for (let row = 0, start = 0; row < inverse.length; row++, start += width) {
      const r = inverse[row]!
      let dot = 0
      for (let i = 0; i < width; i++) dot += dy![start + i]! * gain![i]! * x![start + i]!
      const pull = (dot / width) * r * r * r
      for (let i = 0; i < width; i++) dx[start + i] = dy![start + i]! * gain![i]! * r - x![start + i]! * pull
    }
  })
}

function gainGradient(dy: tf.Tensor, x: tf.Tensor, width: number, epsilon: number): tf.Tensor {
  return hostKernel([dy, x], [[width]], ([dy, x], [dGain]) => {
    const inverse = inverseRms(x!, width, epsilon)
    const sums = new Float64Array(width)
    for (let row = 0, at = 0; row < inverse.length; row++) {
      const r = inverse[row]!
      for (let i = 0; i < width; i++, at++) sums[i]! += dy![at]! * x![at]! * r
    }
    dGain!.set(sums)
  })[0]!
}

/**
 * Root-mean-square normalisation of rows: y = x / sqrt(mean(x^2) + epsilon) * gain, [n, width] -> [n, width].
 * Source: Zhang and Sennrich 2019, arXiv:1910.07467.
 * @param trained - whether `gain` [width] gets a gradient
 */
export function rmsNorm(x: tf.Tensor2D, gain: tf.Tensor1D, epsilon: number, trained: boolean): tf.Tensor2D {
  const width = x.shape[1]
  return customOp(trained ? [x, gain] : [x], () => ({
    value: forward(x, gain, epsilon),
    saved: [x],
    gradients: (dy, [x]) => {
      const dx = inputGradient(dy, x!, gain, width, epsilon)
      return trained ? [dx, gainGradient(dy, x!, width, epsilon)] : [dx]
    }
  }))
}
