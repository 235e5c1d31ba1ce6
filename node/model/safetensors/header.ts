/**
 * The head of a safetensors file: eight bytes of length (little-endian), then JSON that says where each tensor lies in
 * the bytes that follow. Source: https://huggingface.co/docs/safetensors (format). A file may come from a stranger, so
 * everything is checked before anything is allocated for a tensor.
 */
import { ModelError } from '../errors.ts'
import { isObject, strictJsonObject } from '../strict-json.ts'
import { bitsOf } from './dtype.ts'

/** The format allows 100 MB. A header is about 100 bytes per tensor, so 16 MiB is already 100,000 tensors. */
export const HEADER_BYTES_MAX = 16 * 1024 * 1024

/** Bytes before the header that say how long it is. */
export const LENGTH_BYTES = 8

/** The header, an entry in it, the entry's shape. */
const DEPTH_MAX = 3

export interface TensorEntry {
  readonly name: string
  /** As the format spells it: `F32`, `BF16`, `I64`, … */
  readonly dtype: string
  /** Row-major sizes; `[]` is a scalar. */
  readonly shape: readonly number[]
  /** Bytes [begin, end) of the data that follow the header. */
  readonly begin: number
  readonly end: number
}

/**
 * @param start - the file's first bytes, at least LENGTH_BYTES unless it is shorter
 * @returns bytes of header, at most HEADER_BYTES_MAX and within the file
 * @throws ModelError CORRUPT_SAFETENSORS
 */
export function headerLength(start: Uint8Array, fileBytes: number, path: string): number {
  if (fileBytes < LENGTH_BYTES) throw corrupt(path, `it has ${fileBytes} bytes, too few for a header`)
  const claimed = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES).getBigUint64(0, true)
  if (claimed > BigInt(HEADER_BYTES_MAX)) {
    throw corrupt(path, `its header claims ${claimed} bytes, more than ${HEADER_BYTES_MAX}`)
  }
  const length = Number(claimed)
  if (LENGTH_BYTES + length > fileBytes) {
    throw corrupt(path, `its header claims ${length} bytes, but the file has ${fileBytes}: it was cut short`)
  }
  return length
}

/**
 * @param bytes - the header
 * @param dataBytes - how many bytes follow it
 * @returns in the order of the header
 * @throws ModelError CORRUPT_SAFETENSORS, UNSUPPORTED (a dtype that the format does not have)
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number, path: string): TensorEntry[] {
  const entries = Object.entries(headerObject(bytes, path))
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => parseEntry(name, value, dataBytes, path))
  checkCoverage(entries, dataBytes, path)
  return entries
}

/**
 * @param tensors - in the order in which their bytes will follow
 * @param metadata - `__metadata__`; Transformers and PEFT expect `{ format: 'pt' }`
 * @returns the length and the header, padded with spaces so that the data are aligned to eight bytes
 */
export function encodeHeader(
  tensors: Iterable<{
    readonly name: string
    readonly dtype: string
    readonly shape: readonly number[]
    readonly bytes: number
  }>,
  metadata: Readonly<Record<string, string>>
): Uint8Array {
  const header: Array<[string, unknown]> = [['__metadata__', metadata]]
  let at = 0
  for (const { name, dtype, shape, bytes } of tensors) {
    header.push([name, { dtype, shape, data_offsets: [at, at + bytes] }])
    at += bytes
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)))
  const headerBytes = Math.ceil(json.length / 8) * 8
  const encoded = new Uint8Array(LENGTH_BYTES + headerBytes).fill(0x20)
  new DataView(encoded.buffer).setBigUint64(0, BigInt(headerBytes), true)
  encoded.set(json, LENGTH_BYTES)
  return encoded
}

/** Values of a shape, or infinity where a double can no longer count them exactly. */
export function valueCount(shape: readonly number[]): number {
  if (shape.includes(0)) return 0
  const count = shape.reduce((product, size) => product * size, 1)
  return Number.isSafeInteger(count) ? count : Number.POSITIVE_INFINITY
}

export function corrupt(path: string, reason: string, tensor?: string): ModelError {
  const where = tensor === undefined ? path : `${path}, tensor ${tensor}`
  return new ModelError(
    'CORRUPT_SAFETENSORS',
    { path, ...(tensor === undefined ? {} : { tensor }), reason },
    `${where}: not a sound safetensors file: ${reason}. Download or make the file again.`
  )
}

export function unsupportedType(path: string, tensor: string, dtype: string): ModelError {
  return new ModelError(
    'UNSUPPORTED',
    { path, field: 'dtype', value: dtype, tensor },
    `${path}: tensor ${tensor} is stored as ${dtype}, but only F32, F16 and BF16 are supported. ` +
      'Choose a version of the model that is not quantised.'
  )
}

function headerObject(bytes: Uint8Array, path: string): Record<string, unknown> {
  let header: Record<string, unknown>
  try {
    header = strictJsonObject(bytes, DEPTH_MAX)
  } catch (error) {
    throw corrupt(path, `its header ${(error as Error).message}`)
  }
  if (bytes[0] !== 0x7b) throw corrupt(path, 'its header does not begin with {')
  const metadata = header['__metadata__']
  if (
    metadata !== undefined &&
    !(isObject(metadata) && Object.values(metadata).every(v => typeof v === 'string'))
  ) {
    throw corrupt(path, '__metadata__ must hold texts only')
  }
  return header
}

function parseEntry(name: string, value: unknown, dataBytes: number, path: string): TensorEntry {
  if (!isObject(value)) throw corrupt(path, 'its header entry is not an object', name)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string') throw corrupt(path, 'it has no dtype', name)
  const bits = bitsOf(dtype)
  if (bits === undefined) throw unsupportedType(path, name, dtype)
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw corrupt(path, 'its shape is not a list of sizes', name)
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw corrupt(path, 'its data_offsets are not two positions', name)
  }
  const [begin, end] = offsets as [number, number]
  if (begin > end || end > dataBytes) {
    throw corrupt(path, `its data_offsets ${begin} to ${end} leave the ${dataBytes} bytes of data`, name)
  }
  if ((valueCount(shape) * bits) / 8 !== end - begin) {
    throw corrupt(
      path,
      `shape [${shape.join(', ')}] of ${dtype} does not fill its ${end - begin} bytes`,
      name
    )
  }
  return { name, dtype, shape, begin, end }
}

/** The format allows neither overlaps nor holes: no byte with two meanings, none that a reader would not see. */
function checkCoverage(entries: readonly TensorEntry[], dataBytes: number, path: string): void {
  const inOrder = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)
  let at = 0
  for (const { name, begin, end } of inOrder) {
    if (begin < at) throw corrupt(path, `its bytes overlap those of another tensor`, name)
    if (begin > at) throw corrupt(path, `bytes ${at} to ${begin} before it belong to no tensor`, name)
    at = end
  }
  if (at !== dataBytes) throw corrupt(path, `bytes ${at} to ${dataBytes} at its end belong to no tensor`)
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
