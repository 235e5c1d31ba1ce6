import { seededRandom } from '../../aggregation/random.ts'
import type { ModelConfig } from '../../node/model/model-config.ts'
import { linearModules, modelTensors } from '../../node/model/tensors.ts'
import type { WeightSource } from '../../node/model/weight-source.ts'
import { type LoraSettings, loraDefaults } from '../../node/peft/adapter-settings.ts'

/** What a training step is measured on: a Llama, LoRA on queries and values, a batch. */
export interface BenchShape {
  readonly config: ModelConfig
  readonly adapter: LoraSettings
  readonly batchSize: number
  /** Tokens per sequence. */
  readonly sequenceLength: number
}

export const shapeNames = ['d256l6', 'smollm2-135m'] as const

export type ShapeName = (typeof shapeNames)[number]

const adapter: LoraSettings = { ...loraDefaults, targetModules: ['q_proj', 'v_proj'] }

export const shapes: Readonly<Record<ShapeName, BenchShape>> = {
  d256l6: {
    config: llama({
      hidden: 256,
      layers: 6,
      heads: 4,
      keyValueHeads: 2,
      intermediate: 688,
      vocabulary: 1024
    }),
    adapter,
    batchSize: 4,
    sequenceLength: 128
  },
  // https://huggingface.co/HuggingFaceTB/SmolLM2-135M/blob/main/config.json
  'smollm2-135m': {
    config: llama({
      hidden: 576,
      layers: 30,
      heads: 9,
      keyValueHeads: 3,
      intermediate: 1536,
      vocabulary: 49152
    }),
    adapter,
    batchSize: 1,
    sequenceLength: 128
  }
}

function llama(sizes: {
  readonly hidden: number
  readonly layers: number
  readonly heads: number
  readonly keyValueHeads: number
  readonly intermediate: number
  readonly vocabulary: number
}): ModelConfig {
  return {
    family: 'llama',
    hiddenSize: sizes.hidden,
    layerCount: sizes.layers,
    headCount: sizes.heads,
    keyValueHeadCount: sizes.keyValueHeads,
    headSize: 64,
    intermediateSize: sizes.intermediate,
    vocabularySize: sizes.vocabulary,
    activation: 'silu',
    rotary: { theta: 10_000, scaling: { kind: 'none' } },
    normEpsilon: 1e-5,
    attentionBias: false,
    outputBias: false,
    mlpBias: false,
    headNorm: false,
    windows: Array<null>(sizes.layers).fill(null),
    maxPositions: 2048,
    tiedEmbeddings: true,
    initializerRange: 0.02
  }
}

/** Weights drawn when they are asked for, so that the model is in memory once. Gains are 1. */
export function randomWeights(config: ModelConfig): WeightSource {
  const tensors = new Map(modelTensors(config).map(({ name, shape }) => [name, shape]))
  const random = seededRandom(1)
  // Uniform, of the same deviation as the normal numbers that models begin with.
  const bound = config.initializerRange * Math.sqrt(3)
  return {
    names: () => tensors.keys(),
    shapeOf: name => tensors.get(name),
    async read(name) {
      const shape = tensors.get(name)!
      const values = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(1)
      if (shape.length > 1) for (let i = 0; i < values.length; i++) values[i] = bound * uniform()
      return values
    }
  }

  function uniform(): number {
    return random.nextUint32() / 2 ** 31 - 1
  }
}

/**
 * Floating-point operations of one step that no implementation can avoid, a multiplication and an addition each counted:
 * forward; backward to every input, save that the first layer's input needs no gradient; the factors' own gradients.
 * Attention is counted causal. What is not a product of matrices is left out.
 */
export function stepFlops({ config, adapter, batchSize, sequenceLength }: BenchShape): number {
  const { layerCount, hiddenSize, headCount, headSize, vocabularySize } = config
  const modules = linearModules(config)
  const targets = adapter.targetModules
  let perToken = 0
  for (let layer = 0; layer < layerCount; layer++) {
    for (const { name, inSize, outSize } of modules) {
      const readsInput = /[qkv]_proj$/.test(name)
      const backward = layer === 0 && readsInput ? 0 : 1
      perToken += (1 + backward) * inSize * outSize
      if (targets !== 'all-linear' && !targets.some(target => name.endsWith(target))) continue
      const { rank } = adapter
      // Forward, B's gradient and what goes back through B; A's gradient, and what goes back through A.
      perToken += 3 * rank * outSize + (2 + backward) * rank * inSize
    }
    // Scores and sums of values forward; four products of their size back, one less where keys need no gradient.
    const positions = (sequenceLength + 1) / 2
    perToken += (layer === 0 ? 5 : 6) * positions * headCount * headSize
  }
  perToken += 2 * hiddenSize * vocabularySize
  return 2 * perToken * batchSize * sequenceLength
}
