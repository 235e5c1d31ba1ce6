import * as tf from '@tensorflow/tfjs'
import { crossEntropySum } from './cross-entropy.ts'
import { embed } from './embedding.ts'
import {
  adaptedLinear,
  disposeFrozenWeight,
  type FrozenWeight,
  frozenLinear,
  frozenWeight,
  type LowRankFactors
} from './linear.ts'
import type { LlamaConfig } from './model-config.ts'
import {
  type LinearGroup,
  linearGroups,
  type ModelWeights,
  modelBlocks,
  stackedValues,
  type WeightBlock
} from './model-weights.ts'
import { rmsNorm } from './rms-norm.ts'
import { type DecoderWeights, decode, PositionTables, type TokenBatch } from './transformer.ts'

/** The low-rank factors beside one group of linear layers, or undefined where it is left as it is. */
export type FactorsOf = (layer: number, group: LinearGroup) => LowRankFactors | undefined

const unadapted: FactorsOf = () => undefined

interface FrozenLayer {
  readonly attentionNorm: tf.Tensor1D
  readonly mlpNorm: tf.Tensor1D
  readonly linear: Readonly<Record<LinearGroup, FrozenWeight>>
}

/** A model whose own weights never change; what is trained is added to its linear layers. */
export class FrozenModel {
  readonly config: LlamaConfig
  private readonly embedding: tf.Tensor2D
  private readonly head: FrozenWeight
  private readonly layers: readonly FrozenLayer[]
  private readonly finalNorm: tf.Tensor1D
  private readonly tables: PositionTables

  /** Copies `weights` to the backend, each matrix in both orientations. @throws ModelError TENSOR_MISMATCH */
  constructor(config: LlamaConfig, weights: ModelWeights) {
    this.config = config
    this.tables = new PositionTables(config)
    const blocks = modelBlocks(config)
    const table = (block: WeightBlock) =>
      tf.keep(tf.tensor2d(stackedValues(weights, block), block.shape as [number, number]))
    const matrix = (block: WeightBlock) => frozenWeight(table(block))
    const gain = (block: WeightBlock) => tf.keep(tf.tensor1d(stackedValues(weights, block)))
    this.embedding = table(blocks.embedding)
    this.head = blocks.head === null ? frozenWeight(this.embedding) : matrix(blocks.head)
    this.finalNorm = gain(blocks.finalNorm)
    this.layers = blocks.layers.map(layer => ({
      attentionNorm: gain(layer.attentionNorm),
      mlpNorm: gain(layer.mlpNorm),
      linear: {
        qkv: matrix(layer.qkv),
        output: matrix(layer.output),
        gateUp: matrix(layer.gateUp),
        down: matrix(layer.down)
      }
    }))
  }

  /** Logits of every position: -> [batch * time, vocabulary]. */
  logits(tokens: TokenBatch, factorsOf: FactorsOf = unadapted): tf.Tensor2D {
    return tf.tidy(() => this.project(this.hidden(tokens, factorsOf)))
  }

  /** Sum of nats over the targets that count. */
  nats(tokens: TokenBatch, targets: Int32Array, factorsOf: FactorsOf = unadapted): number {
    return tf.tidy(() => crossEntropySum(this.logits(tokens, factorsOf), targets))
  }

  /**
   * Logits of the token after a text: -> [1, vocabulary].
   * @param ids - 1 to config.maxPositions tokens
   */
  nextLogits(ids: Int32Array, factorsOf: FactorsOf = unadapted): tf.Tensor2D {
    // Padding after the text changes nothing before it, and few lengths mean few tables of positions.
    const padded = new Int32Array(Math.min(paddedLength(ids.length), this.config.maxPositions))
    padded.set(ids)
    const tokens = { ids: padded, batch: 1, time: padded.length }
    return tf.tidy(() => {
      return this.project(embed(this.hidden(tokens, factorsOf), Int32Array.of(ids.length - 1), false))
    })
  }

  dispose(): void {
    this.tables.dispose()
    if (!this.config.tiedEmbeddings) this.embedding.dispose()
    disposeFrozenWeight(this.head)
    for (const { attentionNorm, mlpNorm, linear } of this.layers) {
      tf.dispose([attentionNorm, mlpNorm])
      for (const group of linearGroups) disposeFrozenWeight(linear[group])
    }
    this.finalNorm.dispose()
  }

  private hidden(tokens: TokenBatch, factorsOf: FactorsOf): tf.Tensor2D {
    return decode(this.config, this.decoder(factorsOf), this.tables, tokens)
  }

  private project(x: tf.Tensor2D): tf.Tensor2D {
    return frozenLinear(x, this.head)
  }

  private decoder(factorsOf: FactorsOf): DecoderWeights {
    const { rmsNormEpsilon, layerCount } = this.config
    return {
      embed: ids => embed(this.embedding, ids, false),
      linear: (x, layer, group) => {
        const frozen = this.layers[layer]!.linear[group]
        const factors = factorsOf(layer, group)
        return factors === undefined ? frozenLinear(x, frozen) : adaptedLinear(x, frozen, factors)
      },
      norm: (x, layer, which) => {
        const gain =
          layer === layerCount
            ? this.finalNorm
            : this.layers[layer]![which === 'attention' ? 'attentionNorm' : 'mlpNorm']
        return rmsNorm(x, gain, rmsNormEpsilon, false)
      },
      head: x => this.project(x)
    }
  }
}

function paddedLength(length: number): number {
  return Math.max(16, 2 ** Math.ceil(Math.log2(length)))
}
