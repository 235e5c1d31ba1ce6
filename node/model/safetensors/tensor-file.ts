/** A safetensors file that is read by ranges: the header when it is opened, then one tensor at a time. */
import type { Files } from '../../../protocols/ports.ts'
import { ModelError } from '../errors.ts'
import { noSuchTensor, type WeightSource } from '../weight-source.ts'
import { bytesPerValue, firstNonFinite, isTensorType, widen } from './dtype.ts'
import {
  corrupt,
  headerLength,
  LENGTH_BYTES,
  parseHeader,
  type TensorEntry,
  unsupportedType,
  valueCount
} from './header.ts'

/** 16-bit values are widened through a buffer of this size: large enough for the disk, small beside any model. */
const PIECE_BYTES = 4 * 1024 * 1024

export interface TensorSource extends WeightSource {
  /** How a tensor is stored (`BF16`, `I64`, …), or undefined if there is none. Only F32, F16 and BF16 can be read. */
  dtypeOf(name: string): string | undefined
  /**
   * Some values of a tensor, from its `from`-th on, widened to float32.
   * @param out - filled; the tensor has at least `from + out.length` values
   * @throws ModelError TENSOR_MISMATCH, UNSUPPORTED, CORRUPT_SAFETENSORS if a value is not finite; FilesError
   */
  readValues(name: string, from: number, out: Float32Array): Promise<void>
}

/**
 * Reads and checks the header; of a sound file every tensor lies within it.
 * @param name - of the file, below the root of `files`
 * @param path - the file as the person named it, for messages
 * @throws ModelError MISSING_FILE, CORRUPT_SAFETENSORS, UNSUPPORTED; FilesError
 */
export async function openTensorFile(files: Files, name: string, path: string): Promise<TensorSource> {
  const fileBytes = await files.size(name)
  if (fileBytes === null) {
    throw new ModelError(
      'MISSING_FILE',
      { path },
      `${path} is missing. Download it from where the others came from.`
    )
  }
  const start = await files.readRange(name, 0, Math.min(LENGTH_BYTES, fileBytes))
  const headerBytes = headerLength(start, fileBytes, path)
  const dataStart = LENGTH_BYTES + headerBytes
  const header = await files.readRange(name, LENGTH_BYTES, headerBytes)
  const entries = new Map(
    parseHeader(header, fileBytes - dataStart, path).map(entry => [entry.name, entry] as const)
  )

  const entryOf = (tensor: string): TensorEntry => {
    const entry = entries.get(tensor)
    if (entry === undefined) throw noSuchTensor(tensor, path)
    return entry
  }

  async function readValues(tensor: string, from: number, out: Float32Array): Promise<void> {
    const { dtype, shape, begin } = entryOf(tensor)
    if (!isTensorType(dtype)) throw unsupportedType(path, tensor, dtype)
    if (from + out.length > valueCount(shape)) {
      throw new RangeError(
        `${tensor} has shape [${shape}], too few for values ${from} to ${from + out.length}`
      )
    }
    const at = dataStart + begin + from * bytesPerValue[dtype]
    if (dtype === 'F32') {
      await files.readInto(name, at, new Uint8Array(out.buffer, out.byteOffset, out.byteLength))
    } else {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, out.length * 2))
      for (let done = 0; done < out.length; ) {
        const count = Math.min(piece.length / 2, out.length - done)
        await files.readInto(name, at + done * 2, piece.subarray(0, count * 2))
        widen(new Uint16Array(piece.buffer, 0, count), dtype, out.subarray(done, done + count))
        done += count
      }
    }
    const bad = firstNonFinite(out)
    if (bad >= 0) throw corrupt(path, `value ${from + bad} is ${out[bad]}, not a finite number`, tensor)
  }

  return {
    names: () => entries.keys(),
    shapeOf: tensor => entries.get(tensor)?.shape,
    dtypeOf: tensor => entries.get(tensor)?.dtype,
    async read(tensor) {
      const out = new Float32Array(valueCount(entryOf(tensor).shape))
      await readValues(tensor, 0, out)
      return out
    },
    readValues
  }
}
