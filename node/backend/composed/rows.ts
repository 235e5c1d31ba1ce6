import type { Tensor2D, Tensor as TfjsTensor } from '@tensorflow/tfjs-core'
import type { Backend, Tensor } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { Tfjs, TfjsDevice } from './tfjs-device.ts'

type RowKernels = Pick<Backend, 'gather' | 'gatherGradient' | 'splitColumns' | 'joinColumns' | 'joinRows'>

/** Taking rows and columns apart and together. */
export function rowKernels(device: TfjsDevice): RowKernels {
  const { tf } = device
  const join = (kernel: string, parts: readonly Tensor[], axis: 0 | 1) =>
    device.run(kernel, run => {
      check.checkJoined(kernel, parts, axis)
      return run.output(
        tf.concat(
          parts.map(part => run.matrix(part)),
          axis
        )
      )
    })
  return {
    gather: (table, indices) =>
      device.run('gather', run => {
        const [rows] = check.matrixShape('gather', table)
        check.checkIndices('gather', indices, rows)
        return run.output(tf.gather(run.input(table), tf.tensor1d(indices.slice(), 'int32')))
      }),

    gatherGradient: (dy, indices, rows) =>
      device.run('gatherGradient', run => {
        const [count] = check.matrixShape('gatherGradient', dy)
        if (count !== indices.length) throw check.misfit('gatherGradient', dy, { shape: [indices.length] })
        check.checkIndices('gatherGradient', indices, rows)
        return run.output(scatterSums(tf, run.matrix(dy), indices, rows))
      }),

    splitColumns: (x, widths) =>
      device.run('splitColumns', run => {
        const [, columns] = check.matrixShape('splitColumns', x)
        if (widths.reduce((sum, width) => sum + width, 0) !== columns)
          throw check.misfit('splitColumns', x, { shape: widths })
        return tf.split(run.input(x), [...widths], 1).map(part => run.output(part))
      }),

    joinColumns: parts => join('joinColumns', parts, 1),
    joinRows: parts => join('joinRows', parts, 0)
  }
}

/**
 * Rows of x added up by index. The sums are a product with a matrix of zeros and ones, because backends scatter rows of
 * one index in whatever order (a card would give other bits each time) and one lacks tfjs's `unsortedSegmentSum`.
 */
function scatterSums(tf: Tfjs, x: Tensor2D, indices: Int32Array, rows: number): TfjsTensor {
  const distinct = [...new Set(indices)]
  const placeOf = new Map(distinct.map((index, place) => [index, place]))
  const belongs = new Float32Array(distinct.length * indices.length)
  for (const [i, index] of indices.entries()) belongs[placeOf.get(index)! * indices.length + i] = 1
  const sums = tf.matMul(tf.tensor2d(belongs, [distinct.length, indices.length]), x)
  return tf.scatterND(tf.tensor2d(distinct, [distinct.length, 1], 'int32'), sums, [rows, x.shape[1]])
}
