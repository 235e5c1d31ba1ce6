/** Tokens to learn from or to measure on. */
export interface TokenText {
  /** [t] */
  readonly ids: Int32Array
  /** Absent: one stream, cut anywhere, in which every token is to be predicted. */
  readonly examples?: ExampleMarks
}

/** What turns a row of tokens into examples that are kept whole. Plain typed arrays: it goes between threads. */
export interface ExampleMarks {
  /** [n], n >= 1: where each example begins, ascending from 0. Each has at least one token that counts. */
  readonly starts: Int32Array
  /** [t], 1: the loss counts this token, 0: it is only read. 0 for the first token of an example: nothing precedes it. */
  readonly counts: Uint8Array
}

/** Tokens [start, end) of a text. */
export interface TokenRange {
  readonly start: number
  readonly end: number
}

/** The examples of a text, in order; a stream is one. */
export function exampleRanges({ ids, examples }: TokenText): TokenRange[] {
  if (examples === undefined) return [{ start: 0, end: ids.length }]
  const { starts } = examples
  return Array.from(starts, (start, i) => ({ start, end: starts[i + 1] ?? ids.length }))
}

/**
 * Cuts a text in two: the first is about `share` of it. A stream is cut after a token, examples between two of them.
 * @param share - in (0, 1)
 * @returns null if one side would have nothing to predict
 */
export function splitText(text: TokenText, share: number): readonly [TokenText, TokenText] | null {
  const { ids, examples } = text
  const wanted = Math.floor(ids.length * share)
  if (examples === undefined) {
    const parts = [{ ids: ids.subarray(0, wanted) }, { ids: ids.subarray(wanted) }] as const
    return parts.every(part => part.ids.length >= 2) ? parts : null
  }
  const { starts, counts } = examples
  const found = starts.findIndex((start, i) => i > 0 && start >= wanted)
  const first = found < 0 ? starts.length - 1 : found
  if (first < 1) return null
  const cut = starts[first]!
  return [
    {
      ids: ids.subarray(0, cut),
      examples: { starts: starts.subarray(0, first), counts: counts.subarray(0, cut) }
    },
    {
      ids: ids.subarray(cut),
      examples: { starts: starts.slice(first).map(start => start - cut), counts: counts.subarray(cut) }
    }
  ]
}
