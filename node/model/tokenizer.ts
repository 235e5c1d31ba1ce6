import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import type { Files } from '../../protocols/ports.ts'
import { type ChatTemplate, chatTemplate } from './chat-template.ts'
import { ModelError } from './errors.ts'

export interface Tokenizer {
  /** One more than the largest token id. */
  readonly vocabularySize: number
  /** The token that ends a document, if the tokenizer has one. */
  readonly endTokenId: number | undefined
  /** What the model was taught to see before a text: its begin token, or nothing. */
  readonly beginTokenIds: Int32Array
  /** How the model takes conversations, if it was taught to. */
  readonly chatTemplate: ChatTemplate | null
  /** Token ids of a text, without begin or end tokens. */
  encode(text: string): Int32Array
  decode(ids: ArrayLike<number>): string
  /**
   * UTF-8 bytes of text that a token stands for, so that bits per token become bits per byte. Exact for byte-level
   * tokenizers: the sum over an encoded text is its length in bytes. A special token (end of text) stands for none.
   */
  tokenBytes(id: number): number
}

/**
 * Reads `tokenizer.json` (and `tokenizer_config.json` and `chat_template.jinja`, if they are there) of a model folder.
 * @throws ModelError MISSING_FILE or BAD_TOKENIZER
 */
export async function loadTokenizer(files: Files): Promise<Tokenizer> {
  const json = await files.read('tokenizer.json')
  if (json === null) {
    throw new ModelError(
      'MISSING_FILE',
      { path: 'tokenizer.json' },
      'tokenizer.json is missing from the model folder. Download it from where the weights came from.'
    )
  }
  return parseTokenizer(
    json,
    await files.read('tokenizer_config.json'),
    await files.read('chat_template.jinja')
  )
}

/**
 * @param json - content of `tokenizer.json`
 * @param settings - content of `tokenizer_config.json`, or null
 * @param template - content of `chat_template.jinja`, or null; it comes before a template in `settings`
 * @throws ModelError BAD_TOKENIZER
 */
export function parseTokenizer(
  json: Uint8Array,
  settings: Uint8Array | null,
  template: Uint8Array | null = null
): Tokenizer {
  const definition = parseObject(json, 'tokenizer.json')
  const config = settings === null ? {} : parseObject(settings, 'tokenizer_config.json')
  let inner: HuggingFaceTokenizer
  try {
    // The library's default joins "word ," to "word,", which would lose bytes of the text.
    inner = new HuggingFaceTokenizer(withNumerals(definition), {
      ...config,
      clean_up_tokenization_spaces: false
    })
  } catch (error) {
    throw badTokenizer('tokenizer.json', (error as Error).message, error)
  }
  const byteCounts = tokenByteCounts(inner, definition)
  if (byteCounts.length === 0) throw badTokenizer('tokenizer.json', 'its vocabulary is empty')

  return {
    vocabularySize: byteCounts.length,
    endTokenId: endTokenId(inner, config),
    beginTokenIds: beginTokenIds(inner),
    chatTemplate: templateOf(config, template),
    encode(text) {
      if (text === '') return new Int32Array(0)
      return Int32Array.from(inner.encode(text, { add_special_tokens: false }).ids)
    },
    decode(ids) {
      return ids.length === 0 ? '' : inner.decode(Array.from(ids), { skip_special_tokens: false })
    },
    tokenBytes(id) {
      const bytes = byteCounts[id]
      if (bytes === undefined)
        throw new RangeError(`expected a token id below ${byteCounts.length}, got ${id}`)
      return bytes
    }
  }
}

/**
 * Checks that every id of the tokenizer has an embedding. A model may have more (padded vocabularies are common).
 * @throws ModelError TOKENIZER_MISMATCH
 */
export function checkTokenizerFits(tokenizer: Pick<Tokenizer, 'vocabularySize'>, modelSize: number): void {
  const tokenizerSize = tokenizer.vocabularySize
  if (tokenizerSize <= modelSize) return
  throw new ModelError(
    'TOKENIZER_MISMATCH',
    { tokenizerSize, modelSize },
    `tokenizer.json does not match the model: it has ${tokenizerSize} tokens, but config.json gives the model ` +
      `${modelSize} (vocab_size). Use the tokenizer.json that was published with these weights.`
  )
}

type JsonObject = Record<string, unknown>

function parseObject(bytes: Uint8Array, path: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw badTokenizer(path, `it is not JSON (${(error as Error).message})`, error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badTokenizer(path, 'it must hold one JSON object')
  }
  return value as JsonObject
}

/**
 * The JavaScript library's `Digits` splits at 0 to 9 only, the original at every numeral (², ½, ٣): the same text would
 * become other tokens than those that the model was trained on. A `Split` says what is meant.
 */
