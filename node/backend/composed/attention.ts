import type { Tensor3D } from '@tensorflow/tfjs-core'
import type { Backend, Tensor } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { CausalMasks } from './causal-masks.ts'
import { foldKeys, foldQueries, unfoldKeys, unfoldQueries } from './folded-heads.ts'
import type { TfjsDevice } from './tfjs-device.ts'

type AttentionKernels = Pick<Backend, 'attention' | 'attentionGradient'>

export function attentionKernels(device: TfjsDevice, masks: CausalMasks): AttentionKernels {
  const { tf } = device

  return {
    attention: (q, k, v, shape, past) =>
      device.run('attention', run => {
        check.checkAttention('attention', q, k, v, shape, past)
        const part = (tensor: Tensor | undefined) =>
          tensor && past ? { tensor: run.input(tensor), length: past.length, shared: past.shared } : null
        const queries = foldQueries(tf, run.input(q), shape)
        // Scaled here: keys are fewer than queries or scores.
        const keys = tf.mul(foldKeys(tf, run.input(k), shape, part(past?.keys)), device.scalar(shape.scale))
        const values = foldKeys(tf, run.input(v), shape, part(past?.values))
        const scores = tf.matMul(queries, keys as Tensor3D, false, true)
        const mask = masks.get(shape, past?.length ?? 0)
        const weights = tf.softmax(mask === null ? scores : tf.add<Tensor3D>(scores, mask))
        const folded = tf.matMul(weights, values)
        const saved = [weights, queries, keys, values, folded].map(tensor => run.output(tensor))
        return { y: run.output(unfoldQueries(tf, folded, shape)), saved }
      }),

    // With P the weights and y = P V: dV = Pᵀ dy, dS = P (dy Vᵀ - rowsum(P dP)), dQ = scale dS K, dK = scale dSᵀ Q.
    // rowsum(P dP) is rowsum(y dy), of a narrower matrix: Dao et al. 2022, arXiv:2205.14135, appendix B.
    attentionGradient: (dy, q, k, v, y, saved, shape, past) =>
      device.run('attentionGradient', run => {
        check.checkAttention('attentionGradient', q, k, v, shape, past)
        check.checkSame('attentionGradient', q, dy, y)
        for (const input of [q, k, v, y]) run.input(input)
        const [weights, queries, keys, values, folded] = saved.map(tensor => run.input(tensor) as Tensor3D)
        const slope = foldQueries(tf, run.input(dy), shape)
        const mean = tf.sum(tf.mul(slope, folded!), 2, true)
        const dScores = tf.mul<Tensor3D>(weights!, tf.sub(tf.matMul(slope, values!, false, true), mean))
        const dScaled = tf.mul(tf.matMul(dScores, queries!, true), device.scalar(shape.scale))
        const dQueries = unfoldQueries(tf, tf.matMul(dScores, keys!), shape)
        const dKeys = unfoldKeys(tf, dScaled, shape, past ?? null)
        const dValues = unfoldKeys(tf, tf.matMul(weights!, slope, true), shape, past ?? null)
        return {
          q: run.output(dQueries),
          k: run.output(dKeys.present),
          v: run.output(dValues.present),
          past: dKeys.past &&
            dValues.past && { keys: run.output(dKeys.past), values: run.output(dValues.past) }
        }
      })
  }
}
