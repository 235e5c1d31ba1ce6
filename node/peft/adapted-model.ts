import * as tf from '@tensorflow/tfjs'
import type { AdapterLayout, LoraFactor } from '../../aggregation/adapter-layout.ts'
import { withValues } from '../backend/host-kernel.ts'
import { crossEntropy } from '../model/cross-entropy.ts'
import type { FrozenModel } from '../model/frozen-model.ts'
import type { TokenBatch } from '../model/transformer.ts'
import type { LoraSettings } from './lora.ts'
import { LoraFactors } from './lora-factors.ts'

/** A frozen model with a LoRA adapter that is passed in with each call as a flat vector. */
export class AdaptedModel {
  readonly base: FrozenModel
  readonly layout: AdapterLayout
  private readonly factors: LoraFactors

  /** @throws PeftError UNKNOWN_TARGET */
  constructor(base: FrozenModel, settings: LoraSettings) {
    this.base = base
    this.factors = new LoraFactors(base.config, settings)
    this.layout = this.factors.layout
  }

  /**
   * One forward and backward pass.
   * @param targets - token id or -1 for each position; at least one counts
   * @param trained - which factors get a gradient
   * @param gradient - [layout.length]; written where `trained` has a gradient, left alone elsewhere
   * @returns mean nats per counted target
   */
  lossAndGradient(
    tokens: TokenBatch,
    targets: Int32Array,
    adapter: Float32Array,
    trained: readonly LoraFactor[],
    gradient: Float32Array
  ): number {
    const tensors = this.factors.tensors(adapter, trained)
    const { value, grads } = tf.valueAndGrads(() =>
      crossEntropy(this.base.logits(tokens, tensors.factorsOf), targets)
    )(tensors.trained)
    this.factors.readGradients(grads, trained, gradient)
    const loss = withValues(value, values => values[0]!)
    tf.dispose([grads, value])
    tensors.dispose()
    return loss
  }

  /** Sum of nats over the targets that count. @param adapter - null for the base alone */
  nats(tokens: TokenBatch, targets: Int32Array, adapter: Float32Array | null): number {
    return this.evaluated(adapter, factorsOf => this.base.nats(tokens, targets, factorsOf))
  }

  /** Logits of every position, [batch * time, vocabulary], as plain numbers. */
  logits(tokens: TokenBatch, adapter: Float32Array | null): Float32Array {
    return this.evaluated(adapter, factorsOf => values(this.base.logits(tokens, factorsOf)))
  }

  /** Logits of the token after a text of 1 to config.maxPositions tokens, [vocabulary], as plain numbers. */
  nextLogits(ids: Int32Array, adapter: Float32Array | null): Float32Array {
    return this.evaluated(adapter, factorsOf => values(this.base.nextLogits(ids, factorsOf)))
  }

  private evaluated<R>(
    adapter: Float32Array | null,
    run: (factorsOf?: Parameters<FrozenModel['nats']>[2]) => R
  ): R {
    if (adapter === null) return run()
    const tensors = this.factors.tensors(adapter, [])
    try {
      return run(tensors.factorsOf)
    } finally {
      tensors.dispose()
    }
  }
}

function values(tensor: tf.Tensor): Float32Array {
  const copy = tensor.dataSync<'float32'>().slice()
  tensor.dispose()
  return copy
}
