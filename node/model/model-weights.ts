import type { Backend } from '../backend/backend.ts'
import { constant, type Variable } from '../backend/tape.ts'
import { ModelError } from './errors.ts'
import type { ModelConfig } from './model-config.ts'
import { layerName, linearModules, type ModelTensor, modelTensors } from './tensors.ts'
import { noSuchTensor, type WeightSource } from './weight-source.ts'

/**
 * Reads one tensor, checked for its shape.
 * @throws ModelError TENSOR_MISMATCH, naming what is missing or has another shape than config.json asks for
 */
export async function readTensor(source: WeightSource, { name, shape }: ModelTensor): Promise<Float32Array> {
  const got = source.shapeOf(name)
  if (got === undefined) throw noSuchTensor(name, 'the weights')
  if (got.length === shape.length && got.every((size, d) => size === shape[d])) return source.read(name)
  throw new ModelError(
    'TENSOR_MISMATCH',
    { tensor: name, expected: shape, got },
    `${name} has shape [${got}], but config.json calls for [${shape}]: are config.json and the weights from the same model?`
  )
}

/** Names of the weights that are stored [in, out]. */
export function transposedNames(config: ModelConfig): ReadonlySet<string> {
  const modules = linearModules(config).filter(module => module.isTransposed)
  const layers = Array.from({ length: config.layerCount }, (_, layer) => layerName(config, layer))
  return new Set(layers.flatMap(layer => modules.map(({ name }) => `${layer}.${name}.weight`)))
}

/** [rows, columns] -> [columns, rows]. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c]!
  }
  return out
}

/** Tensors of the shapes of a model's weights, all zero. */
export function zeroWeights(backend: Backend, config: ModelConfig): Map<string, Variable> {
  const turned = transposedNames(config)
  return new Map(
    modelTensors(config).map(({ name, shape }) => [
      name,
      constant(backend.zeros(turned.has(name) ? [...shape].reverse() : shape))
    ])
  )
}

/**
 * Reads a model's weights onto a backend, one tensor at a time: no more than one is held outside it.
 * @param onTensor - after each: how many of how many
 * @throws ModelError TENSOR_MISMATCH, CORRUPT_SAFETENSORS; BackendError OUT_OF_MEMORY; FilesError
 */
export async function loadWeights(
  backend: Backend,
  config: ModelConfig,
  source: WeightSource,
  onTensor: (done: number, total: number) => void = () => {}
): Promise<Map<string, Variable>> {
  const tensors = modelTensors(config)
  const turned = transposedNames(config)
  const loaded = new Map<string, Variable>()
  try {
    for (const [i, { name, shape }] of tensors.entries()) {
      const values = await readTensor(source, { name, shape })
      const [rows, columns] = shape as [number, number]
      const isTurned = turned.has(name)
      const tensor = isTurned
        ? backend.upload(transposed(values, rows, columns), [columns, rows])
        : backend.upload(values, shape)
      loaded.set(name, constant(tensor))
      onTensor(i + 1, tensors.length)
    }
    return loaded
  } catch (error) {
    for (const { tensor } of loaded.values()) backend.free(tensor)
    throw error
  }
}
