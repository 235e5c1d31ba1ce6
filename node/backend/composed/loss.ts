import type { Backend } from '../backend.ts'
import { ignoredTarget } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { TfjsDevice } from './tfjs-device.ts'

export function lossKernels(device: TfjsDevice): Pick<Backend, 'crossEntropy'> {
  const { tf } = device
  return {
    crossEntropy: (logits, targets, gradientScale) =>
      device.run('crossEntropy', run => {
        const [rows, columns] = check.checkTargets('crossEntropy', logits, targets)
        const counts = Float32Array.from(targets, target => (target === ignoredTarget ? 0 : 1))
        const isWhole = counts.every(count => count === 1)
        const places = targets.map((target, row) => row * columns + Math.max(target, 0))
        const at = tf.tensor1d(places, 'int32')
        const values = run.matrix(logits)
        const targetLogits = tf.gather(tf.reshape(values, [-1]), at)
        const probabilities = tf.softmax(values)
        // log sum exp(logits - largest), from the largest probability: that one never underflows.
        const spread = tf.neg(tf.log(tf.max(probabilities, 1)))
        const each = tf.add(tf.sub(tf.max(values, 1), targetLogits), spread)
        const nats = isWhole ? each : tf.mul(each, counts)
        if (gradientScale !== null) {
          const scales = counts.map(count => count * gradientScale)
          const scaled = tf.mul(
            probabilities,
            isWhole ? device.scalar(gradientScale) : tf.tensor2d(scales, [rows, 1])
          )
          // As large as the logits: the next operation needs the room.
          probabilities.dispose()
          const flat = tf.reshape(scaled, [-1])
          const lowered = tf.sub(tf.gather(flat, at), scales)
          run.replace(logits, tf.tensorScatterUpdate(flat, tf.reshape(at, [rows, 1]), lowered))
        }
        return run.output(nats)
      })
  }
}
