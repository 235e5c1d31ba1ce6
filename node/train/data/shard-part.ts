import { exampleRanges, type TokenText } from '../token-text.ts'
import { joinedIds, joinedTokens, type MarkedTokens } from './marked-tokens.ts'

/** What one side of a shard, training or held-out, is made of. */
export type PartSource =
  | StreamSource
  | { readonly kind: 'examples'; readonly examples: readonly MarkedTokens[] }

export interface StreamSource {
  readonly kind: 'stream'
  readonly ids: Int32Array
}

/** The first of a source, as far as a limit allows. */
export interface ShardPart {
  readonly text: TokenText
  /** Tokens of a stream, or examples, that the source has. */
  readonly found: number
}

/** Documents as one stream, with `endTokenId` between them if there is one. */
export function streamOf(documents: readonly Int32Array[], endTokenId: number | undefined): StreamSource {
  const separator = endTokenId === undefined ? [] : [Int32Array.of(endTokenId)]
  return {
    kind: 'stream',
    ids: joinedIds(documents.flatMap((document, i) => (i === 0 ? [document] : [...separator, document])))
  }
}

/** @param tokensMax - whole examples up to this many tokens, but at least one */
export function partOf(source: PartSource, tokensMax = Number.POSITIVE_INFINITY): ShardPart {
  if (source.kind === 'stream') {
    const { ids } = source
    return { text: { ids: ids.slice(0, Math.min(ids.length, tokensMax)) }, found: ids.length }
  }
  const { examples } = source
  const used: MarkedTokens[] = []
  const starts: number[] = []
  let tokens = 0
  for (const example of examples) {
    if (used.length > 0 && tokens + example.ids.length > tokensMax) break
    used.push(example)
    starts.push(tokens)
    tokens += example.ids.length
  }
  const { ids, counts } = joinedTokens(used)
  return { text: { ids, examples: { starts: Int32Array.from(starts), counts } }, found: examples.length }
}

/** Texts of several clients as one. If one of them has examples, the streams are cut into pieces no longer than those. */
export function pooledText(texts: readonly TokenText[]): TokenText {
  const ids = joinedIds(texts.map(text => text.ids))
  const longest = texts
    .filter(({ examples }) => examples !== undefined)
    .flatMap(exampleRanges)
    .reduce((max, { start, end }) => Math.max(max, end - start), 0)
  if (longest === 0) return { ids }
  const starts: number[] = []
  const counts = new Uint8Array(ids.length)
  let at = 0
  for (const { ids: own, examples } of texts) {
    if (examples !== undefined) {
      for (const start of examples.starts) starts.push(at + start)
      counts.set(examples.counts, at)
    } else {
      counts.fill(1, at, at + own.length)
      // Pieces of three or fewer could be cut to one token, which has nothing to predict.
      const pieces = Math.ceil(own.length / Math.max(3, longest))
      for (let piece = 0; piece < pieces; piece++) {
        const start = at + Math.floor((piece * own.length) / pieces)
        starts.push(start)
        counts[start] = 0
      }
    }
    at += own.length
  }
  return { ids, examples: { starts: Int32Array.from(starts), counts } }
}

/** For a person. @param name - `training` or `held-out` */
export function describePart({ text, found }: ShardPart, name: string): string {
  const tokens = `${count(text.ids.length)} ${name} tokens`
  if (text.examples === undefined) return withLimit(tokens, text.ids.length, found)
  const { starts, counts } = text.examples
  const counted = counts.reduce((sum, value) => sum + value, 0)
  const examples = withLimit(`${count(starts.length)} ${name} examples`, starts.length, found)
  return `${examples} of ${count(text.ids.length)} tokens, ${count(counted)} of them to predict`
}

function withLimit(text: string, used: number, found: number): string {
  return used === found ? text : `${text} (the first of ${count(found)})`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}
