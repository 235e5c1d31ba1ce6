import * as tf from '@tensorflow/tfjs'
import { type AttentionShape, attention, causalMask } from './attention.ts'
import type { LlamaConfig } from './model-config.ts'
import type { LinearGroup } from './model-weights.ts'
import { type RotaryTable, rotaryTable } from './rope.ts'
import { swiglu } from './swiglu.ts'

/** Sequences of equal length, one after another: ids[b * time + t]. */
export interface TokenBatch {
  readonly ids: Int32Array
  readonly batch: number
  readonly time: number
}

/** Where the decoder gets its weighted steps: from frozen weights, adapted ones, or ones in training. */
export interface DecoderWeights {
  /** -> [ids.length, hidden] */
  embed(ids: Int32Array): tf.Tensor2D
  /** [n, in] -> [n, out] */
  linear(x: tf.Tensor2D, layer: number, group: LinearGroup): tf.Tensor2D
  /** [n, hidden] -> [n, hidden]; `layer` is the layer count for the last norm. */
  norm(x: tf.Tensor2D, layer: number, which: 'attention' | 'mlp'): tf.Tensor2D
  /** [n, hidden] -> [n, vocabulary] */
  head(x: tf.Tensor2D): tf.Tensor2D
}

/** Rotary angles and masks by sequence length, made once. */
export class PositionTables {
  private readonly config: LlamaConfig
  private readonly byTime = new Map<number, { rotary: RotaryTable; mask: tf.Tensor2D }>()

  constructor(config: LlamaConfig) {
    this.config = config
  }

  attentionShape(batch: number, time: number): AttentionShape {
    const { headCount, keyValueHeadCount, headSize, ropeTheta } = this.config
    let tables = this.byTime.get(time)
    if (tables === undefined) {
      tables = {
        rotary: rotaryTable(time, headSize, ropeTheta),
        mask: tf.keep(causalMask(time, headCount / keyValueHeadCount))
      }
      this.byTime.set(time, tables)
    }
    return { batch, time, headCount, keyValueHeadCount, headSize, ...tables }
  }

  dispose(): void {
    for (const { mask } of this.byTime.values()) mask.dispose()
    this.byTime.clear()
  }
}

/**
 * A Llama-style decoder: tokens -> final hidden states, [batch * time, hidden]; `weights.head` makes logits of them.
 * Source: Touvron et al. 2023, arXiv:2302.13971; names and layout as in Hugging Face's LlamaForCausalLM.
 */
export function decode(
  config: LlamaConfig,
  weights: DecoderWeights,
  tables: PositionTables,
  tokens: TokenBatch
): tf.Tensor2D {
  const shape = tables.attentionShape(tokens.batch, tokens.time)
  let x = weights.embed(tokens.ids)
  for (let layer = 0; layer < config.layerCount; layer++) {
    const qkv = weights.linear(weights.norm(x, layer, 'attention'), layer, 'qkv')
    x = tf.add(x, weights.linear(attention(qkv, shape), layer, 'output'))
    const gateUp = weights.linear(weights.norm(x, layer, 'mlp'), layer, 'gateUp')
    x = tf.add(x, weights.linear(swiglu(gateUp), layer, 'down'))
  }
  return weights.norm(x, config.layerCount, 'attention')
}
