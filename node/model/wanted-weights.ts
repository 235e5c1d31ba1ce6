/** Holding the tensors of a checkpoint against what its config.json calls for. */
import { ModelError } from './errors.ts'
import { isTensorType } from './safetensors/dtype.ts'
import { unsupportedType, valueCount } from './safetensors/header.ts'
import type { TensorSource } from './safetensors/tensor-file.ts'
import { noSuchTensor, type WeightSource } from './weight-source.ts'

/** What a model family says of its checkpoints. */
export interface WantedWeights {
  /** Every tensor that must be there. */
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** Other names under which a tensor may be stored instead. */
  aliasesOf(name: string): readonly string[]
  /** Tensors that some checkpoints carry although they follow from the config (rotary frequencies, causal masks). */
  isRedundant(name: string): boolean
  /** Tensors that may be there besides if they equal another, as a head does that is tied to the embedding. */
  readonly copies: ReadonlyMap<string, string>
}

/** Values that are compared at a time. */
const PIECE_VALUES = 1024 * 1024

/**
 * Checks names, shapes and number formats, from the headers alone unless a copy has to be compared.
 * @param path - of the weights as the person named them, for messages
 * @returns the wanted tensors and no other
 * @throws ModelError TENSOR_MISMATCH, UNSUPPORTED, CORRUPT_SAFETENSORS; FilesError
 */
export async function checkedWeights(
  stored: TensorSource,
  wanted: WantedWeights,
  path: string
): Promise<WeightSource> {
  const { shapes } = wanted
  const storedNames = new Map<string, string>()
  for (const [name, expected] of shapes) {
    const storedName = [name, ...wanted.aliasesOf(name)].find(alias => stored.shapeOf(alias) !== undefined)
    const got = storedName === undefined ? undefined : stored.shapeOf(storedName)
    if (storedName === undefined || got === undefined || !isSameShape(got, expected))
      throw mismatch(path, name, expected, got)
    const dtype = stored.dtypeOf(storedName)!
    if (!isTensorType(dtype)) throw unsupportedType(path, name, dtype)
    storedNames.set(name, storedName)
  }
  const used = new Set(storedNames.values())
  for (const name of stored.names()) {
    if (used.has(name) || wanted.isRedundant(name)) continue
    const copied = wanted.copies.get(name)
    const original = copied === undefined ? undefined : storedNames.get(copied)
    if (original !== undefined && (await isCopy(stored, name, original))) continue
    throw new ModelError(
      'TENSOR_MISMATCH',
      { path, tensor: name },
      `${path}: tensor ${name} is one too many: a model of this config.json has none of that name. ${ADVICE}`
    )
  }
  return {
    names: () => shapes.keys(),
    shapeOf: name => shapes.get(name),
    async read(name) {
      const storedName = storedNames.get(name)
      if (storedName === undefined) throw noSuchTensor(name, path)
      return stored.read(storedName)
    }
  }
}

const ADVICE = 'Use the config.json that was published with these weights.'

function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, d) => size === b[d])
}

async function isCopy(stored: TensorSource, name: string, original: string): Promise<boolean> {
  const shape = stored.shapeOf(name)!
  const expected = stored.shapeOf(original)
  if (expected === undefined || !isSameShape(shape, expected)) return false
  const count = valueCount(shape)
  for (let at = 0; at < count; at += PIECE_VALUES) {
    const a = new Float32Array(Math.min(PIECE_VALUES, count - at))
    const b = new Float32Array(a.length)
    await stored.readValues(name, at, a)
    await stored.readValues(original, at, b)
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  }
  return true
}

function mismatch(
  path: string,
  tensor: string,
  expected: readonly number[],
  got: readonly number[] | undefined
): ModelError {
  const problem =
    got === undefined
      ? `tensor ${tensor} is missing; config.json calls for it with shape [${expected.join(', ')}]`
      : `tensor ${tensor} has shape [${got.join(', ')}], but config.json calls for [${expected.join(', ')}]`
  return new ModelError('TENSOR_MISMATCH', { path, tensor, expected, got }, `${path}: ${problem}. ${ADVICE}`)
}
