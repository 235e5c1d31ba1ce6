import type { NamedTensor } from '../../node/model/safetensors.ts'
import type { WeightSource } from '../../node/model/weight-source.ts'

/** All tensors of a source at once, to compare them. */
export async function readAllTensors(source: WeightSource): Promise<Map<string, NamedTensor>> {
  const tensors = new Map<string, NamedTensor>()
  for (const name of source.names()) {
    tensors.set(name, { shape: source.shapeOf(name)!, data: await source.read(name) })
  }
  return tensors
}
