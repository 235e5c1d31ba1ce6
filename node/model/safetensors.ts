/**
 * The safetensors file format: eight bytes of header length (little-endian), a JSON header, the tensors' bytes.
 * Source: https://huggingface.co/docs/safetensors (format). A file may come from a stranger, so everything in the
 * header is checked before anything is allocated for a tensor.
 */
import { ModelError } from './errors.ts'
import { duplicateKey } from './json-keys.ts'

export type TensorType = 'F32' | 'F16' | 'BF16'

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

/** The format allows 100 MB. A header is about 100 bytes per tensor, so 16 MiB is already 100,000 tensors. */
export const HEADER_BYTES_MAX = 16 * 1024 * 1024

const bytesPerValue: Readonly<Record<TensorType, number>> = { F32: 4, F16: 2, BF16: 2 }

interface Entry {
  readonly name: string
  readonly dtype: TensorType
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/**
 * @param file - the whole file
 * @param path - where it came from, for messages
 * @returns every tensor by name, in the order of the header
 * @throws ModelError CORRUPT_SAFETENSORS (structure, sizes, or a value that is not finite), UNSUPPORTED (a dtype)
 */
export function readSafetensors(file: Uint8Array, path = 'model.safetensors'): Map<string, StoredTensor> {
  const { entries, dataStart } = readHeader(file, path)
  const tensors = new Map<string, StoredTensor>()
  for (const { name, dtype, shape, begin, end } of entries) {
    const data = widened(file.subarray(dataStart + begin, dataStart + end), dtype)
    const bad = data.findIndex(value => !Number.isFinite(value))
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
  const header: Array<[string, unknown]> = [['__metadata__', metadata]]
  let dataBytes = 0
  for (const [name, { shape, data }] of sorted) {
    const length = shape.reduce((product, size) => product * size, 1)
    if (length !== data.length) throw new RangeError(`${name}: expected ${length} values, got ${data.length}`)
    header.push([name, { dtype: 'F32', shape, data_offsets: [dataBytes, dataBytes + 4 * length] }])
    dataBytes += 4 * length
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)))
  // Spaces after the JSON align the data, so that readers can map it without a copy.
  const headerBytes = Math.ceil(json.length / 8) * 8
  const file = new Uint8Array(8 + headerBytes + dataBytes).fill(0x20, 8, 8 + headerBytes)
  const view = new DataView(file.buffer)
  view.setBigUint64(0, BigInt(headerBytes), true)
  file.set(json, 8)
  let at = 8 + headerBytes
  for (const [, { data }] of sorted) for (const value of data) at = putFloat(view, at, value)
  return file
}

function putFloat(view: DataView, at: number, value: number): number {
  view.setFloat32(at, value, true)
  return at + 4
}

function readHeader(file: Uint8Array, path: string): { entries: Entry[]; dataStart: number } {
  if (file.length < 8) throw corrupt(path, `it has ${file.length} bytes, too few for a header`)
  const headerBytes = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true)
  if (headerBytes > BigInt(HEADER_BYTES_MAX)) {
    throw corrupt(path, `its header claims ${headerBytes} bytes, more than ${HEADER_BYTES_MAX}`)
  }
  const dataStart = 8 + Number(headerBytes)
  if (dataStart > file.length) {
    throw corrupt(
      path,
      `its header claims ${headerBytes} bytes, but the file has ${file.length}: it was cut short`
    )
  }
  const header = parseHeader(file.subarray(8, dataStart), path)
  const dataBytes = file.length - dataStart
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => parseEntry(name, value, dataBytes, path))
  checkCoverage(entries, dataBytes, path)
  return { entries, dataStart }
}

function parseHeader(bytes: Uint8Array, path: string): Record<string, unknown> {
  let header: unknown
  let twice: string | null
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    header = JSON.parse(text)
    twice = duplicateKey(text)
  } catch (error) {
    throw corrupt(path, `its header cannot be read as JSON (${(error as Error).message})`)
  }
  if (!isObject(header)) throw corrupt(path, 'its header is not a JSON object')
  if (twice !== null) throw corrupt(path, `its header names ${JSON.stringify(twice)} twice`)
  const metadata = header['__metadata__']
  if (
    metadata !== undefined &&
    !(isObject(metadata) && Object.values(metadata).every(v => typeof v === 'string'))
  ) {
    throw corrupt(path, '__metadata__ must hold texts only')
  }
  return header
}

function parseEntry(name: string, value: unknown, dataBytes: number, path: string): Entry {
  if (!isObject(value)) throw corrupt(path, 'its header entry is not an object', name)
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string') throw corrupt(path, 'it has no dtype', name)
  if (!isTensorType(dtype)) {
    throw new ModelError(
      'UNSUPPORTED',
      { path, field: 'dtype', value: dtype, tensor: name },
      `${path}: tensor ${name} is stored as ${dtype}, but only F32, F16 and BF16 are supported. ` +
        'Choose a version of the model that is not quantised.'
    )
  }
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw corrupt(path, 'its shape is not a list of sizes', name)
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw corrupt(path, 'its data_offsets are not two positions', name)
  }
  const [begin, end] = offsets as [number, number]
  if (begin > end || end > dataBytes) {
    throw corrupt(path, `its data_offsets ${begin} to ${end} leave the ${dataBytes} bytes of data`, name)
  }
  const bytes = byteLength(shape, bytesPerValue[dtype])
  if (bytes !== end - begin) {
    throw corrupt(
      path,
      `shape [${shape.join(', ')}] of ${dtype} does not fill its ${end - begin} bytes`,
      name
    )
  }
  return { name, dtype, shape, begin, end }
}

/** Bytes of a shape, or infinity where a double can no longer count them exactly. */
function byteLength(shape: readonly number[], perValue: number): number {
  if (shape.includes(0)) return 0
  const bytes = shape.reduce((product, size) => product * size, perValue)
  return Number.isSafeInteger(bytes) ? bytes : Number.POSITIVE_INFINITY
}

/** The format allows neither overlaps nor holes: no byte with two meanings, none that a reader would not see. */
function checkCoverage(entries: readonly Entry[], dataBytes: number, path: string): void {
  const inOrder = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)
  let at = 0
  for (const { name, begin, end } of inOrder) {
    if (begin < at) throw corrupt(path, `its bytes overlap those of another tensor`, name)
    if (begin > at) throw corrupt(path, `bytes ${at} to ${begin} before it belong to no tensor`, name)
    at = end
  }
  if (at !== dataBytes) throw corrupt(path, `bytes ${at} to ${dataBytes} at its end belong to no tensor`)
}

function widened(bytes: Uint8Array, dtype: TensorType): Float32Array {
  if (dtype === 'F32') {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
    return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
  }
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes)
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2)
  const out = new Float32Array(halves.length)
  if (dtype === 'F16') for (let i = 0; i < out.length; i++) out[i] = fromFloat16(halves[i]!)
  else {
    // bfloat16 is the upper half of a float32.
    const bits = new Uint32Array(out.buffer)
    for (let i = 0; i < out.length; i++) bits[i] = halves[i]! << 16
  }
  return out
}

/** IEEE 754 binary16, exactly. */
function fromFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * 2 ** -24
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function isTensorType(dtype: string): dtype is TensorType {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16'
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function corrupt(path: string, reason: string, tensor?: string): ModelError {
  const where = tensor === undefined ? path : `${path}, tensor ${tensor}`
  return new ModelError(
    'CORRUPT_SAFETENSORS',
    { path, ...(tensor === undefined ? {} : { tensor }), reason },
    `${where}: not a sound safetensors file: ${reason}. Download or make the file again.`
  )
}
