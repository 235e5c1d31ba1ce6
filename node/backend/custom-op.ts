import * as tf from '@tensorflow/tfjs'

/** What an operation computes forward, and its closed-form gradient. */
export interface OpResult<Y extends tf.Tensor> {
  readonly value: Y
  /** Kept for `gradients`; everything else that the operation made is freed at once. */
  readonly saved: readonly tf.Tensor[]
  /** d loss / d y -> one gradient per input, in order. */
  gradients(dy: Y, saved: tf.Tensor[]): tf.Tensor[]
}

/**
 * An operation with a closed-form gradient. Only `inputs` get gradients: what the operation merely closes over (frozen
 * weights) costs no backward work, which passing it as an input would.
 */
export function customOp<Y extends tf.Tensor>(inputs: readonly tf.Tensor[], forward: () => OpResult<Y>): Y {
  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc
    const { value, saved, gradients } = forward()
    save([...saved])
    return { value: value as tf.Tensor, gradFunc: (dy, kept) => gradients(dy as Y, kept) }
  })
  return op(...inputs) as Y
}
