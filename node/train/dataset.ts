import type { Tokenizer } from '../model/tokenizer.ts'
import type { EncodedData } from './data/encode-data.ts'
import { encodeDocument } from './data/encode-example.ts'
import { shuffledExamples, splitDocuments, splitExamples } from './data/held-out-split.ts'
import { joinedIds } from './data/marked-tokens.ts'
import {
  describePart,
  type PartSource,
  partOf,
  pooledText,
  type ShardPart,
  streamOf
} from './data/shard-part.ts'
import { TrainError } from './errors.ts'
import type { ExampleMarks, TokenText } from './token-text.ts'

/** One client's private data as token ids. */
export interface TokenizedShard {
  /** [t], what the adapter is trained on. */
  readonly train: Int32Array
  /** Absent if `train` is a stream. */
  readonly trainExamples?: ExampleMarks
  /** [h], what it is measured on; never trained on. */
  readonly heldOut: Int32Array
  /** Absent if `heldOut` is a stream. */
  readonly heldOutExamples?: ExampleMarks
  /** [h], UTF-8 bytes that each token of `heldOut` stands for, to turn nats per token into bits per byte. */
  readonly heldOutTokenBytes: Int32Array
  /** One line for a person: the source, how much of each, and what a limit cut or left out. */
  readonly description: string
}

export function trainText({ train, trainExamples }: TokenizedShard): TokenText {
  return { ids: train, ...(trainExamples && { examples: trainExamples }) }
}

export function heldOutText({ heldOut, heldOutExamples }: TokenizedShard): TokenText {
  return { ids: heldOut, ...(heldOutExamples && { examples: heldOutExamples }) }
}

/** Texts of one client. */
export interface ShardSource {
  /** For messages: the file's name, the client's name. */
  readonly name: string
  readonly documents: readonly string[]
  /** Without them a part of `documents` is held out. */
  readonly heldOutDocuments?: readonly string[]
}

export interface ShardOptions {
  /** Tokens of one training window; each part of a text must fill one, and one token more to predict. */
  readonly windowTokens: number
  /** Use no more than this many training tokens, from the start; of examples, whole ones. */
  readonly trainTokensMax?: number
  /** Use no more than this many held-out tokens, likewise: evaluation takes time. */
  readonly heldOutTokensMax?: number
  /** Share of the tokens, or of the examples, that is held out; 0.1 by default. In (0, 1). */
  readonly heldOutFraction?: number
}

/** Enough to see an effect of training, little enough to leave the most for it. */
const defaultHeldOutFraction = 0.1

/**
 * Tokenizes a client's texts and sets its test set apart, the same way every time.
 * @throws TrainError TOO_LITTLE_DATA if a part does not fill one window
 */
export function tokenizeShard(
  tokenizer: Tokenizer,
  source: ShardSource,
  options: ShardOptions
): TokenizedShard {
  const { name, documents, heldOutDocuments } = source
  const encoded = (texts: readonly string[]): EncodedData => ({
    kind: 'texts',
    documents: texts.map(text => encodeDocument(tokenizer, text)),
    blank: 0
  })
  const heldOut = heldOutDocuments === undefined ? null : encoded(heldOutDocuments)
  return encodedShard(tokenizer, name, { data: encoded(documents), heldOut }, options)
}

/** A client's data as tokens. */
export interface EncodedSource {
  readonly data: EncodedData
  /**
   * Null: a part of `data` is held out. Of several documents or examples these are whole ones, drawn at random; of one
   * long text it is the end.
   */
  readonly heldOut: EncodedData | null
}

/**
 * Texts become one stream, joined by the tokenizer's end token, if it has one; examples stay apart.
 * @param name - for messages: the file's name, the client's name
 * @throws TrainError TOO_LITTLE_DATA if a part does not fill one window, or has no example
 */
export function encodedShard(
  tokenizer: Pick<Tokenizer, 'endTokenId' | 'tokenBytes'>,
  name: string,
  { data, heldOut }: EncodedSource,
  options: ShardOptions
): TokenizedShard {
  const { windowTokens, trainTokensMax, heldOutTokensMax, heldOutFraction = defaultHeldOutFraction } = options
  if (!(heldOutFraction > 0 && heldOutFraction < 1)) {
    throw new RangeError(`expected heldOutFraction between 0 and 1, got ${heldOutFraction}`)
  }
  const { endTokenId } = tokenizer
  const [trainSource, heldOutSource] =
    heldOut === null
      ? split(data, heldOutFraction, windowTokens, endTokenId)
      : [undivided(data, endTokenId), undivided(heldOut, endTokenId)]
  const train = partOf(trainSource, trainTokensMax)
  const rest = partOf(heldOutSource, heldOutTokensMax)
  requireEnough(name, 'training', train, windowTokens)
  requireEnough(name, 'held-out', rest, windowTokens)
  const remarks = [data, ...(heldOut === null ? [] : [heldOut])].flatMap(remarksOn)
  return {
    ...shardFields(train.text, rest.text),
    heldOutTokenBytes: rest.text.ids.map(id => tokenizer.tokenBytes(id)),
    description: [
      `${name}: ${describePart(train, 'training')}`,
      describePart(rest, 'held-out'),
      ...remarks
    ].join(', ')
  }
}

