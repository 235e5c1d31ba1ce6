import type { Tokenizer } from '../../model/tokenizer.ts'
import type { MarkedTokens } from './marked-tokens.ts'

/** The characters [start, end) of a text. */
export interface TextSpan {
  readonly start: number
  readonly end: number
}

type SpanTokenizer = Pick<Tokenizer, 'encode' | 'decode' | 'tokenBytes'>

/**
 * The tokens of a whole text, as the model will see it, with those of some spans marked. A token that holds the end of
 * what precedes a span and the beginning of the span is marked; one that holds its end and what follows is not.
 * @param spans - in order, without overlap
 */
export function encodeSpans(
  tokenizer: SpanTokenizer,
  text: string,
  spans: readonly TextSpan[]
): MarkedTokens {
  const ids = tokenizer.encode(text)
  const counts = new Uint8Array(ids.length)
  const cuts = spans.flatMap(({ start, end }) => [start, end])
  const before = tokensByBytes(tokenizer, text, ids, cuts) ?? tokensByPrefix(tokenizer, text, ids, cuts)
  for (let i = 0; i < cuts.length; i += 2) counts.fill(1, before[i]!, before[i + 1]!)
  return { ids, counts }
}

/**
 * For each cut of a text: how many of its tokens lie wholly before, counted in bytes.
 * @returns null if the tokens do not spell the text byte by byte: SentencePiece begins with a space of its own, and
 *   some tokenizers normalize
 */
function tokensByBytes(
  { decode, tokenBytes }: SpanTokenizer,
  text: string,
  ids: Int32Array,
  cuts: readonly number[]
): number[] | null {
  // A special token stands for no text, but here it is spelled out.
  const ends = ids.map(id => tokenBytes(id) || utf8Length(decode([id])))
  for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!
  if ((ends.at(-1) ?? 0) !== utf8Length(text)) return null
  let bytes = 0
  let tokens = 0
  return cuts.map((cut, i) => {
    bytes += utf8Length(text.slice(cuts[i - 1] ?? 0, cut))
    while (tokens < ends.length && ends[tokens]! <= bytes) tokens++
    return tokens
  })
}

/** The same for any tokenizer: what precedes each cut is encoded by itself, and compared. */
function tokensByPrefix(
  { encode }: SpanTokenizer,
  text: string,
  ids: Int32Array,
  cuts: readonly number[]
): number[] {
  return cuts.map(cut => {
    if (cut === text.length) return ids.length
    const before = encode(text.slice(0, cut))
    const different = before.findIndex((id, i) => id !== ids[i])
    return different < 0 ? before.length : different
  })
}

const encoder = new TextEncoder()

function utf8Length(text: string): number {
  return encoder.encode(text).length
}
