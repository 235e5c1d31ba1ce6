import type { Files } from '../../../protocols/ports.ts'
import { TrainError } from '../errors.ts'
import { EXAMPLE_LENGTH_MAX, type PlacedExample } from './example.ts'
import { dataFileBytes, fileChunks, utf8Chunks } from './file-bytes.ts'
import { readCsv } from './read-csv.ts'
import { readJsonLines } from './read-jsonl.ts'
import { type DataCodecs, readParquet } from './read-parquet.ts'

type DataReader = (files: Files, path: string, codecs: DataCodecs) => AsyncIterable<PlacedExample>

const readers: Readonly<Record<string, DataReader>> = {
  '.txt': readWholeText,
  '.jsonl': readJsonLines,
  '.csv': readCsv,
  '.parquet': readParquet
}

/** For messages. */
export const DATA_ENDINGS = `${Object.keys(readers).slice(0, -1).join(', ')} or ${Object.keys(readers).at(-1)}`

/** Whether the name ends as that of a data file does. */
export function isDataFile(name: string): boolean {
  return readerOf(name) !== undefined
}

/**
 * The examples of a data file, in order, by the ending of its name.
 * @throws TrainError MISSING_DATA, UNSUPPORTED_DATA, BAD_DATA (with line or row); FilesError
 */
export async function* readData(
  files: Files,
  path: string,
  codecs: DataCodecs
): AsyncGenerator<PlacedExample> {
  const reader = readerOf(path)
  if (reader === undefined) {
    throw new TrainError(
      'UNSUPPORTED_DATA',
      { path },
      `${path} is not ${DATA_ENDINGS}. Rename or convert the file.`
    )
  }
  yield* reader(files, path, codecs)
}

function readerOf(path: string): DataReader | undefined {
  const ending = Object.keys(readers).find(ending => path.toLowerCase().endsWith(ending))
  return ending === undefined ? undefined : readers[ending]
}

/** One document, whatever is in it. */
async function* readWholeText(files: Files, path: string): AsyncGenerator<PlacedExample> {
  const tooLong = () =>
    new TrainError(
      'BAD_DATA',
      { path },
      `${path} is longer than ${EXAMPLE_LENGTH_MAX / 1e6} million characters, too long for one document. ` +
        'Make a .jsonl file of it, with one {"text": "…"} per line.'
    )
  if ((await dataFileBytes(files, path)) > 3 * EXAMPLE_LENGTH_MAX) throw tooLong()
  let text = ''
  for await (const chunk of utf8Chunks(fileChunks(files, path), path)) text += chunk
  if (text.length > EXAMPLE_LENGTH_MAX) throw tooLong()
  yield { example: { kind: 'text', text }, place: { path, unit: 'line', number: 1 } }
}
