import * as tf from '@tensorflow/tfjs'
import { hostKernel } from './host-kernel.ts'

/**
 * Products of pairs of matrices: [n, rows, inner] x [n, inner, columns] -> [n, rows, columns].
 * The wasm backend's fast product (XNNPACK) takes only single matrices without transpose flags, so it is called per pair.
 * The pairs are cut and joined by our own kernels: tfjs's `unstack` on wasm copies the whole stack for each piece.
 */
export function batchedMatMul(a: tf.Tensor3D, b: tf.Tensor3D): tf.Tensor3D {
  if (tf.getBackend() !== 'wasm') return tf.matMul(a, b)
  return tf.tidy(() => {
    const lefts = pieces(a)
    const rights = pieces(b)
    const products = lefts.map((left, i) => tf.matMul(left, rights[i]!))
    const [count, rows, columns] = [a.shape[0], a.shape[1], b.shape[2]]
    const shape = [count, rows, columns]
    return hostKernel(products, [shape], (products, [joined]) => {
      for (const [i, product] of products.entries()) joined!.set(product, i * rows * columns)
    })[0] as tf.Tensor3D
  })
}

function pieces(stack: tf.Tensor3D): tf.Tensor2D[] {
  const [count, rows, columns] = stack.shape
  const shapes = Array.from({ length: count }, () => [rows, columns])
  return hostKernel([stack], shapes, ([stack], pieces) => {
    for (const [i, piece] of pieces.entries())
      piece.set(stack!.subarray(i * rows * columns, (i + 1) * rows * columns))
  }) as tf.Tensor2D[]
}
