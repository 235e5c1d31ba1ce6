import { type CsvError, parse } from 'csv-parse/stream'
import type { Files } from '../../../protocols/ports.ts'
import {
  badData,
  type DataPlace,
  EXAMPLE_LENGTH_MAX,
  exampleFields,
  exampleOf,
  missingFields,
  type PlacedExample,
  tooLong
} from './example.ts'
import { fileChunks, utf8Chunks } from './file-bytes.ts'

/**
 * Comma-separated values with a first line of column names; a field in double quotes may hold commas and line breaks.
 * Source: RFC 4180. Columns that are not needed are left out.
 * @throws TrainError MISSING_DATA, BAD_DATA (with the line on which a record begins); FilesError
 */
export async function* readCsv(files: Files, path: string): AsyncGenerator<PlacedExample> {
  const at = (number: number): DataPlace => ({ path, unit: 'line', number })
  let columns: ReadonlyArray<readonly [name: string, index: number]> | null = null
  let nextLine = 1
  try {
    for await (const { record, info } of csvRecords(files, path)) {
      const place = at(info.lines - record.reduce((breaks, field) => breaks + lineBreaks(field), 0))
      nextLine = info.lines + 1
      if (columns === null) {
        columns = neededColumns(record, place)
        continue
      }
      const fields = Object.fromEntries(columns.map(([name, index]) => [name, record[index]]))
      yield { example: exampleOf(fields, place), place }
    }
  } catch (error) {
    throw isCsvError(error) ? csvProblem(error, at(nextLine), at(error['lines'] as number)) : error
  }
}

interface CsvRecord {
  readonly record: readonly string[]
  /** `lines`: the line on which the record ends, from 1. */
  readonly info: { readonly lines: number }
}

function csvRecords(files: Files, path: string): ReadableStream<CsvRecord> {
  const parser = parse({
    info: true,
    skip_empty_lines: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    // In bytes, of which a character has up to three.
    max_record_size: 3 * EXAMPLE_LENGTH_MAX
  })
  return ReadableStream.from(parserChunks(files, path)).pipeThrough(parser)
}

/** The parser buffers a thousand chunks ahead of whoever reads its records, and takes bytes. */
const PARSER_CHUNK_BYTES = 2 ** 16

async function* parserChunks(files: Files, path: string): AsyncGenerator<Uint8Array> {
  for await (const text of utf8Chunks(fileChunks(files, path), path)) {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += PARSER_CHUNK_BYTES)
      yield bytes.subarray(at, at + PARSER_CHUNK_BYTES)
  }
}

function lineBreaks(field: string): number {
  return field.match(/\r\n|\n|\r/g)?.length ?? 0
}

function neededColumns(header: readonly string[], place: DataPlace): Array<readonly [string, number]> {
  const names = header.map(name => name.trim())
  const needed = exampleFields(names.filter(name => name !== 'messages'))
  if (needed === null) {
    const split = names.length === 1 ? /[;\t|]/.exec(names[0]!) : null
    const hint = split === null ? '' : `. Separate the columns by commas, not by ${JSON.stringify(split[0])}`
    throw badData(place, `the first line must name the columns: ${missingFields(names)}${hint}`)
  }
  return needed.map(name => {
    if (names.indexOf(name) !== names.lastIndexOf(name))
      throw badData(place, `two columns are named "${name}"`)
    return [name, names.indexOf(name)]
  })
}

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && 'code' in error && 'lines' in error
}

/** @param begun - where the record begins; @param seen - where the parser gave up */
function csvProblem(error: CsvError, begun: DataPlace, seen: DataPlace): Error {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return badData(begun, 'a field in double quotes begins here or below and never ends', error)
    case 'CSV_INVALID_CLOSING_QUOTE':
      return badData(seen, 'text follows a closing quote. Within a quoted field, write a quote as ""', error)
    case 'INVALID_OPENING_QUOTE':
      return badData(
        seen,
        'a quote within a field that is not quoted. Quote the field and write the quote as ""',
        error
      )
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH':
      return badData(
        seen,
        'it has more or fewer fields than the first line. Quote fields that hold commas',
        error
      )
    case 'CSV_MAX_RECORD_SIZE':
      return tooLong(begun, error)
    default:
      return badData(seen, error.message, error)
  }
}