/** The shards of several clients as one: what training would see if there were no privacy to keep. */
export function pooledShard(shards: readonly TokenizedShard[]): TokenizedShard {
  const train = pooledText(shards.map(trainText))
  const heldOut = pooledText(shards.map(heldOutText))
  const described = [
    describePart(partOfText(train), 'training'),
    describePart(partOfText(heldOut), 'held-out')
  ]
  return {
    ...shardFields(train, heldOut),
    heldOutTokenBytes: joinedIds(shards.map(shard => shard.heldOutTokenBytes)),
    description: `all ${shards.length} clients together: ${described.join(', ')}`
  }
}

type ShardFields = Pick<TokenizedShard, 'train' | 'trainExamples' | 'heldOut' | 'heldOutExamples'>

function shardFields(train: TokenText, heldOut: TokenText): ShardFields {
  return {
    train: train.ids,
    ...(train.examples && { trainExamples: train.examples }),
    heldOut: heldOut.ids,
    ...(heldOut.examples && { heldOutExamples: heldOut.examples })
  }
}

function partOfText(text: TokenText): ShardPart {
  return { text, found: text.examples?.starts.length ?? text.ids.length }
}

function undivided(data: EncodedData, endTokenId: number | undefined): PartSource {
  if (data.kind === 'texts') return streamOf(data.documents, endTokenId)
  return { kind: 'examples', examples: shuffledExamples(data.examples) }
}

function split(
  data: EncodedData,
  heldOutFraction: number,
  windowTokens: number,
  endTokenId: number | undefined
): readonly [train: PartSource, heldOut: PartSource] {
  if (data.kind === 'examples') {
    const { train, heldOut } = splitExamples(data.examples, heldOutFraction)
    return [
      { kind: 'examples', examples: train },
      { kind: 'examples', examples: heldOut }
    ]
  }
  const drawn = splitDocuments(data.documents, heldOutFraction)
  if (drawn !== null) {
    const train = streamOf(drawn.train, endTokenId)
    const heldOut = streamOf(drawn.heldOut, endTokenId)
    if (train.ids.length > windowTokens && heldOut.ids.length > windowTokens) return [train, heldOut]
  }
  const { ids } = streamOf(data.documents, endTokenId)
  const cut = Math.floor(ids.length * (1 - heldOutFraction))
  return [
    { kind: 'stream', ids: ids.subarray(0, cut) },
    { kind: 'stream', ids: ids.subarray(cut) }
  ]
}

/** What was cut or left out, for a person. */
function remarksOn(data: EncodedData): string[] {
  const remark = (count: number, what: string) =>
    count === 0 ? [] : [`${count.toLocaleString('en-US')} ${what}`]
  if (data.kind === 'texts') return remark(data.blank, 'blank texts left out')
  return [
    ...remark(data.truncated, `cut to ${data.tokensMax} tokens`),
    ...remark(
      data.unanswered,
      `left out because nothing to predict is in their first ${data.tokensMax} tokens`
    ),
    ...remark(data.blank, 'left out because the completion is blank')
  ]
}

function requireEnough(
  name: string,
  part: 'training' | 'held-out',
  { text }: ShardPart,
  windowTokens: number
): void {
  const { ids, examples } = text
  const [got, needed, what] =
    examples === undefined
      ? [ids.length, windowTokens + 1, 'tokens']
      : [examples.starts.length, 1, 'examples']
  if (got >= needed) return
  const more = examples === undefined ? 'Add more text' : 'Add more examples'
  const fix = part === 'training' ? more : `${more}, or hold out more of it`
  const window = examples === undefined ? `, but one window needs ${needed}` : ''
  const lower = examples === undefined ? ", or lower the window's length in the manifest" : ''
  throw new TrainError(
    'TOO_LITTLE_DATA',
    { name, part, got, needed },
    `${name} has ${got === 0 ? 'no' : `only ${got}`} ${part} ${what}${window}. ${fix}${lower}.`
  )
}
