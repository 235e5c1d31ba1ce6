import { ModelError } from './errors.ts'
import type { NamedTensor } from './safetensors.ts'

/** The tensors of a base model, by their Hugging Face names, read one at a time: the whole is never in memory twice. */
export interface WeightSource {
  /** Row-major sizes, or undefined if there is no such tensor. */
  shapeOf(name: string): readonly number[] | undefined
  names(): Iterable<string>
  /**
   * @returns finite values widened to float32, shape [product of the sizes]; the caller's own to keep and to change
   * @throws ModelError TENSOR_MISMATCH if there is no such tensor, CORRUPT_SAFETENSORS; FilesError
   */
  read(name: string): Promise<Float32Array>
}

/** Weights that are in memory already: of a test, or of a model that was just trained. */
export function memoryWeights(tensors: ReadonlyMap<string, NamedTensor>): WeightSource {
  return {
    shapeOf: name => tensors.get(name)?.shape,
    names: () => tensors.keys(),
    async read(name) {
      const tensor = tensors.get(name)
      if (tensor === undefined) throw noSuchTensor(name, 'the weights')
      return tensor.data.slice()
    }
  }
}

/** @param where - what was looked through, for the message */
export function noSuchTensor(name: string, where: string): ModelError {
  return new ModelError(
    'TENSOR_MISMATCH',
    { tensor: name },
    `${where}: no tensor ${name}, which config.json calls for: are config.json and the weights from the same model?`
  )
}
