import type { Tensor3D, Tensor as TfjsTensor } from '@tensorflow/tfjs-core'
import type { AttentionShape, Backend, Past, Tensor } from '../backend.ts'
import * as check from '../shape-checks.ts'
import type { CausalMasks } from './causal-masks.ts'
import { foldKeys, foldQueries, unfoldKeys, unfoldQueries } from './folded-heads.ts'
import type { KernelRun, TfjsDevice } from './tfjs-device.ts'

type AttentionKernels = Pick<Backend, 'attention' | 'attentionGradient'>

export function attentionKernels(device: TfjsDevice, masks: CausalMasks): AttentionKernels {
  const { tf } = device

  const folded = (run: KernelRun, q: Tensor, k: Tensor, v: Tensor, shape: AttentionShape, past?: Past) => {
    const part = (tensor: Tensor | undefined) =>
      tensor && past ? { tensor: run.input(tensor), length: past.length, shared: past.shared } : null
    return {
      queries: foldQueries(tf, tf.mul(run.input(q), shape.scale), shape),
      keys: foldKeys(tf, run.input(k), shape, part(past?.keys)),
      values: foldKeys(tf, run.input(v), shape, part(past?.values))
    }
  }

  return {
    attention: (q, k, v, shape, past) =>
      device.run('attention', run => {
        check.checkAttention('attention', q, k, v, shape, past)
        const { queries, keys, values } = folded(run, q, k, v, shape, past)
        const scores = tf.matMul(queries, keys, false, true)
        const mask = masks.get(shape, past?.length ?? 0)
        const weights = tf.softmax(mask === null ? scores : tf.add<Tensor3D>(scores, mask))
        const y = unfoldQueries(tf, tf.matMul(weights, values), shape)
        return { y: run.output(y), saved: [run.output(weights)] }
      }),

    // With P the weights and y = P V: dV = Pᵀ dy, dS = P (dy Vᵀ - rowsum(P dP)), dQ = scale dS K, dK = scale dSᵀ Q.
    // rowsum(P dP) is rowsum(y dy), of a narrower matrix: Dao et al. 2022, arXiv:2205.14135, appendix B.
    attentionGradient: (dy, q, k, v, y, saved, shape, past) =>
      device.run('attentionGradient', run => {
        check.checkAttention('attentionGradient', q, k, v, shape, past)
        check.checkSame('attentionGradient', q, dy, y)
        const { queries, keys, values } = folded(run, q, k, v, shape, past)
        const weights = run.input(saved[0]!) as Tensor3D
        const slope = foldQueries(tf, run.input(dy), shape)
        const mean = tf.sum(tf.mul(slope, foldQueries(tf, run.input(y), shape)), 2, true)
        const dScores = tf.mul<Tensor3D>(weights, tf.sub(tf.matMul(slope, values, false, true), mean))
        const dQueries = unfoldQueries(tf, tf.matMul(dScores, keys), shape)
        const dKeys = unfoldKeys(tf, tf.matMul(dScores, queries, true), shape, past ?? null)
        const dValues = unfoldKeys(tf, tf.matMul(weights, slope, true), shape, past ?? null)
        const output = (tensor: TfjsTensor) => run.output(tensor)
        return {
          q: output(tf.mul(dQueries, shape.scale)),
          k: output(dKeys.present),
          v: output(dValues.present),
          past: dKeys.past && dValues.past && { keys: output(dKeys.past), values: output(dValues.past) }
        }
      })
  }
}
