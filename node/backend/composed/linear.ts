import type { Backend } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { TfjsDevice } from './tfjs-device.ts'

type LinearKernels = Pick<Backend, 'matmul' | 'addBias' | 'columnSums' | 'add' | 'multiply' | 'accumulate'>

export function linearKernels(device: TfjsDevice): LinearKernels {
  const { tf } = device
  return {
    matmul: (a, b, options = {}) =>
      device.run('matmul', run => {
        check.matmulSizes(a, b, options)
        const { transposeA = false, transposeB = false, scale = 1, onto } = options
        const product = tf.matMul(run.matrix(a), run.matrix(b), transposeA, transposeB)
        const scaled = scale === 1 ? product : tf.mul(product, device.scalar(scale))
        if (onto === undefined) return run.output(scaled)
        run.replace(onto, tf.add(run.input(onto), scaled))
        return onto
      }),

    addBias: (x, bias) =>
      device.run('addBias', run => {
        check.checkColumns('addBias', x, bias)
        run.replace(x, tf.add(run.input(x), run.input(bias)))
      }),

    columnSums: x =>
      device.run('columnSums', run => {
        check.matrixShape('columnSums', x)
        return run.output(tf.sum(run.input(x), 0))
      }),

    add: (a, b) =>
      device.run('add', run => {
        check.checkSame('add', a, b)
        return run.output(tf.add(run.input(a), run.input(b)))
      }),

    multiply: (a, b) =>
      device.run('multiply', run => {
        check.checkSame('multiply', a, b)
        return run.output(tf.mul(run.input(a), run.input(b)))
      }),

    accumulate: (target, x, scale = 1) =>
      device.run('accumulate', run => {
        check.checkSame('accumulate', target, x)
        const scaled = scale === 1 ? run.input(x) : tf.mul(run.input(x), device.scalar(scale))
        run.replace(target, tf.add(run.input(target), scaled))
      })
  }
}
