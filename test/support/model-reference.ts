import type { AdapterLayout } from '../../aggregation/adapter-layout.ts'
import type { ModelConfig } from '../../node/model/model-config.ts'
import type { NamedTensor } from '../../node/model/safetensors.ts'
import type { TokenBatch } from '../../node/model/transformer.ts'
import { type ReferenceLora, referenceLogits } from './reference-llama.ts'

/** Float64 logits of a whole batch, flat, [batch * time * vocabulary]. */
export function batchLogits(
  config: ModelConfig,
  weights: Parameters<typeof referenceLogits>[1],
  { ids, batch, time }: TokenBatch,
  lora?: ReferenceLora
): number[][] {
  return Array.from({ length: batch }, (_, b) => ids.subarray(b * time, (b + 1) * time)).flatMap(sequence =>
    referenceLogits(config, weights, sequence, lora)
  )
}

/** An adapter vector as the reference takes it. */
export function loraOf(layout: AdapterLayout, adapter: ArrayLike<number>, scale: number): ReferenceLora {
  const values = layout.tensors.map(({ name, offset, length }): [string, number[]] => [
    name,
    Array.from({ length }, (_, i) => adapter[offset + i]!)
  ])
  return { values: new Map(values), scale }
}

/** Weights as float64 arrays that may be changed. */
export function float64Weights(
  weights: ReadonlyMap<string, NamedTensor>
): Map<string, { data: Float64Array }> {
  return new Map([...weights].map(([name, { data }]) => [name, { data: Float64Array.from(data) }]))
}

/** Central difference of the mean loss as one value of an array moves. */
export function lossSlope(values: Float64Array | number[], at: number, loss: () => number): number {
  const step = 1e-5
  const value = values[at]!
  values[at] = value + step
  const above = loss()
  values[at] = value - step
  const below = loss()
  values[at] = value
  return (above - below) / (2 * step)
}
