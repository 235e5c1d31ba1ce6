import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import { seededRandom } from '../../aggregation/random.ts'
import type { ModelConfig } from '../../node/model/model-config.ts'
import type { NamedTensor } from '../../node/model/safetensors.ts'
import { modelTensors } from '../../node/model/tensors.ts'

/** The model of test/vectors/transformers-logits.json. Its heads are wider than hidden / heads, and it is not tied. */
export const vectorConfig: ModelConfig = {
  family: 'llama',
  hiddenSize: 16,
  layerCount: 2,
  headCount: 4,
  keyValueHeadCount: 2,
  headSize: 8,
  intermediateSize: 24,
  vocabularySize: 32,
  activation: 'silu',
  rotary: { theta: 1000, scaling: { kind: 'none' } },
  normEpsilon: 1e-5,
  attentionBias: false,
  outputBias: false,
  mlpBias: false,
  headNorm: false,
  windows: [null, null],
  maxPositions: 64,
  tiedEmbeddings: false,
  initializerRange: 0.02
}

/** Weights that follow from their names alone: gains in [0.5, 1.5), all others in [-0.4, 0.4). */
export function vectorWeights(config: ModelConfig): Map<string, NamedTensor> {
  const weights = new Map<string, NamedTensor>()
  for (const { name, shape } of modelTensors(config)) {
    const [middle, spread] = shape.length === 1 ? [1, 0.5] : [0, 0.4]
    weights.set(name, { shape, data: valuesOf(name, shape, middle, spread) })
  }
  return weights
}

/** Likewise an adapter, both factors in [-0.4, 0.4). */
export function vectorAdapter(layout: AdapterLayout): Float32Array {
  const values = new Float32Array(layout.length)
  for (const { name, shape, offset } of layout.tensors) values.set(valuesOf(name, shape, 0, 0.4), offset)
  return values
}

function valuesOf(name: string, shape: readonly number[], middle: number, spread: number): Float32Array {
  const random = seededRandom(new TextEncoder().encode(name))
  const length = shape.reduce((product, size) => product * size, 1)
  return Float32Array.from({ length }, () => middle + (random.nextUint32() / 2 ** 31 - 1) * spread)
}
