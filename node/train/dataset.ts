import type { Files } from '../../protocols/ports.ts'
import type { Tokenizer } from '../model/tokenizer.ts'
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
  /** One line for a person: the source, how many tokens of each, and how many a limit left out. */
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
  /** Without them the end of `documents` is held out. */
  readonly heldOutDocuments?: readonly string[]
}

export interface ShardOptions {
  /** Tokens of one training window; each part must fill one, and one token more to predict. */
  readonly windowTokens: number
  /** Use no more than this many training tokens, from the start. */
  readonly trainTokensMax?: number
  /** Use no more than this many held-out tokens, from the start: evaluation takes time. */
  readonly heldOutTokensMax?: number
  /** Share of the tokens at the end that is held out; 0.1 by default. In (0, 1). */
  readonly heldOutFraction?: number
}

/** Enough to see an effect of training, little enough to leave the most for it. */
const defaultHeldOutFraction = 0.1

/**
 * Reads a client's texts: `.txt` is one document, `.jsonl` one `{"text": …}` per line.
 * @throws TrainError MISSING_DATA, UNSUPPORTED_DATA, BAD_DATA (with the line); FilesError
 */
export async function readDocuments(files: Files, path: string): Promise<string[]> {
  const parse = path.endsWith('.jsonl') ? jsonLines : path.endsWith('.txt') ? wholeText : null
  if (parse === null) {
    throw new TrainError(
      'UNSUPPORTED_DATA',
      { path },
      `${path} is neither .txt nor .jsonl. Rename or convert the file.`
    )
  }
  const bytes = await files.read(path)
  if (bytes === null) {
    throw new TrainError(
      'MISSING_DATA',
      { path },
      `there is no data file ${path}. Check the path given with --data.`
    )
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new TrainError(
      'BAD_DATA',
      { path },
      `${path} is not UTF-8 text. Convert it, for example: iconv -f latin1 -t utf-8 ${path}`,
      { cause: error }
    )
  }
  return parse(text, path)
}

/**
 * Tokenizes a client's texts and sets its test set apart, the same way every time. Documents are joined by the
 * tokenizer's end token, if it has one.
 * @throws TrainError TOO_LITTLE_DATA if a part does not fill one window
 */
export function tokenizeShard(
  tokenizer: Tokenizer,
  source: ShardSource,
  options: ShardOptions
): TokenizedShard {
  const { name, documents, heldOutDocuments } = source
  const { windowTokens, trainTokensMax, heldOutTokensMax, heldOutFraction = defaultHeldOutFraction } = options
  if (!(heldOutFraction > 0 && heldOutFraction < 1)) {
    throw new RangeError(`expected heldOutFraction between 0 and 1, got ${heldOutFraction}`)
  }
  const all = encodeDocuments(tokenizer, documents)
  const cut = heldOutDocuments === undefined ? Math.floor(all.length * (1 - heldOutFraction)) : all.length
  const allHeldOut =
    heldOutDocuments === undefined ? all.subarray(cut) : encodeDocuments(tokenizer, heldOutDocuments)
  const train = all.slice(0, Math.min(cut, trainTokensMax ?? cut))
  const heldOut = allHeldOut.slice(0, heldOutTokensMax ?? allHeldOut.length)
  requireWindow(name, 'training', train.length, windowTokens)
  requireWindow(name, 'held-out', heldOut.length, windowTokens)
  return {
    train,
    heldOut,
    heldOutTokenBytes: heldOut.map(id => tokenizer.tokenBytes(id)),
    description: `${name}: ${amount(train.length, cut, 'training')}, ${amount(heldOut.length, allHeldOut.length, 'held-out')}`
  }
}

/** The shards of several clients as one: what training would see if there were no privacy to keep. */
export function pooledShard(shards: readonly TokenizedShard[]): TokenizedShard {
  const train = joined(shards.map(shard => shard.train))
  const heldOut = joined(shards.map(shard => shard.heldOut))
  return {
    train,
    heldOut,
    heldOutTokenBytes: joined(shards.map(shard => shard.heldOutTokenBytes)),
    description:
      `all ${shards.length} clients together: ` +
      `${amount(train.length, train.length, 'training')}, ${amount(heldOut.length, heldOut.length, 'held-out')}`
  }
}

function wholeText(text: string): string[] {
  return text.trim() === '' ? [] : [text]
}

function jsonLines(text: string, path: string): string[] {
  const documents: string[] = []
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return
    const bad = (problem: string): TrainError =>
      new TrainError(
        'BAD_DATA',
        { path, line: i + 1 },
        `${path}, line ${i + 1}: ${problem}. Each line must be one JSON object such as {"text": "…"}.`
      )
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (error) {
      throw bad(`not JSON (${(error as Error).message})`)
    }
    const document =
      typeof value === 'object' && value !== null ? (value as { text?: unknown }).text : undefined
    if (typeof document !== 'string') throw bad('it has no "text" that is a string')
    if (document.trim() !== '') documents.push(document)
  })
  return documents
}

function encodeDocuments(tokenizer: Tokenizer, documents: readonly string[]): Int32Array {
  const separator =
    tokenizer.endTokenId === undefined ? new Int32Array(0) : Int32Array.of(tokenizer.endTokenId)
  const parts = documents.flatMap((document, i) => {
    const ids = tokenizer.encode(document)
    return i === 0 ? [ids] : [separator, ids]
  })
  return joined(parts)
}

function joined(parts: readonly Int32Array[]): Int32Array {
  const out = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function requireWindow(name: string, part: 'training' | 'held-out', got: number, windowTokens: number): void {
  const needed = windowTokens + 1
  if (got >= needed) return
  const fix = part === 'training' ? 'Add more text' : 'Add more text, or hold out more of it'
  throw new TrainError(
    'TOO_LITTLE_DATA',
    { name, part, got, needed },
    `${name} has ${got === 0 ? 'no' : `only ${got}`} ${part} tokens, but one window needs ${needed}. ` +
      `${fix}, or lower the window's length in the manifest.`
  )
}

function amount(used: number, found: number, part: string): string {
  const text = `${used.toLocaleString('en-US')} ${part} tokens`
  return used === found ? text : `${text} (the first of ${found.toLocaleString('en-US')})`
}
