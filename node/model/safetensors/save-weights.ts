/** Writing a model's weights in Hugging Face layout, one tensor in memory at a time. */
import type { Files } from '../../../protocols/ports.ts'
import type { WeightSource } from '../weight-source.ts'
import { bytesPerValue, narrow, type TensorType } from './dtype.ts'
import { encodeHeader, valueCount } from './header.ts'
import { INDEX_NAME, SINGLE_NAME } from './stored-weights.ts'

export interface SaveWeightsOptions {
  /** How the values are stored; 16-bit formats round to nearest, ties to even. By default F32. */
  readonly dtype?: TensorType
  /** Weights of more bytes than this are split over several files. By default 5e9, as Transformers does. */
  readonly shardBytesMax?: number
}

/** Values that are rounded and written at a time. */
const PIECE_VALUES = 1024 * 1024

const shardPattern = /^model-\d{5}-of-\d{5}\.safetensors$/

interface PlannedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: TensorType
  readonly bytes: number
}

/**
 * Writes `model.safetensors`, or `model-00001-of-0000N.safetensors` and their index, tensors sorted by name. A folder in
 * which this is cut short holds the old weights or none, never some of each; run again, it is whole.
 * @param files - rooted in the model folder
 * @returns the names of the files, the index last
 * @throws RangeError for a value that the format cannot hold; FilesError; whatever `source` throws
 */
export async function saveWeights(
  files: Files,
  source: WeightSource,
  { dtype = 'F32', shardBytesMax = 5e9 }: SaveWeightsOptions = {}
): Promise<string[]> {
  const tensors = [...source.names()].sort().map(name => {
    const shape = source.shapeOf(name)!
    return { name, shape, dtype, bytes: valueCount(shape) * bytesPerValue[dtype] }
  })
  const shards = planShards(tensors, shardBytesMax)
  const save = (name: string, shard: readonly PlannedTensor[]): Promise<void> =>
    files.writeParts(name, fileParts(source, shard))
  if (shards.length === 1) {
    await save(SINGLE_NAME, shards[0]!)
    await removeShards(files, [])
    return [SINGLE_NAME]
  }
  const names = shards.map((_, i) => `model-${digits(i + 1)}-of-${digits(shards.length)}.safetensors`)
  // A reader takes whichever of these two it finds: neither may speak for shards that are being replaced.
  await files.remove(SINGLE_NAME)
  await files.remove(INDEX_NAME)
  for (const [i, shard] of shards.entries()) await save(names[i]!, shard)
  await removeShards(files, names)
  await files.write(INDEX_NAME, encodeIndex(shards, names))
  return [...names, INDEX_NAME]
}

/** Fills files in order; a tensor larger than a file gets one of its own. */
function planShards(tensors: readonly PlannedTensor[], bytesMax: number): PlannedTensor[][] {
  const shards: PlannedTensor[][] = [[]]
  let bytes = 0
  for (const tensor of tensors) {
    if (bytes > 0 && bytes + tensor.bytes > bytesMax) {
      shards.push([])
      bytes = 0
    }
    shards.at(-1)!.push(tensor)
    bytes += tensor.bytes
  }
  return shards
}

async function* fileParts(
  source: WeightSource,
  tensors: readonly PlannedTensor[]
): AsyncGenerator<Uint8Array> {
  yield encodeHeader(tensors, { format: 'pt' })
  const halves = new Uint16Array(PIECE_VALUES)
  for (const { name, shape, dtype } of tensors) {
    const values = await source.read(name)
    if (values.length !== valueCount(shape)) {
      throw new RangeError(`${name}: expected ${valueCount(shape)} values, got ${values.length}`)
    }
    for (let at = 0; at < values.length; at += PIECE_VALUES) {
      const piece = values.subarray(at, at + PIECE_VALUES)
      if (dtype === 'F32') yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength)
      else {
        const tooLarge = narrow(piece, dtype, halves)
        if (tooLarge >= 0) {
          throw new RangeError(
            `${name}: value ${at + tooLarge} is ${piece[tooLarge]}, which ${dtype} cannot hold`
          )
        }
        yield new Uint8Array(halves.buffer, 0, piece.length * bytesPerValue[dtype])
      }
    }
  }
}

/** What an earlier save with other sizes left. */
async function removeShards(files: Files, kept: readonly string[]): Promise<void> {
  if (kept.length === 0) await files.remove(INDEX_NAME)
  for (const name of await files.list('')) {
    if (shardPattern.test(name) && !kept.includes(name)) await files.remove(name)
  }
}

function encodeIndex(shards: readonly PlannedTensor[][], names: readonly string[]): Uint8Array {
  const weightMap = shards.flatMap((shard, i) => shard.map(({ name }) => [name, names[i]!] as const))
  const totalBytes = shards.flat().reduce((sum, { bytes }) => sum + bytes, 0)
  const index = { metadata: { total_size: totalBytes }, weight_map: Object.fromEntries(weightMap) }
  return new TextEncoder().encode(`${JSON.stringify(index, null, 2)}\n`)
}

function digits(count: number): string {
  return String(count).padStart(5, '0')
}
