import type { Tensor2D } from '@tensorflow/tfjs-core'
import type { Backend } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { TfjsDevice } from './tfjs-device.ts'

type NormKernels = Pick<
  Backend,
  | 'rmsNorm'
  | 'rmsNormGradient'
  | 'rmsNormGainGradient'
  | 'layerNorm'
  | 'layerNormGradient'
  | 'layerNormGainGradient'
>

export function normKernels(device: TfjsDevice): NormKernels {
  const { tf } = device
  return {
    rmsNorm: (x, gain, epsilon) =>
      device.run('rmsNorm', run => {
        const values = run.shaped(x, check.checkRuns('rmsNorm', x, gain)) as Tensor2D
        const inverse = inverseRms(device, values, epsilon)
        const y = tf.mul(tf.mul(values, inverse), run.vector(gain))
        return { y: run.output(y, x.shape), inverse: run.outputColumn(inverse) }
      }),

    // With g = dy gain: inverse (g - x inverse² mean(g x)).
    rmsNormGradient: (dy, x, gain, inverse) =>
      device.run('rmsNormGradient', run => {
        check.checkSame('rmsNormGradient', dy, x)
        const runs = check.checkRuns('rmsNormGradient', x, gain)
        check.checkRows('rmsNormGradient', { shape: runs }, inverse)
        const [values, scale] = [run.shaped(x, runs), run.column(inverse)]
        const slope = tf.mul(run.shaped(dy, runs), run.vector(gain))
        const pull = tf.mul(tf.mean(tf.mul(slope, values), 1, true), tf.square(scale))
        return run.output(tf.mul(tf.sub(slope, tf.mul(values, pull)), scale), x.shape)
      }),

    rmsNormGainGradient: (dy, x, inverse) =>
      device.run('rmsNormGainGradient', run => {
        check.checkSame('rmsNormGainGradient', dy, x)
        const runs = check.checkRunsOf('rmsNormGainGradient', x, inverse)
        const normed = tf.mul(run.shaped(x, runs), run.column(inverse))
        return run.output(tf.sum(tf.mul(normed, run.shaped(dy, runs)), 0))
      }),

    layerNorm: (x, gain, bias, epsilon) =>
      device.run('layerNorm', run => {
        check.checkColumns('layerNorm', x, gain, bias)
        const mean = tf.mean(run.matrix(x), 1, true)
        const centred = tf.sub<Tensor2D>(run.matrix(x), mean)
        const inverse = inverseRms(device, centred, epsilon)
        const y = tf.add(tf.mul(tf.mul(centred, inverse), run.vector(gain)), run.vector(bias))
        return { y: run.output(y), mean: run.outputColumn(mean), inverse: run.outputColumn(inverse) }
      }),

    // With n = (x - mean) inverse and g = dy gain: inverse (g - mean(g) - n mean(g n)).
    layerNormGradient: (dy, x, gain, mean, inverse) =>
      device.run('layerNormGradient', run => {
        check.checkSame('layerNormGradient', dy, x)
        check.checkColumns('layerNormGradient', x, gain)
        check.checkRows('layerNormGradient', x, mean, inverse)
        const scale = run.column(inverse)
        const slope = tf.mul(run.matrix(dy), run.vector(gain))
        const normed = tf.mul(tf.sub(run.matrix(x), run.column(mean)), scale)
        const pull = tf.mul(normed, tf.mean(tf.mul(slope, normed), 1, true))
        return run.output(tf.mul(tf.sub(tf.sub(slope, tf.mean(slope, 1, true)), pull), scale))
      }),

    layerNormGainGradient: (dy, x, mean, inverse) =>
      device.run('layerNormGainGradient', run => {
        check.checkSame('layerNormGainGradient', dy, x)
        check.checkRows('layerNormGainGradient', x, mean, inverse)
        const normed = tf.mul(tf.sub(run.matrix(x), run.column(mean)), run.column(inverse))
        return run.output(tf.sum(tf.mul(normed, run.matrix(dy)), 0))
      })
  }
}

/** 1 / sqrt(mean(x²) + epsilon) by rows, [rows, 1]. */
function inverseRms(device: TfjsDevice, x: Tensor2D, epsilon: number): Tensor2D {
  const { tf } = device
  return tf.rsqrt(tf.add(tf.mean(tf.square(x), 1, true), device.scalar(epsilon)))
}
