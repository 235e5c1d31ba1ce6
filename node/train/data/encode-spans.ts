import type { Tokenizer } from '../../model/tokenizer.ts'
import type { MarkedTokens } from './marked-tokens.ts'

/** The characters [start, end) of a text. */
export interface TextSpan {
  readonly start: number
  readonly end: number
}

/**
 * The tokens of a whole text, as the model will see it, with those of some spans marked. A token that holds the end of
 * what precedes a span and the beginning of the span is marked.
 * @param spans - in order, without overlap
 */
export function encodeSpans(
  tokenizer: Pick<Tokenizer, 'encode'>,
  text: string,
  spans: readonly TextSpan[]
): MarkedTokens {
  const ids = tokenizer.encode(text)
  const counts = new Uint8Array(ids.length)
  const cuts = spans.flatMap(({ start, end }) => [start, end])
  const tokensBefore = tokensBeforeCuts(tokenizer, text, ids, cuts)
  for (let i = 0; i < cuts.length; i += 2) counts.fill(1, tokensBefore[i]!, tokensBefore[i + 1]!)
  return { ids, counts }
}

/** For each cut of a text: how many of its tokens lie wholly before. */
function tokensBeforeCuts(
  { encode }: Pick<Tokenizer, 'encode'>,
  text: string,
  ids: Int32Array,
  cuts: readonly number[]
): number[] {
  const parts = [...cuts, text.length].map((cut, i) => encode(text.slice(cuts[i - 1] ?? 0, cut)))
  let at = 0
  const sums = parts.map(part => {
    at += part.length
    return at
  })
  // In most vocabularies the cuts fall between tokens. Where a token lies across one, or a part begins otherwise by
  // itself (SentencePiece puts a space there), what precedes each cut is encoded and compared.
  if (at === ids.length && parts.every((part, i) => equalAt(ids, part, sums[i]! - part.length)))
    return sums.slice(0, -1)
  return cuts.map(cut => {
    const before = encode(text.slice(0, cut))
    const different = before.findIndex((id, i) => id !== ids[i])
    return different < 0 ? Math.min(before.length, ids.length) : different
  })
}

function equalAt(ids: Int32Array, part: Int32Array, at: number): boolean {
  return part.every((id, i) => id === ids[at + i])
}
