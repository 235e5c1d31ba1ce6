/**
 * Trains the embedded tokenizer and writes it in Hugging Face layout: `node scripts/pretrain/bpe.ts`.
 * Byte-level BPE (Sennrich et al. 2016, arXiv:1508.07909; Radford et al. 2019 for the bytes).
 */
import { embeddedModelDir } from '../../node/platform/embedded-model.ts'
import { nodeFiles } from '../../node/platform/node-files.ts'
import { corpusText } from './corpus.ts'

export const endOfText = '<|endoftext|>'
export const vocabularySize = 1024

/** The pattern that Hugging Face's ByteLevel pre-tokenizer applies, so that training sees what encoding will see. */
const pieces = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu

/** GPT-2's printable stand-in for each byte: itself where it prints, else U+0100 and on. */
export const byteCharacters: readonly string[] = (() => {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => {
    const prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    return String.fromCharCode(prints ? byte : next++)
  })
})()

export type Merge = readonly [left: string, right: string]

interface Word {
  symbols: string[]
  readonly count: number
}

/**
 * Learns merges greedily: the most frequent neighbouring pair becomes one symbol, `mergeCount` times over. Ties go
 * to the pair that sorts first, so the result does not depend on the order of the text.
 */
export function trainMerges(texts: readonly string[], mergeCount: number): Merge[] {
  const words = countedWords(texts)
  const pairs = new Map<string, { count: number; readonly words: Set<Word> }>()
  const add = (word: Word, sign: 1 | -1): void => {
    for (let i = 0; i + 1 < word.symbols.length; i++) {
      const key = `${word.symbols[i]} ${word.symbols[i + 1]}`
      const pair = pairs.get(key) ?? { count: 0, words: new Set<Word>() }
      pairs.set(key, pair)
      pair.count += sign * word.count
      if (sign === 1) pair.words.add(word)
    }
  }
  for (const word of words) add(word, 1)
  const merges: Merge[] = []
  while (merges.length < mergeCount) {
    let best = ''
    let bestCount = 1
    for (const [key, { count }] of pairs) {
      if (count > bestCount || (count === bestCount && best !== '' && key < best))
        [best, bestCount] = [key, count]
    }
    if (best === '') break
    const [left, right] = best.split(' ') as [string, string]
    merges.push([left, right])
    for (const word of pairs.get(best)!.words) {
      add(word, -1)
      word.symbols = merged(word.symbols, left, right)
      add(word, 1)
    }
    pairs.delete(best)
  }
  return merges
}

/** The content of `tokenizer.json`: the special token first, then the bytes in their order, then the merges. */
export function tokenizerJson(merges: readonly Merge[]): string {
  const tokens = [endOfText, ...byteCharacters, ...merges.map(([left, right]) => left + right)]
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [{ id: 0, content: endOfText, ...flags }],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map(([left, right]) => `${left} ${right}`)
    }
  }
  return `${JSON.stringify(json, null, 1)}\n`
}

export function tokenizerConfigJson(maxPositions: number): string {
  const json = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: endOfText,
    eos_token: endOfText,
    unk_token: null,
    add_bos_token: false,
    add_prefix_space: false,
    // The library's default joins "word ," to "word,", which would lose bytes of the text.
    clean_up_tokenization_spaces: false,
    model_max_length: maxPositions
  }
  return `${JSON.stringify(json, null, 2)}\n`
}

function countedWords(texts: readonly string[]): Word[] {
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const [piece] of text.matchAll(pieces)) counts.set(piece, (counts.get(piece) ?? 0) + 1)
  }
  const encoder = new TextEncoder()
  return Array.from(counts, ([piece, count]) => ({
    symbols: Array.from(encoder.encode(piece), byte => byteCharacters[byte]!),
    count
  }))
}

function merged(symbols: readonly string[], left: string, right: string): string[] {
  const out: string[] = []
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      out.push(left + right)
      i++
    } else out.push(symbols[i]!)
  }
  return out
}

if (import.meta.main) {
  const { wordnet, mobyDick } = await corpusText()
  const merges = trainMerges([wordnet, mobyDick], vocabularySize - 256 - 1)
  const files = nodeFiles(embeddedModelDir())
  await files.write('tokenizer.json', new TextEncoder().encode(tokenizerJson(merges)))
  await files.write('tokenizer_config.json', new TextEncoder().encode(tokenizerConfigJson(256)))
  console.log(`${merges.length} merges written to ${embeddedModelDir()}`)
}
