import type { Files } from '../../../protocols/ports.ts'
import {
  badData,
  type DataPlace,
  EXAMPLE_LENGTH_MAX,
  exampleOf,
  type PlacedExample,
  tooLong
} from './example.ts'
import { fileChunks, utf8Chunks } from './file-bytes.ts'

/**
 * One JSON object per line; lines of white space are left out.
 * @throws TrainError MISSING_DATA, BAD_DATA (with the line); FilesError
 */
export async function* readJsonLines(files: Files, path: string): AsyncGenerator<PlacedExample> {
  for await (const { text, place } of lines(utf8Chunks(fileChunks(files, path), path), path)) {
    if (text.trim() !== '') yield { example: exampleOf(jsonObject(text, place), place), place }
  }
}

function jsonObject(text: string, place: DataPlace): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const problem = `not JSON (${(error as Error).message}). ${shape}`
    throw badData(place, problem, error)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw badData(place, `it holds no JSON object. ${shape}`)
}

const shape = 'Each line must be one JSON object such as {"text": "…"}.'

interface Line {
  readonly text: string
  readonly place: DataPlace
}

async function* lines(chunks: AsyncIterable<string>, path: string): AsyncGenerator<Line> {
  let number = 0
  let pending: string[] = []
  let pendingLength = 0
  const take = (rest: string): Line => {
    const text = pending.length === 0 ? rest : pending.join('') + rest
    pending = []
    pendingLength = 0
    const place = { path, unit: 'line', number: ++number } as const
    if (text.length > EXAMPLE_LENGTH_MAX) throw tooLong(place)
    return { text, place }
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', from)) {
      yield take(chunk.slice(from, at))
      from = at + 1
    }
    pending.push(chunk.slice(from))
    pendingLength += chunk.length - from
    if (pendingLength > EXAMPLE_LENGTH_MAX) throw tooLong({ path, unit: 'line', number: number + 1 })
  }
  yield take('')
}
