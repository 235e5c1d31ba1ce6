import type * as tf from '@tensorflow/tfjs'
import { customOp } from '../backend/custom-op.ts'
import { hostTensor } from '../backend/host-kernel.ts'

/**
 * Rows of a table [vocabulary, width] for token ids: -> [ids.length, width].
 * The gradient is scattered in JavaScript: the wasm backend has no UnsortedSegmentSum.
 * @param trained - whether the table gets a gradient
 */
export function embed(table: tf.Tensor2D, ids: Int32Array, trained: boolean): tf.Tensor2D {
  const width = table.shape[1]
  const gather = (table: tf.Tensor2D) =>
    hostTensor<tf.Tensor2D>([table], [ids.length, width], ([table], rows) => {
      for (let i = 0; i < ids.length; i++)
        rows.set(table!.subarray(ids[i]! * width, (ids[i]! + 1) * width), i * width)
    })
  if (!trained) return gather(table)
  return customOp([table], () => ({
    value: gather(table),
    saved: [],
    gradients: dy => [
      hostTensor([dy], table.shape, ([dy], dTable) => {
        dTable.fill(0)
        for (let i = 0, from = 0; i < ids.length; i++) {
          const to = ids[i]! * width
          for (let j = 0; j < width; j++, from++) dTable[to + j]! += dy![from]!
        }
      })
    ]
  }))
}
