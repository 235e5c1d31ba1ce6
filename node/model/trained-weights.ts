import * as tf from '@tensorflow/tfjs'
import type { Random } from '../../aggregation/random.ts'
import { withValues } from '../backend/host-kernel.ts'
import { crossEntropy, crossEntropySum } from './cross-entropy.ts'
import { embed } from './embedding.ts'
import { trainedLinear } from './linear.ts'
import type { LlamaConfig } from './model-config.ts'
import {
  blockList,
  type ModelBlocks,
  type ModelWeights,
  modelBlocks,
  stackedValues,
  unstackedTensors,
  type WeightBlock
} from './model-weights.ts'
import { rmsNorm } from './rms-norm.ts'
import type { NamedTensor } from './safetensors.ts'
import { type DecoderWeights, decode, PositionTables, type TokenBatch } from './transformer.ts'

/** A model all of whose weights are trained (pretraining). They lie in one flat vector, matrices first. */
export class TrainedModel {
  readonly config: LlamaConfig
  /** Every weight, in the order of `blockList`. */
  readonly parameters: Float32Array
  /** Elements of `parameters` that belong to matrices; the gains after them are not decayed. */
  readonly matrixLength: number
  private readonly blocks: ModelBlocks
  private readonly placed: Array<{ block: WeightBlock; offset: number; length: number }> = []
  private readonly tables: PositionTables

  /** @throws ModelError TENSOR_MISMATCH */
  constructor(config: LlamaConfig, weights: ModelWeights) {
    this.config = config
    this.blocks = modelBlocks(config)
    this.tables = new PositionTables(config)
    let offset = 0
    let matrixLength = 0
    const values = blockList(this.blocks).map(block => {
      const stacked = stackedValues(weights, block)
      this.placed.push({ block, offset, length: stacked.length })
      offset += stacked.length
      if (block.shape.length === 2) matrixLength = offset
      return stacked
    })
    this.matrixLength = matrixLength
    this.parameters = new Float32Array(offset)
    for (const [i, stacked] of values.entries()) this.parameters.set(stacked, this.placed[i]!.offset)
  }

  /** Copies of the weights under their Hugging Face names. */
  weights(): Map<string, NamedTensor> {
    return new Map(
      this.placed.flatMap(({ block, offset, length }) =>
        unstackedTensors(this.parameters.subarray(offset, offset + length), block)
      )
    )
  }

  /**
   * One forward and backward pass.
   * @param targets - token id or -1 for each position
   * @param gradient - [parameters.length], overwritten
   * @returns mean nats per counted target
   */
  lossAndGradient(tokens: TokenBatch, targets: Int32Array, gradient: Float32Array): number {
    const tensors = this.tensors()
    const { value, grads } = tf.valueAndGrads((...args) => {
      const weights = this.decoder(args as tf.Tensor[])
      return crossEntropy(weights.head(decode(this.config, weights, this.tables, tokens)), targets)
    })(tensors)
    for (const [i, grad] of grads.entries()) {
      withValues(grad, values => gradient.set(values, this.placed[i]!.offset))
    }
    const loss = withValues(value, values => values[0]!)
    tf.dispose([tensors, grads, value])
    return loss
  }

  /** Sum of nats over the targets that count. */
  nats(tokens: TokenBatch, targets: Int32Array): number {
    const tensors = this.tensors()
    const nats = tf.tidy(() => {
      const weights = this.decoder(tensors)
      return crossEntropySum(weights.head(decode(this.config, weights, this.tables, tokens)), targets)
    })
    tf.dispose(tensors)
    return nats
  }

  dispose(): void {
    this.tables.dispose()
  }

  /** Fresh tensors of all blocks: the wasm backend packs a matrix once per tensor, so they are never written in place. */
  private tensors(): tf.Tensor[] {
    return this.placed.map(({ block, offset, length }) =>
      tf.tensor(this.parameters.subarray(offset, offset + length), [...block.shape])
    )
  }

  private decoder(tensors: tf.Tensor[]): DecoderWeights {
    const { rmsNormEpsilon, layerCount } = this.config
    const byBlock = new Map(this.placed.map(({ block }, i) => [block, tensors[i]!]))
    const of = (block: WeightBlock) => byBlock.get(block)!
    const { embedding, layers, finalNorm, head } = this.blocks
    return {
      embed: ids => embed(of(embedding) as tf.Tensor2D, ids, true),
      linear: (x, layer, group) => trainedLinear(x, of(layers[layer]![group]) as tf.Tensor2D),
      norm: (x, layer, which) => {
        const block =
          layer === layerCount
            ? finalNorm
            : layers[layer]![which === 'attention' ? 'attentionNorm' : 'mlpNorm']
        return rmsNorm(x, of(block) as tf.Tensor1D, rmsNormEpsilon, true)
      },
      head: x => trainedLinear(x, of(head ?? embedding) as tf.Tensor2D)
    }
  }
}

/**
 * Fresh weights: matrices normal with the config's standard deviation (those that end a residual branch divided by
 * sqrt(2 layers), as GPT-2 does), gains 1.
 */
export function initialWeights(config: LlamaConfig, random: Random): Map<string, NamedTensor> {
  const blocks = modelBlocks(config)
  const branchEnds = new Set(blocks.layers.flatMap(layer => [layer.output, layer.down]))
  return new Map(
    blockList(blocks).flatMap(block => {
      const length = block.shape.reduce((product, size) => product * size, 1)
      const deviation =
        config.initializerRange / (branchEnds.has(block) ? Math.sqrt(2 * config.layerCount) : 1)
      const values =
        block.shape.length === 1
          ? new Float32Array(length).fill(1)
          : Float32Array.from({ length }, () => normal(random) * deviation)
      return unstackedTensors(values, block)
    })
  )
}

/** A standard normal draw. Source: Box and Muller 1958. */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log((random.nextUint32() + 1) / 2 ** 32))
  return radius * Math.cos((2 * Math.PI * random.nextUint32()) / 2 ** 32)
}
