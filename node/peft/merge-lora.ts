import type { ModelConfig } from '../model/model-config.ts'
import { readTensor } from '../model/model-weights.ts'
import { layerName } from '../model/tensors.ts'
import type { WeightSource } from '../model/weight-source.ts'
import type { LoraSettings } from './adapter-settings.ts'
import { loraAdapter, loraKey, loraScale, type TargetedModule, targetedModules } from './lora.ts'

/**
 * A base with a LoRA merged in: W + scale B A, a model like any other that needs no adapter any more. Tensors are merged
 * as they are read; `saveWeights` makes a model folder's weights of them.
 *
 * The update is worked out in float64 and rounded once, so that what `unmergeLora` gives back is the base to within one
 * unit in the last place of the larger of a weight and its merged value: rounding is all that is lost.
 * @param source - the base, in its files' orientation
 * @param adapter - [layout.length] of `loraAdapter(config, settings)`
 * @throws PeftError UNKNOWN_TARGET; RangeError if the values do not fill the layout; on reading, ModelError TENSOR_MISMATCH
 */
export function mergeLora(
  source: WeightSource,
  config: ModelConfig,
  settings: LoraSettings,
  adapter: Float32Array
): WeightSource {
  return updatedWeights(source, config, settings, adapter, 1)
}

/** The base that a LoRA was merged into. @param source - from `mergeLora`, or the files made of it */
export function unmergeLora(
  source: WeightSource,
  config: ModelConfig,
  settings: LoraSettings,
  adapter: Float32Array
): WeightSource {
  return updatedWeights(source, config, settings, adapter, -1)
}

function updatedWeights(
  source: WeightSource,
  config: ModelConfig,
  settings: LoraSettings,
  adapter: Float32Array,
  sign: 1 | -1
): WeightSource {
  const { layout } = loraAdapter(config, settings)
  if (adapter.length !== layout.length)
    throw new RangeError(`expected ${layout.length} adapter values, got ${adapter.length}`)
  const factors = new Map(
    layout.tensors.map(({ name, offset, length }) => [name, adapter.subarray(offset, offset + length)])
  )
  const targets = new Map(
    targetedModules(config, settings).map(target => [
      `${layerName(config, target.layer)}.${target.name}.weight`,
      target
    ])
  )
  const scale = sign * loraScale(settings)
  return {
    shapeOf: name => source.shapeOf(name),
    names: () => source.names(),
    async read(name) {
      const target = targets.get(name)
      if (target === undefined) return source.read(name)
      const { layer, name: module, outSize, inSize, isTransposed } = target
      const shape = isTransposed ? [inSize, outSize] : [outSize, inSize]
      const weight = await readTensor(source, { name, shape })
      const factor = (letter: 'A' | 'B') => factors.get(loraKey(config, layer, module, letter))!
      addProduct(weight, factor('A'), factor('B'), target, settings.rank, scale)
      return weight
    }
  }
}

/**
 * weight += scale B A, in place.
 * @param weight - [out, in], or [in, out] where a module is transposed
 * @param a - [rank, in] @param b - [out, rank]
 */
function addProduct(
  weight: Float32Array,
  a: Float32Array,
  b: Float32Array,
  { outSize, inSize, isTransposed }: TargetedModule,
  rank: number,
  scale: number
): void {
  const [outStride, inStride] = isTransposed ? [1, outSize] : [inSize, 1]
  const row = new Float64Array(inSize)
  for (let o = 0; o < outSize; o++) {
    row.fill(0)
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[o * rank + r]!
      for (let i = 0; i < inSize; i++) row[i]! += factor * a[r * inSize + i]!
    }
    for (let i = 0; i < inSize; i++) weight[o * outStride + i * inStride]! += row[i]!
  }
}
