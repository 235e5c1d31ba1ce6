import type { Tokenizer } from '../../model/tokenizer.ts'
import { encodeChat, encodeCompletion, encodeDocument } from './encode-example.ts'
import { badData, type DataExample, type PlacedExample } from './example.ts'
import type { MarkedTokens } from './marked-tokens.ts'

/** One data file as tokens. */
export type EncodedData = EncodedTexts | EncodedExamples

export interface EncodedTexts {
  readonly kind: 'texts'
  /** Each [t], t >= 1. */
  readonly documents: readonly Int32Array[]
  /** Documents of white space alone, left out. */
  readonly blank: number
}

export interface EncodedExamples {
  readonly kind: 'examples'
  /** Each of 2 to `tokensMax` tokens, at least one of which counts; the first does not. */
  readonly examples: readonly MarkedTokens[]
  /** Tokens that fill a window, and the one after them. */
  readonly tokensMax: number
  /** Examples cut to `tokensMax` tokens. */
  readonly truncated: number
  /** Examples left out, as no token that counts is among their first `tokensMax`. */
  readonly unanswered: number
  /** Examples without a completion, left out. */
  readonly blank: number
}

/**
 * Encodes what a data file holds.
 * @param windowTokens - inputs of one window: an example has at most one token more
 * @throws TrainError BAD_DATA, NO_CHAT_TEMPLATE; ModelError BAD_CHAT_TEMPLATE; what reading throws
 */
export async function encodeData(
  tokenizer: Tokenizer,
  data: AsyncIterable<PlacedExample>,
  windowTokens: number
): Promise<EncodedData> {
  const tokensMax = windowTokens + 1
  const documents: Int32Array[] = []
  const examples: MarkedTokens[] = []
  let kind: DataExample['kind'] | null = null
  let [blank, truncated, unanswered] = [0, 0, 0]
  for await (const { example, place } of data) {
    kind ??= example.kind
    if (example.kind !== kind) throw badData(place, mixedKinds(example.kind, kind))
    if (isBlank(example)) {
      blank++
    } else if (example.kind === 'text') {
      documents.push(encodeDocument(tokenizer, example.text))
    } else {
      const isChat = example.kind === 'chat'
      const whole = isChat ? encodeChat(tokenizer, example, place) : encodeCompletion(tokenizer, example)
      const kept = firstTokens(whole, tokensMax)
      if (!kept.counts.includes(1)) unanswered++
      else {
        examples.push(kept)
        if (kept !== whole) truncated++
      }
    }
  }
  return kind === null || kind === 'text'
    ? { kind: 'texts', documents, blank }
    : { kind: 'examples', examples, tokensMax, truncated, unanswered, blank }
}

function isBlank(example: DataExample): boolean {
  if (example.kind === 'text') return example.text.trim() === ''
  return example.kind === 'completion' && example.completion.trim() === ''
}

const kindNames: Readonly<Record<DataExample['kind'], string>> = {
  text: '"text"',
  completion: '"prompt" and "completion"',
  chat: '"messages"'
}

function mixedKinds(kind: DataExample['kind'], before: DataExample['kind']): string {
  return `it has ${kindNames[kind]}, but those before it have ${kindNames[before]}. Give each kind a file of its own`
}

function firstTokens(tokens: MarkedTokens, tokensMax: number): MarkedTokens {
  const { ids, counts } = tokens
  return ids.length <= tokensMax
    ? tokens
    : { ids: ids.slice(0, tokensMax), counts: counts.slice(0, tokensMax) }
}
