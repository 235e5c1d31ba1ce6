import { seededRandom } from '../../aggregation/random.ts'
import type { Backend } from '../../node/backend/backend.ts'
import { FrozenModel } from '../../node/model/frozen-model.ts'
import type { ModelConfig } from '../../node/model/model-config.ts'
import type { NamedTensor } from '../../node/model/safetensors.ts'
import { initialWeights } from '../../node/model/trained-model.ts'
import { memoryWeights } from '../../node/model/weight-source.ts'
import { AdaptedModel } from '../../node/peft/adapted-model.ts'
import { type AdapterSettings, type LoraSettings, loraDefaults } from '../../node/peft/adapter-settings.ts'
import type { TokenizedShard } from '../../node/train/dataset.ts'

/** Small enough for finite differences; the heads are together wider than the hidden state, and keys are shared. */
export const tinyConfig: ModelConfig = {
  family: 'llama',
  hiddenSize: 8,
  layerCount: 2,
  headCount: 4,
  keyValueHeadCount: 2,
  headSize: 4,
  intermediateSize: 12,
  vocabularySize: 16,
  activation: 'silu',
  rotary: { theta: 10_000, scaling: { kind: 'none' } },
  normEpsilon: 1e-5,
  attentionBias: false,
  outputBias: false,
  mlpBias: false,
  headNorm: false,
  windows: [null, null],
  maxPositions: 32,
  tiedEmbeddings: true,
  initializerRange: 0.4
}

/** One of each family, with what is peculiar to it. */
export const tinyFamilies: Readonly<Record<string, ModelConfig>> = {
  llama: tinyConfig,
  'llama, untied, all biases, positions stretched': {
    ...tinyConfig,
    tiedEmbeddings: false,
    attentionBias: true,
    outputBias: true,
    mlpBias: true,
    rotary: { theta: 100, scaling: { kind: 'linear', factor: 2 } }
  },
  'mistral, window of 3': { ...tinyConfig, family: 'mistral', windows: [3, 3], tiedEmbeddings: false },
  'qwen2, window in the second layer': {
    ...tinyConfig,
    family: 'qwen2',
    attentionBias: true,
    windows: [null, 4]
  },
  qwen3: { ...tinyConfig, family: 'qwen3', headNorm: true, headSize: 6 },
  gpt2: {
    ...tinyConfig,
    family: 'gpt2',
    headCount: 2,
    keyValueHeadCount: 2,
    activation: 'gelu-tanh',
    rotary: null,
    attentionBias: true,
    outputBias: true,
    mlpBias: true
  }
}

/** One of each kind of adapter. */
export const tinyAdapters: Readonly<Record<string, AdapterSettings>> = {
  lora: { ...loraDefaults, rank: 2, alpha: 3, rankStabilized: true },
  houlsby: { kind: 'bottleneck', placement: 'houlsby', reductionFactor: 3, activation: 'gelu' },
  pfeiffer: { kind: 'bottleneck', placement: 'pfeiffer', reductionFactor: 2, activation: 'silu' },
  prefix: { kind: 'prefix', virtualTokens: 3 }
}

/** Weights with uneven gains and biases, so that one that is left out shows. */
export function tinyWeights(config: ModelConfig = tinyConfig, seed = 1): Map<string, NamedTensor> {
  const random = seededRandom(seed + 1000)
  const weights = initialWeights(config, seededRandom(seed))
  for (const { shape, data } of weights.values()) {
    if (shape.length === 1)
      for (let i = 0; i < data.length; i++) data[i] = 0.5 + random.nextUint32() / 2 ** 32
  }
  return weights
}

/** Uniform in (-1, 1). */
export function randomValues(length: number, seed: number): Float32Array {
  const random = seededRandom(seed)
  return Float32Array.from({ length }, () => random.nextUint32() / 2 ** 31 - 1)
}

export function randomTokens(length: number, vocabularySize: number, seed: number): Int32Array {
  const random = seededRandom(seed)
  return Int32Array.from({ length }, () => random.nextUint32() % vocabularySize)
}

/** A text with something to learn: a cycle through part of the vocabulary, disturbed now and then. */
export function tinyShard(seed = 1): TokenizedShard {
  const random = seededRandom(seed)
  const text = Int32Array.from({ length: 400 }, (_, i) =>
    random.nextUint32() % 8 === 0 ? random.nextUint32() % 16 : (i * 3 + seed) % 16
  )
  const heldOut = text.slice(300)
  return {
    train: text.slice(0, 300),
    heldOut,
    heldOutTokenBytes: heldOut.map(id => id % 4),
    description: 'tiny'
  }
}

/** A LoRA of rank 2 beside every linear layer. */
export const tinyLora: LoraSettings = { ...loraDefaults, rank: 2, alpha: 4 }

export async function openTiny(
  backend: Backend,
  settings: AdapterSettings = tinyLora,
  config: ModelConfig = tinyConfig,
  weights: ReadonlyMap<string, NamedTensor> = tinyWeights(config)
): Promise<AdaptedModel> {
  return new AdaptedModel(await FrozenModel.load(backend, config, memoryWeights(weights)), settings)
}
