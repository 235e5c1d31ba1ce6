/**
 * Whether the pages of a Parquet row group can be read at all. The library believes the headers of pages: one without its
 * length keeps it reading the same place for ever, and a count of values that is damaged takes all memory.
 */
import type { AsyncBuffer, FileMetaData } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'

/** Rows, or values in lists, of one row group: writers stop at a million rows. */
const VALUES_MAX = 2 ** 24

type RowGroup = FileMetaData['row_groups'][number]

/**
 * @param bytesMax - of one page, decompressed
 * @throws Error in words
 */
export async function checkPages(
  file: AsyncBuffer,
  group: RowGroup,
  columns: readonly string[],
  bytesMax: number
): Promise<void> {
  checkCount(Number(group.num_rows), VALUES_MAX, 'rows of a row group')
  for (const { meta_data: column } of group.columns) {
    if (column === undefined || !columns.includes(column.path_in_schema[0] ?? '')) continue
    const start = Number(column.dictionary_page_offset || column.data_page_offset)
    const chunk = await file.slice(start, start + Number(column.total_compressed_size))
    checkChunk({ view: new DataView(chunk), offset: 0 }, bytesMax)
  }
}

function checkChunk(reader: { view: DataView<ArrayBuffer>; offset: number }, bytesMax: number): void {
  const { byteLength } = reader.view
  let values = 0
  while (reader.offset < byteLength - 1) {
    const header = parquetHeader(reader)
    checkCount(header.compressed_page_size, byteLength - reader.offset, 'bytes of a page')
    checkCount(Number(header.uncompressed_page_size), bytesMax, 'decompressed bytes of a page')
    reader.offset += header.compressed_page_size
    const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header
    const counts = [v1?.num_values, v2?.num_values, v2?.num_rows, dictionary?.num_values]
    for (const count of counts) {
      if (count === undefined) continue
      checkCount(count, VALUES_MAX, 'values of a page')
      values += count
    }
    checkCount(values, 2 * VALUES_MAX, 'values of a column')
  }
}

function checkCount(count: number, most: number, what: string): void {
  if (Number.isSafeInteger(count) && count >= 0 && count <= most) return
  throw new RangeError(`it says ${count} ${what}, and at most ${most} can be`)
}
