import type { Tensor, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'
import type { AttentionShape } from '../backend.ts'
import type { Tfjs } from './tfjs-device.ts'

// Activations, with the heads of a position side by side, as stacks of matrices for batched products: one matrix per
// sequence and head of keys. The queries that share keys lie in one matrix, group * time rows, so that keys are not
// repeated.

type Stacked = [matrices: number, rows: number, headSize: number]

/** Keys or values of a past. */
export interface PastPart {
  readonly tensor: Tensor
  readonly length: number
  readonly shared: boolean
}

/** [batch * time, headCount * headSize] -> [batch * keyValueHeadCount, group * time, headSize]. */
export function foldQueries(tf: Tfjs, x: Tensor, shape: AttentionShape): Tensor3D {
  const { batch, time, headCount, keyValueHeadCount, headSize } = shape
  const stacked: Stacked = [batch * keyValueHeadCount, (headCount / keyValueHeadCount) * time, headSize]
  return tf.reshape(tf.transpose(tf.reshape(x, [batch, time, headCount, headSize]), [0, 2, 1, 3]), stacked)
}

/** The inverse of `foldQueries`. */
export function unfoldQueries(tf: Tfjs, x: Tensor, shape: AttentionShape): Tensor {
  const { batch, time, headCount, headSize } = shape
  const rows = [batch * time, headCount * headSize]
  return tf.reshape(tf.transpose(tf.reshape(x, [batch, headCount, time, headSize]), [0, 2, 1, 3]), rows)
}

/** [batch * time, keyValueHeadCount * headSize] -> [batch * keyValueHeadCount, past + time, headSize]. */
export function foldKeys(tf: Tfjs, x: Tensor, shape: AttentionShape, past: PastPart | null): Tensor3D {
  const { batch, time, keyValueHeadCount, headSize } = shape
  let apart = tf.reshape(x, [batch, time, keyValueHeadCount, headSize]) as Tensor4D
  if (past !== null) {
    const before = tf.reshape(past.tensor, [-1, past.length, keyValueHeadCount, headSize]) as Tensor4D
    apart = tf.concat([past.shared && batch > 1 ? tf.tile(before, [batch, 1, 1, 1]) : before, apart], 1)
  }
  const stacked: Stacked = [batch * keyValueHeadCount, (past?.length ?? 0) + time, headSize]
  return tf.reshape(tf.transpose(apart, [0, 2, 1, 3]), stacked)
}

/** The inverse of `foldKeys`: the past's part is summed over the batch if shared, and left out if not. */
export function unfoldKeys(
  tf: Tfjs,
  x: Tensor,
  shape: AttentionShape,
  past: Omit<PastPart, 'tensor'> | null
): { present: Tensor; past: Tensor | null } {
  const { batch, time, keyValueHeadCount, headSize } = shape
  const length = past?.length ?? 0
  const width = keyValueHeadCount * headSize
  const stacked = tf.reshape(x, [batch, keyValueHeadCount, length + time, headSize])
  const apart = tf.transpose(stacked, [0, 2, 1, 3])
  if (past === null) return { present: tf.reshape(apart, [batch * time, width]), past: null }
  const [before, present] = tf.split(apart, [length, time], 1)
  return {
    present: tf.reshape(present!, [batch * time, width]),
    past: past.shared ? tf.reshape(tf.sum(before!, 0), [length, width]) : null
  }
}
