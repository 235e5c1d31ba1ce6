import * as tf from '@tensorflow/tfjs'
import { batchedMatMul } from '../backend/batched-matmul.ts'
import { customOp } from '../backend/custom-op.ts'
import { hostKernel, hostTensor } from '../backend/host-kernel.ts'
import { type HeadBlock, mergeHeads, splitHeads } from './heads.ts'
import type { RotaryTable } from './rope.ts'

export interface AttentionShape {
  readonly batch: number
  readonly time: number
  readonly headCount: number
  readonly keyValueHeadCount: number
  readonly headSize: number
  /** At least `time` positions. */
  readonly rotary: RotaryTable
  /** Additive causal mask [headCount / keyValueHeadCount * time, time]: 0 where a row may look, very negative where not. */
  readonly mask: tf.Tensor2D
}

/** The mask of `AttentionShape`: rows are (head of the group, t). */
export function causalMask(time: number, headsPerGroup: number): tf.Tensor2D {
  const mask = new Float32Array(headsPerGroup * time * time)
  for (let row = 0; row < headsPerGroup * time; row++)
    mask.fill(-1e9, row * time + (row % time) + 1, (row + 1) * time)
  return tf.tensor2d(mask, [headsPerGroup * time, time])
}

/**
 * Causal attention with rotary positions and shared key and value heads:
 * [batch * time, (headCount + 2 keyValueHeadCount) headSize] -> [batch * time, headCount headSize].
 * The query heads of one group are stacked into one matrix, so one product per (batch, group) serves them all.
 * Sources: Vaswani et al. 2017, arXiv:1706.03762; grouped queries: Ainslie et al. 2023, arXiv:2305.13245.
 */
export function attention(qkv: tf.Tensor2D, shape: AttentionShape): tf.Tensor2D {
  const blocks = headBlocks(shape)
  return customOp([qkv], () => {
    const [queries, keysT, values] = splitForward(qkv, shape, blocks)
    const weights = tf.softmax(tf.add(batchedMatMul(queries, keysT), shape.mask)) as tf.Tensor3D
    return {
      value: concatHeads(batchedMatMul(weights, values), blocks.output),
      saved: [qkv, weights],
      gradients: (dy, saved) => [
        gradient(dy, saved[0] as tf.Tensor2D, saved[1] as tf.Tensor3D, shape, blocks)
      ]
    }
  })
}

interface HeadBlocks {
  readonly query: HeadBlock
  readonly key: HeadBlock
  readonly value: HeadBlock
  readonly output: HeadBlock
}

function headBlocks({
  batch,
  time,
  headCount,
  keyValueHeadCount,
  headSize,
  rotary
}: AttentionShape): HeadBlocks {
  const width = (headCount + 2 * keyValueHeadCount) * headSize
  const shared = { batch, time, groups: keyValueHeadCount, headSize }
  const headsPerGroup = headCount / keyValueHeadCount
  const keyColumn = headCount * headSize
  const valueColumn = keyColumn + keyValueHeadCount * headSize
  return {
    query: { ...shared, width, firstColumn: 0, headsPerGroup, rotary, scale: 1 / Math.sqrt(headSize) },
    key: { ...shared, width, firstColumn: keyColumn, headsPerGroup: 1, rotary, scale: 1 },
    value: { ...shared, width, firstColumn: valueColumn, headsPerGroup: 1, rotary: null, scale: 1 },
    output: { ...shared, width: headCount * headSize, firstColumn: 0, headsPerGroup, rotary: null, scale: 1 }
  }
}

/** [queries, keys transposed, values], one matrix per (batch, group). */
function splitForward(
  qkv: tf.Tensor2D,
  shape: AttentionShape,
  blocks: HeadBlocks
): [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D] {
  const { time, headSize } = shape
  const pairs = shape.batch * shape.keyValueHeadCount
  const rows = blocks.query.headsPerGroup * time
  const shapes = [
    [pairs, rows, headSize],
    [pairs, headSize, time],
    [pairs, time, headSize]
  ]
  return hostKernel([qkv], shapes, ([qkv], [queries, keysT, values]) => {
    splitHeads(qkv!, blocks.query, queries!, null)
    splitHeads(qkv!, blocks.key, null, keysT!)
    splitHeads(qkv!, blocks.value, values!, null)
  }) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D]
}

function concatHeads(heads: tf.Tensor3D, block: HeadBlock): tf.Tensor2D {
  return hostTensor([heads], [block.batch * block.time, block.width], ([heads], out) => {
    mergeHeads(heads!, 'plain', block, out)
  })
}

/**
 * With P = softmax(Q Kᵀ + mask), O = P V and dO given: dV = Pᵀ dO, dP = dO Vᵀ, dS = P (dP - rowsum(dP P)), dQ = dS K,
 * dK = dSᵀ Q. dK and dV are computed transposed (Qᵀ dS, dOᵀ P), so that only the narrow factors are ever transposed.
 */
function gradient(
  dy: tf.Tensor2D,
  qkv: tf.Tensor2D,
  weights: tf.Tensor3D,
  shape: AttentionShape,
  blocks: HeadBlocks
): tf.Tensor2D {
  const { time, headSize } = shape
  const pairs = shape.batch * shape.keyValueHeadCount
  const rows = blocks.query.headsPerGroup * time
  const shapes = [
    [pairs, headSize, rows],
    [pairs, time, headSize],
    [pairs, headSize, time],
    [pairs, rows, headSize],
    [pairs, headSize, rows]
  ]
  const [queriesT, keys, valuesT, dHeads, dHeadsT] = hostKernel(
    [qkv, dy],
    shapes,
    ([qkv, dy], [queriesT, keys, valuesT, dHeads, dHeadsT]) => {
      splitHeads(qkv!, blocks.query, null, queriesT!)
      splitHeads(qkv!, blocks.key, keys!, null)
      splitHeads(qkv!, blocks.value, null, valuesT!)
      splitHeads(dy!, blocks.output, dHeads!, dHeadsT!)
    }
  ) as tf.Tensor3D[]
  const dValuesT = batchedMatMul(dHeadsT!, weights)
  const dWeights = batchedMatMul(dHeads!, valuesT!)
  const dScores = softmaxGradient(weights, dWeights, time)
  const dQueries = batchedMatMul(dScores, keys!)
  const dKeysT = batchedMatMul(queriesT!, dScores)
  return hostTensor([dQueries, dKeysT, dValuesT], qkv.shape, ([dQueries, dKeysT, dValuesT], dQkv) => {
    mergeHeads(dQueries!, 'plain', blocks.query, dQkv)
    mergeHeads(dKeysT!, 'transposed', blocks.key, dQkv)
    mergeHeads(dValuesT!, 'transposed', blocks.value, dQkv)
  })
}

/** Rows are (head, t): a row has weights only up to its own t. */
function softmaxGradient(weights: tf.Tensor3D, dWeights: tf.Tensor3D, time: number): tf.Tensor3D {
  return hostTensor([weights, dWeights], weights.shape, ([weights, dWeights], dScores) => {
    for (let start = 0, t = 0; start < dScores.length; start += time, t = t + 1 === time ? 0 : t + 1) {
      const end = start + t + 1
      let dot = 0
      for (let i = start; i < end; i++) dot += weights![i]! * dWeights![i]!
      for (let i = start; i < end; i++) dScores[i] = weights![i]! * (dWeights![i]! - dot)
      dScores.fill(0, end, start + time)
    }
  })
}