function withNumerals(definition: JsonObject): JsonObject {
  return { ...definition, pre_tokenizer: splitAtNumerals(definition['pre_tokenizer']) }
}

function splitAtNumerals(part: unknown): unknown {
  if (typeof part !== 'object' || part === null) return part
  const { type, pretokenizers, individual_digits: isIndividual } = part as JsonObject
  if (type === 'Sequence' && Array.isArray(pretokenizers)) {
    return { ...part, pretokenizers: pretokenizers.map(splitAtNumerals) }
  }
  if (type !== 'Digits') return part
  const pattern = { Regex: isIndividual === true ? '\\p{N}' : '\\p{N}+' }
  return { type: 'Split', pattern, behavior: 'Isolated', invert: false }
}

/** Bytes by token id. A hole in the ids counts no bytes: no text encodes to it. */
function tokenByteCounts(inner: HuggingFaceTokenizer, definition: JsonObject): Uint16Array {
  const added = inner.get_added_tokens_decoder()
  const vocabulary = [...inner.get_vocab()].filter(([token]) => token !== undefined)
  const ids = [...vocabulary.map(([, id]) => id), ...added.keys()]
  const counts = new Uint16Array(ids.reduce((max, id) => Math.max(max, id + 1), 0))
  const bytesOf = byteCounter(definition)
  for (const [token, id] of vocabulary) counts[id] = bytesOf(token)
  const encoder = new TextEncoder()
  for (const [id, token] of added) counts[id] = token.special ? 0 : encoder.encode(token.content).length
  return counts
}

/** How a vocabulary spells bytes: one character each (ByteLevel), or as text with U+2581 for a space (SentencePiece). */
function byteCounter(definition: JsonObject): (token: string) => number {
  const kinds = partTypes(definition['decoder'])
  if (kinds.includes('ByteLevel')) return token => [...token].length
  if (kinds.some(kind => kind === 'Metaspace' || kind === 'ByteFallback' || kind === 'Replace')) {
    const encoder = new TextEncoder()
    return token =>
      /^<0x[0-9A-F]{2}>$/.test(token) ? 1 : encoder.encode(token.replaceAll('\u2581', ' ')).length
  }
  throw badTokenizer(
    'tokenizer.json',
    `its decoder is ${kinds.length > 0 ? kinds.join(' + ') : 'missing'}, but only byte-level and SentencePiece ` +
      'vocabularies are supported'
  )
}

function partTypes(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return []
  const { type, decoders } = part as { type?: unknown; decoders?: unknown }
  if (Array.isArray(decoders)) return decoders.flatMap(partTypes)
  return typeof type === 'string' ? [type] : []
}

function endTokenId(inner: HuggingFaceTokenizer, config: JsonObject): number | undefined {
  const content = specialTokenText(config['eos_token'])
  return content === undefined ? undefined : inner.token_to_id(content)
}

/** What the tokenizer's post-processor puts before a text. */
function beginTokenIds(inner: HuggingFaceTokenizer): Int32Array {
  const plain: number[] = inner.encode('a', { add_special_tokens: false }).ids
  const whole: number[] = inner.encode('a', { add_special_tokens: true }).ids
  const at = whole.findIndex((_, i) => plain.every((id, j) => whole[i + j] === id))
  return Int32Array.from(whole.slice(0, Math.max(0, at)))
}

/** A special token is named as text, or as an object with its text as `content`. */
function specialTokenText(token: unknown): string | undefined {
  const content =
    typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token
  return typeof content === 'string' ? content : undefined
}

/** Several templates are told apart by name: for other uses than a plain conversation there are others. */
function templateOf(config: JsonObject, file: Uint8Array | null): ChatTemplate | null {
  const tokens = Object.entries(config).flatMap(([name, token]) => {
    const text = name.endsWith('_token') ? specialTokenText(token) : undefined
    return text === undefined ? [] : [[name, text] as const]
  })
  const specialTokens = Object.fromEntries(tokens)
  if (file !== null) return chatTemplate(new TextDecoder().decode(file), specialTokens, 'chat_template.jinja')
  const given = config['chat_template']
  const named: unknown[] = Array.isArray(given) ? given : [{ name: 'default', template: given }]
  const found = named.find(entry => (entry as { name?: unknown } | null)?.name === 'default')
  const source = (found as { template?: unknown } | undefined)?.template
  return typeof source === 'string' ? chatTemplate(source, specialTokens, 'tokenizer_config.json') : null
}

function badTokenizer(path: string, problem: string, cause?: unknown): ModelError {
  return new ModelError(
    'BAD_TOKENIZER',
    { path },
    `${path} cannot be used: ${problem}. Use the Hugging Face ${path} that was published with these weights.`,
    { cause }
  )
}
