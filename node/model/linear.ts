import * as tf from '@tensorflow/tfjs'
import { customOp } from '../backend/custom-op.ts'

/** A frozen weight in both orientations: a transpose flag would leave the wasm backend's fast matrix product. */
export interface FrozenWeight {
  /** [out, in] */
  readonly weight: tf.Tensor2D
  /** [in, out] */
  readonly transposed: tf.Tensor2D
}

/** Low-rank factors added to a frozen weight: effective weight = weight + scale * b a. */
export interface LowRankFactors {
  /** [rank, in] */
  readonly a: tf.Tensor2D
  /** [out, rank] */
  readonly b: tf.Tensor2D
  readonly scale: number
  /** Which factors get a gradient. */
  readonly trains: { readonly a: boolean; readonly b: boolean }
}

/** Takes over `weight`: it is disposed with the result. */
export function frozenWeight(weight: tf.Tensor2D): FrozenWeight {
  return { weight: tf.keep(weight), transposed: tf.keep(tf.transpose(weight)) }
}

export function disposeFrozenWeight(frozen: FrozenWeight): void {
  frozen.weight.dispose()
  frozen.transposed.dispose()
}

/** leftᵀ right for left [n, p], right [n, q], n much larger than both: the narrower one is transposed. -> [p, q] */
function transposedProduct(left: tf.Tensor2D, right: tf.Tensor2D): tf.Tensor2D {
  return left.shape[1] <= right.shape[1]
    ? tf.matMul(tf.transpose(left), right)
    : tf.transpose(tf.matMul(tf.transpose(right), left))
}

/** y = x Wᵀ with W frozen: [n, in] -> [n, out]. W is closed over, so that no gradient of it is computed. */
export function frozenLinear(x: tf.Tensor2D, { weight, transposed }: FrozenWeight): tf.Tensor2D {
  return customOp([x], () => ({
    value: tf.matMul(x, transposed),
    saved: [],
    gradients: dy => [tf.matMul(dy, weight)]
  }))
}

/** y = x Wᵀ with W [out, in] trained: [n, in] -> [n, out]. */
export function trainedLinear(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  return customOp([x, weight], () => ({
    value: tf.matMul(x, tf.transpose(weight)),
    saved: [x, weight],
    gradients: (dy, saved) => {
      const [x, weight] = saved as [tf.Tensor2D, tf.Tensor2D]
      return [tf.matMul(dy, weight), transposedProduct(dy, x)]
    }
  }))
}

/**
 * y = x (W + scale b a)ᵀ with W frozen: [n, in] -> [n, out].
 * The factors are merged into the weight first: that costs 2 out in rank, against 2 n (in + out) rank for the branch
 * beside it, and leaves one product each way. LoRA: Hu et al. 2021, arXiv:2106.09685.
 */
export function adaptedLinear(x: tf.Tensor2D, frozen: FrozenWeight, factors: LowRankFactors): tf.Tensor2D {
  const { a, b, scale, trains } = factors
  return customOp([x, ...(trains.a ? [a] : []), ...(trains.b ? [b] : [])], () => {
    const merged = tf.add(frozen.weight, tf.mul(tf.matMul(b, a), scale)) as tf.Tensor2D
    return {
      value: tf.matMul(x, tf.transpose(merged)),
      saved: [x, merged],
      gradients: (dy, saved) => {
        const [x, merged] = saved as [tf.Tensor2D, tf.Tensor2D]
        const gradients: tf.Tensor2D[] = [tf.matMul(dy, merged)]
        // d(scale b a) = dyᵀ x; its products with b and a are taken from the narrow side.
        if (trains.a) gradients.push(tf.mul(transposedProduct(tf.matMul(dy, b), x), scale))
        if (trains.b) gradients.push(tf.mul(transposedProduct(dy, tf.matMul(x, tf.transpose(a))), scale))
        return gradients
      }
    }
  })
}
