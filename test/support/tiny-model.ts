import * as tf from '@tensorflow/tfjs'
import { seededRandom } from '../../aggregation/random.ts'
import { type BackendName, openBackend } from '../../node/backend/stock-backend.ts'
import type { LlamaConfig } from '../../node/model/model-config.ts'
import type { NamedTensor } from '../../node/model/safetensors.ts'
import { initialWeights } from '../../node/model/trained-weights.ts'
import { wasmFolder } from '../../node/platform/wasm-folder.ts'
import type { TokenizedShard } from '../../node/train/dataset.ts'

/** Small enough for finite differences; the heads are together wider than the hidden state, and keys are shared. */
export const tinyConfig: LlamaConfig = {
  architecture: 'llama',
  hiddenSize: 8,
  layerCount: 2,
  headCount: 4,
  keyValueHeadCount: 2,
  headSize: 4,
  intermediateSize: 12,
  vocabularySize: 16,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
  maxPositions: 32,
  tiedEmbeddings: true,
  initializerRange: 0.4
}

/** Weights with uneven norms' gains, so that a gain that is left out shows. */
export function tinyWeights(config: LlamaConfig = tinyConfig, seed = 1): Map<string, NamedTensor> {
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

/** Makes a tfjs backend current for the tests of a `describe`. */
export function useBackend(name: BackendName): void {
  before(async () => {
    await openBackend(wasmFolder())
    await tf.setBackend(name)
  })
}
