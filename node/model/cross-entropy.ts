import * as tf from '@tensorflow/tfjs'
import { customOp } from '../backend/custom-op.ts'
import { hostTensor, withValues } from '../backend/host-kernel.ts'

/** Marks a position that is not predicted. */
export const ignoredTarget = -1

/**
 * Nats of each target under a row of logits: [n, vocabulary] -> n values, 0 where the target is ignored.
 * @param probabilities - softmax of `logits`
 */
function natsPerRow(logits: tf.Tensor2D, probabilities: tf.Tensor2D, targets: Int32Array): Float64Array {
  const width = logits.shape[1]
  return withValues(logits, logits =>
    withValues(probabilities, probabilities => {
      const nats = new Float64Array(targets.length)
      for (let row = 0; row < targets.length; row++) {
        const target = targets[row]!
        if (target === ignoredTarget) continue
        const at = row * width + target
        // A tiny probability has lost its digits (or is 0): go through the likeliest token instead.
        nats[row] =
          probabilities[at]! > 1e-20
            ? -Math.log(probabilities[at]!)
            : natsByMaximum(logits, probabilities, row * width, width, at)
      }
      return nats
    })
  )
}

function natsByMaximum(
  logits: Float32Array,
  probabilities: Float32Array,
  start: number,
  width: number,
  at: number
) {
  let best = start
  for (let i = start; i < start + width; i++) if (logits[i]! > logits[best]!) best = i
  return logits[best]! - logits[at]! - Math.log(probabilities[best]!)
}

/** Sum of nats over the targets that count, without gradient. Accumulated in float64. */
export function crossEntropySum(logits: tf.Tensor2D, targets: Int32Array): number {
  const probabilities = tf.softmax(logits)
  const total = sum(natsPerRow(logits, probabilities, targets))
  probabilities.dispose()
  return total
}

/**
 * Mean nats per counted target, a scalar with gradient (softmax - one hot) / counted.
 * @param logits - [n, vocabulary]
 * @param targets - n token ids, or -1 for a position that does not count; at least one counts
 */
export function crossEntropy(logits: tf.Tensor2D, targets: Int32Array): tf.Scalar {
  let counted = 0
  for (const target of targets) if (target !== ignoredTarget) counted++
  return customOp([logits], () => {
    const probabilities = tf.softmax(logits)
    return {
      value: tf.scalar(sum(natsPerRow(logits, probabilities, targets)) / counted),
      saved: [probabilities],
      gradients: (dy, saved) => {
        const weight = withValues(dy, values => values[0]!) / counted
        return [logitsGradient(saved[0] as tf.Tensor2D, targets, weight)]
      }
    }
  })
}

function logitsGradient(probabilities: tf.Tensor2D, targets: Int32Array, weight: number): tf.Tensor2D {
  const width = probabilities.shape[1]
  return hostTensor([probabilities], probabilities.shape, ([probabilities], dLogits) => {
    for (let row = 0, start = 0; row < targets.length; row++, start += width) {
      const target = targets[row]!
      if (target === ignoredTarget) dLogits.fill(0, start, start + width)
      else {
        for (let i = start; i < start + width; i++) dLogits[i] = probabilities![i]! * weight
        dLogits[start + target]! -= weight
      }
    }
  })
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}
