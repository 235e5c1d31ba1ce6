/** One entry of a data file, whatever the file's format. */
import type { ChatMessage } from '../../model/chat-template.ts'
import { TrainError } from '../errors.ts'

export type DataExample =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'completion'; readonly prompt: string; readonly completion: string }
  | { readonly kind: 'chat'; readonly messages: readonly ChatMessage[] }

/** Where in a file an example is, for messages: lines and rows are counted from 1. */
export interface DataPlace {
  readonly path: string
  readonly unit: 'line' | 'row'
  readonly number: number
}

export interface PlacedExample {
  readonly example: DataExample
  readonly place: DataPlace
}

/**
 * Longest example in UTF-16 units. It is tokenized in one piece, which takes some sixty bytes and a microsecond for each;
 * a longer one is rather a file that lost its line breaks.
 */
export const EXAMPLE_LENGTH_MAX = 16_000_000

/** What every format can hold, for messages. */
const FORMS = '"text", or "prompt" and "completion"'

export function placeText({ path, unit, number }: DataPlace): string {
  return `${path}, ${unit} ${number}`
}

/** @returns TrainError BAD_DATA that names the place */
export function badData(place: DataPlace, problem: string, cause?: unknown): TrainError {
  const { path, unit, number } = place
  return new TrainError('BAD_DATA', { path, [unit]: number }, `${placeText(place)}: ${problem}`, { cause })
}

/** @returns TrainError BAD_DATA */
export function tooLong(place: DataPlace, cause?: unknown): TrainError {
  return badData(
    place,
    `longer than ${EXAMPLE_LENGTH_MAX / 1e6} million characters. Cut it into several`,
    cause
  )
}

/** The fields that an example is made of, of those that are there: the first of these forms that is complete. */
export function exampleFields(names: readonly string[]): readonly string[] | null {
  const forms = [['messages'], ['prompt', 'completion'], ['text']]
  return forms.find(form => form.every(name => names.includes(name))) ?? null
}

/** What is wrong with names of fields or columns that hold no example. */
export function missingFields(names: readonly string[]): string {
  const [given, missing] = names.includes('prompt') ? ['prompt', 'completion'] : ['completion', 'prompt']
  if (names.includes(given!)) return `it has a "${given}" but no "${missing}"`
  const found =
    names.length === 0
      ? 'none'
      : names
          .slice(0, 8)
          .map(name => JSON.stringify(name))
          .join(', ')
  return `it has neither ${FORMS}, nor "messages" (what it has: ${found})`
}

/**
 * An example of named values. Of several forms the first in this order is meant: messages; prompt and completion; text.
 * @throws TrainError BAD_DATA
 */
export function exampleOf(fields: Readonly<Record<string, unknown>>, place: DataPlace): DataExample {
  const names = exampleFields(Object.keys(fields))
  if (names === null) throw badData(place, missingFields(Object.keys(fields)))
  const text = (name: string): string => {
    const value = fields[name]
    if (typeof value !== 'string')
      throw badData(place, `"${name}" must be a string, but it is ${typeName(value)}`)
    if (value.length > EXAMPLE_LENGTH_MAX) throw tooLong(place)
    return value
  }
  if (names.includes('messages')) return { kind: 'chat', messages: messagesOf(fields['messages'], place) }
  if (names.includes('prompt'))
    return { kind: 'completion', prompt: text('prompt'), completion: text('completion') }
  return { kind: 'text', text: text('text') }
}

function messagesOf(value: unknown, place: DataPlace): ChatMessage[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw badData(place, '"messages" must be a list such as [{"role": "user", "content": "…"}, …]')
  }
  const messages = value.map((message: unknown, i) => {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown }
    for (const [name, field] of Object.entries({ role, content })) {
      if (typeof field !== 'string')
        throw badData(place, `message ${i + 1}: "${name}" must be a string, but it is ${typeName(field)}`)
    }
    return message as ChatMessage
  })
  if (!messages.some(({ role }) => role === 'assistant')) {
    throw badData(place, 'no message has the role "assistant": there is nothing to learn')
  }
  return messages
}

function typeName(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `of type ${typeof value}`
}
