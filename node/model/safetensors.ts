/**
 * safetensors files that are in memory as a whole: adapters, checkpoints, models of our own making. A base model is
 * read by ranges instead (safetensors/tensor-file.ts).
 */
import { bytesPerValue, firstNonFinite, isTensorType, type TensorType, widen } from './safetensors/dtype.ts'
import {
  corrupt,
  encodeHeader,
  headerLength,
  LENGTH_BYTES,
  parseHeader,
  unsupportedType,
  valueCount
} from './safetensors/header.ts'

export interface NamedTensor {
  /** Row-major sizes; `[]` is a scalar. */
  readonly shape: readonly number[]
  /** Widened to float32, length = the product of `shape`. May be a view of the file's bytes: do not write to it. */
  readonly data: Float32Array
}

export interface StoredTensor extends NamedTensor {
  /** How the file stores it. */
  readonly dtype: TensorType
}

/**
 * @param file - the whole file
 * @param path - where it came from, for messages
 * @returns every tensor by name, in the order of the header
 * @throws ModelError CORRUPT_SAFETENSORS (structure, sizes, or a value that is not finite), UNSUPPORTED (a dtype)
 */
export function readSafetensors(file: Uint8Array, path = 'model.safetensors'): Map<string, StoredTensor> {
  const dataStart = LENGTH_BYTES + headerLength(file, file.length, path)
  const entries = parseHeader(file.subarray(LENGTH_BYTES, dataStart), file.length - dataStart, path)
  const tensors = new Map<string, StoredTensor>()
  for (const { name, dtype, shape, begin, end } of entries) {
    if (!isTensorType(dtype)) throw unsupportedType(path, name, dtype)
    const data = widened(file.subarray(dataStart + begin, dataStart + end), dtype)
    const bad = firstNonFinite(data)
    if (bad >= 0) throw corrupt(path, `value ${bad} is ${data[bad]}, not a finite number`, name)
    tensors.set(name, { dtype, shape, data })
  }
  return tensors
}

/**
 * Lays tensors out sorted by name as float32; equal tensors give equal bytes.
 * @param metadata - the header's `__metadata__`; Transformers and PEFT expect `{ format: 'pt' }`
 * @throws RangeError if a tensor's length is not the product of its shape
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' }
): Uint8Array {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))
  const described = sorted.map(([name, { shape, data }]) => {
    const length = valueCount(shape)
    if (length !== data.length) throw new RangeError(`${name}: expected ${length} values, got ${data.length}`)
    return { name, dtype: 'F32', shape, bytes: bytesPerValue.F32 * length }
  })
  const header = encodeHeader(described, metadata)
  const file = new Uint8Array(described.reduce((sum, { bytes }) => sum + bytes, header.length))
  file.set(header)
  let at = header.length
  for (const [, { data }] of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return file
}

function widened(bytes: Uint8Array, dtype: TensorType): Float32Array {
  const size = bytesPerValue[dtype]
  const { buffer, byteOffset, length } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, length / size)
  const out = new Float32Array(length / size)
  widen(new Uint16Array(buffer, byteOffset, length / size), dtype, out)
  return out
}
