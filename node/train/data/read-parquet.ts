import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { FilesError } from '../../../protocols/files-error.ts'
import type { Files } from '../../../protocols/ports.ts'
import { TrainError } from '../errors.ts'
import { checkPages } from './check-pages.ts'
import { exampleFields, exampleOf, missingFields, type PlacedExample } from './example.ts'
import { dataFileBytes } from './file-bytes.ts'

/** What the platform decompresses better than JavaScript does. */
export interface DataCodecs {
  /** Zstandard, into at most `length` bytes. @throws if the input is corrupt */
  zstd(input: Uint8Array, length: number): Uint8Array
}

/** A row group is decoded at once. Writers make groups of some ten to a hundred megabytes. */
const ROW_GROUP_BYTES_MAX = 2 ** 30

/**
 * Apache Parquet, row group by row group; columns that are not needed are not read.
 * @throws TrainError MISSING_DATA, BAD_DATA (with the row); FilesError
 */
export async function* readParquet(
  files: Files,
  path: string,
  { zstd }: DataCodecs
): AsyncGenerator<PlacedExample> {
  const file = await openBuffer(files, path)
  const { metadata, groups, names } = await explained(path, async () => {
    const metadata = await parquetMetadataAsync(file, { geoparquet: false })
    const names = parquetSchema(metadata).children.map(({ element }) => element.name)
    return { metadata, groups: [...metadata.row_groups], names }
  })
  const columns = exampleFields(names)
  if (columns === null) {
    throw new TrainError(
      'BAD_DATA',
      { path },
      `${path}: its columns hold no examples: ${missingFields(names)}`
    )
  }
  let rowStart = 0
  for (const group of groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const rows = await explained(path, async () => {
      checkRowGroup(group, columns, path)
      await checkPages(file, group, columns, ROW_GROUP_BYTES_MAX)
      return parquetReadObjects({
        file,
        metadata,
        columns: [...columns],
        compressors: { ...compressors, ZSTD: zstd },
        rowStart,
        rowEnd,
        geoparquet: false
      })
    })
    for (const [i, row] of rows.entries()) {
      const place = { path, unit: 'row', number: rowStart + i + 1 } as const
      yield { example: exampleOf(withoutNulls(row), place), place }
    }
    rowStart = rowEnd
  }
}

async function openBuffer(files: Files, path: string): Promise<AsyncBuffer> {
  const byteLength = await dataFileBytes(files, path)
  const read = async (start: number, end: number): Promise<ArrayBuffer> => {
    // A corrupt file may point anywhere.
    if (!(start >= 0 && start <= end && end <= byteLength))
      throw new RangeError('a part lies outside the file')
    const { buffer, byteOffset, byteLength: length } = await files.readRange(path, start, end - start)
    return buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer
  }
  return {
    byteLength,
    slice(start, end = byteLength) {
      const reading = read(start, end)
      // Columns are read side by side: when one has failed, nobody waits for the others.
      reading.catch(() => {})
      return reading
    }
  }
}

function checkRowGroup(
  group: FileMetaData['row_groups'][number],
  columns: readonly string[],
  path: string
): void {
  const bytes = group.columns
    .filter(({ meta_data }) => columns.includes(meta_data?.path_in_schema[0] ?? ''))
    .reduce((sum, { meta_data }) => sum + Number(meta_data!.total_uncompressed_size), 0)
  if (bytes <= ROW_GROUP_BYTES_MAX) return
  throw unreadable(
    path,
    `a row group of it has ${bytes} bytes, at most ${ROW_GROUP_BYTES_MAX} are read at once`
  )
}

/** A cell without a value is an empty text. */
function withoutNulls(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? '']))
}

async function explained<T>(path: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof FilesError || error instanceof TrainError) throw error
    throw unreadable(path, (error as Error).message, error)
  }
}

function unreadable(path: string, problem: string, cause?: unknown): TrainError {
  const fix = 'Write it again, for example with pandas: frame.to_parquet(path, row_group_size=10000)'
  return new TrainError('BAD_DATA', { path }, `${path} cannot be used as Parquet: ${problem}. ${fix}`, {
    cause
  })
}
