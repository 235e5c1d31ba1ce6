import { type RenderedChat, renderChat } from '../../model/chat-template.ts'
import { ModelError } from '../../model/errors.ts'
import type { Tokenizer } from '../../model/tokenizer.ts'
import { TrainError } from '../errors.ts'
import { encodeSpans } from './encode-spans.ts'
import {
  badData,
  type DataExample,
  type DataPlace,
  EXAMPLE_LENGTH_MAX,
  placeText,
  tooLong
} from './example.ts'
import { allMarked, joinedIds, joinedTokens, type MarkedTokens } from './marked-tokens.ts'

type CompletionExample = Extract<DataExample, { kind: 'completion' }>
type ChatExample = Extract<DataExample, { kind: 'chat' }>

/** A text as the model takes one, without its end token. */
export function encodeDocument(tokenizer: Tokenizer, text: string): Int32Array {
  return joinedIds([tokenizer.beginTokenIds, tokenizer.encode(text)])
}

/** Prompt and completion as one text; the completion counts, and the end token after it: it teaches to stop. */
export function encodeCompletion(
  tokenizer: Tokenizer,
  { prompt, completion }: CompletionExample
): MarkedTokens {
  const text = prompt + completion
  const tokens = encodeSpans(tokenizer, text, [{ start: prompt.length, end: text.length }])
  const begun = joinedTokens([allMarked(tokenizer.beginTokenIds, 0), tokens])
  return withFirstIgnored(withEndToken(tokenizer, begun, true))
}

/**
 * A conversation as the model's template writes it; what the assistant says counts. An end token is added if the
 * template puts none at the end.
 * @throws TrainError NO_CHAT_TEMPLATE, BAD_DATA; ModelError BAD_CHAT_TEMPLATE
 */
export function encodeChat(tokenizer: Tokenizer, { messages }: ChatExample, place: DataPlace): MarkedTokens {
  const { chatTemplate } = tokenizer
  if (chatTemplate === null) {
    throw new TrainError(
      'NO_CHAT_TEMPLATE',
      { path: place.path },
      `${placeText(place)}: it has "messages", but the base model has no chat template (chat_template in ` +
        'tokenizer_config.json, or chat_template.jinja). Use a model made for conversation, or "prompt" and "completion".'
    )
  }
  let chat: RenderedChat
  try {
    chat = renderChat(chatTemplate, messages)
  } catch (error) {
    if (error instanceof ModelError && error.code === 'CHAT_REFUSED')
      throw badData(place, error.message, error)
    throw error
  }
  const { text, turns } = chat
  if (text.length > EXAMPLE_LENGTH_MAX) throw tooLong(place)
  const tokens = encodeSpans(tokenizer, text, turns)
  const { endToken } = chatTemplate
  const isEnded = endToken !== undefined && text.trimEnd().endsWith(endToken)
  const isAnswered = messages.at(-1)!.role === 'assistant'
  return withFirstIgnored(isEnded ? tokens : withEndToken(tokenizer, tokens, isAnswered))
}

function withEndToken({ endTokenId }: Tokenizer, tokens: MarkedTokens, isCounted: boolean): MarkedTokens {
  if (endTokenId === undefined || tokens.ids.at(-1) === endTokenId) return tokens
  return joinedTokens([tokens, allMarked(Int32Array.of(endTokenId), isCounted ? 1 : 0)])
}

/** The first token of an example is predicted from nothing. */
function withFirstIgnored(tokens: MarkedTokens): MarkedTokens {
  tokens.counts[0] = 0
  return tokens
}
