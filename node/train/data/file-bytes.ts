/** Private data as bytes and text, a part at a time: a file may be larger than memory should hold. */
import type { Files } from '../../../protocols/ports.ts'
import { TrainError } from '../errors.ts'

/** Enough that a read costs little beside what is done with it. */
const CHUNK_BYTES = 2 ** 20

/** @throws TrainError MISSING_DATA; FilesError */
export async function dataFileBytes(files: Files, path: string): Promise<number> {
  const bytes = await files.size(path)
  if (bytes !== null) return bytes
  throw new TrainError(
    'MISSING_DATA',
    { path },
    `there is no data file ${path}. Check the path given with --data.`
  )
}

/** @throws TrainError MISSING_DATA; FilesError */
export async function* fileChunks(files: Files, path: string): AsyncGenerator<Uint8Array> {
  const size = await dataFileBytes(files, path)
  for (let offset = 0; offset < size; offset += CHUNK_BYTES) {
    yield await files.readRange(path, offset, Math.min(CHUNK_BYTES, size - offset))
  }
}

/** Decodes UTF-8 and leaves a byte order mark out. @throws TrainError BAD_DATA */
export async function* utf8Chunks(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let first: Uint8Array | null = null
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch (error) {
      throw notUtf8(path, first, error)
    }
  }
  for await (const chunk of chunks) {
    first ??= chunk
    yield decode(chunk)
  }
  yield decode()
}

function notUtf8(path: string, start: Uint8Array | null, cause: unknown): TrainError {
  const [a, b] = start ?? []
  const isUtf16 = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)
  return new TrainError(
    'BAD_DATA',
    { path },
    `${path} is not UTF-8 text. Convert it, for example: iconv -f ${isUtf16 ? 'utf-16' : 'latin1'} -t utf-8 ${path}`,
    { cause }
  )
}
