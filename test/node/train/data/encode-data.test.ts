import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { ModelError } from '../../../../node/model/errors.ts'
import { parseTokenizer, type Tokenizer } from '../../../../node/model/tokenizer.ts'
import { embeddedModelDir } from '../../../../node/platform/embedded-model.ts'
import { nodeCodecs } from '../../../../node/platform/node-codecs.ts'
import { type EncodedExamples, encodeData } from '../../../../node/train/data/encode-data.ts'
import { encodeSpans } from '../../../../node/train/data/encode-spans.ts'
import type { MarkedTokens } from '../../../../node/train/data/marked-tokens.ts'
import { readData } from '../../../../node/train/data/read-data.ts'
import { TrainError, type TrainErrorCode } from '../../../../node/train/errors.ts'
import { memoryFiles } from '../../../../sim/memory-files.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const modelFile = (name: string): Buffer => readFileSync(`${embeddedModelDir()}/${name}`)

const END = '<|endoftext|>'

/** The embedded model's tokenizer, taught to take conversations. */
function embedded(chatTemplate?: string): Tokenizer {
  const template = chatTemplate === undefined ? null : utf8(chatTemplate)
  return parseTokenizer(modelFile('tokenizer.json'), modelFile('tokenizer_config.json'), template)
}

const plain = embedded()
const chatty = embedded(
  `{% for m in messages %}{{ '<' + m.role + '>\\n' + m.content }}${END}{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<assistant>\\n' }}{% endif %}`
)

/** Begins a text with a token of its own, and puts a space before it, as Llama 2 does. */
const sentencePiece = parseTokenizer(
  utf8(
    JSON.stringify({
      added_tokens: [
        { id: 0, content: '<s>', special: true },
        { id: 1, content: '</s>', special: true }
      ],
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Prepend', prepend: '\u2581' },
          { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }
        ]
      },
      pre_tokenizer: null,
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [],
        special_tokens: {}
      },
      decoder: {
        type: 'Sequence',
        decoders: [{ type: 'Replace', pattern: { String: '\u2581' }, content: ' ' }, { type: 'Fuse' }]
      },
      model: {
        type: 'BPE',
        vocab: { '<s>': 0, '</s>': 1, '\u2581': 2, a: 3, b: 4, '\u2581a': 5, ab: 6 },
        merges: ['\u2581 a', 'a b']
      }
    })
  ),
  utf8(JSON.stringify({ eos_token: '</s>' }))
)

async function encode(tokenizer: Tokenizer, lines: readonly object[], windowTokens = 1000) {
  const content = lines.map(line => JSON.stringify(line)).join('\n')
  return encodeData(
    tokenizer,
    readData(memoryFiles([['a.jsonl', utf8(content)]]), 'a.jsonl', nodeCodecs),
    windowTokens
  )
}

async function examplesOf(
  tokenizer: Tokenizer,
  lines: readonly object[],
  windowTokens?: number
): Promise<EncodedExamples> {
  const data = await encode(tokenizer, lines, windowTokens)
  if (data.kind !== 'examples') throw new Error('expected examples')
  return data
}

async function refusal(
  tokenizer: Tokenizer,
  lines: readonly object[],
  code: TrainErrorCode
): Promise<TrainError> {
  const error = await encode(tokenizer, lines).then(
    () => new Error('not refused'),
    error => error
  )
  expect(error).to.be.instanceOf(TrainError)
  expect(error.code).to.equal(code)
  return error
}

/** A text with what counts in brackets. */
function marked(tokenizer: Tokenizer, { ids, counts }: MarkedTokens): string {
  let text = ''
  for (let from = 0, to = 0; from < ids.length; from = to) {
    while (to < ids.length && counts[to] === counts[from]) to++
    const run = tokenizer.decode(ids.subarray(from, to))
    text += counts[from] === 1 ? `[${run}]` : run
  }
  return text
}

const user = (content: string) => ({ role: 'user', content })
const assistant = (content: string) => ({ role: 'assistant', content })

describe('prompt and completion', () => {
  it('are one text, of which the completion counts, and the end token after it', async () => {
    const { examples } = await examplesOf(plain, [
      { prompt: 'The state of the Union is', completion: ' strong.' },
      { prompt: 'Question: why?\nAnswer:', completion: ' Because.\n' },
      { prompt: 'No end', completion: ` twice${END}` }
    ])
    expect(examples.map(example => marked(plain, example))).to.deep.equal([
      `The state of the Union is[ strong.${END}]`,
      `Question: why?\nAnswer:[ Because.\n${END}]`,
      `No end[ twice${END}]`
    ])
    const ids = [...plain.encode('The state of the Union is strong.'), plain.endTokenId]
    expect([...examples[0]!.ids]).to.deep.equal(ids)
  })

  it('that share a token: it counts', async () => {
    const [whole] = plain.encode(' the')
    expect(plain.encode(' the')).to.have.length(1)
    const { examples } = await examplesOf(plain, [{ prompt: 'of t', completion: 'he' }])
    const { ids, counts } = examples[0]!
    expect(ids[ids.length - 2]).to.equal(whole)
    expect(marked(plain, { ids, counts })).to.equal(`of[ the${END}]`)
  })

  it('without a prompt: the first token does not count, as nothing precedes it', async () => {
    const { examples } = await examplesOf(plain, [{ prompt: '', completion: 'the Union' }])
    expect(marked(plain, examples[0]!)).to.equal(`the[ Union${END}]`)
  })

  it('without a completion are left out and counted', async () => {
    const line = { prompt: 'a', completion: 'b' }
    const data = await examplesOf(plain, [
      line,
      { prompt: 'a', completion: ' \n' },
      line,
      { prompt: '', completion: '' }
    ])
    expect([data.examples.length, data.blank]).to.deep.equal([2, 2])
  })

  it('begin with the begin token, if the model was taught so', async () => {
    expect([...sentencePiece.beginTokenIds]).to.deep.equal([0])
    expect([...plain.beginTokenIds]).to.deep.equal([])
    const { examples } = await examplesOf(sentencePiece, [{ prompt: 'a', completion: ' ab' }])
    expect([...examples[0]!.ids]).to.deep.equal([0, 5, 5, 4, 1])
    expect([...examples[0]!.counts]).to.deep.equal([0, 0, 1, 1, 1])
    const texts = await encode(sentencePiece, [{ text: 'ab' }])
    expect(texts).to.deep.equal({ kind: 'texts', documents: [Int32Array.of(0, 5, 4)], blank: 0 })
  })
})

describe('a conversation', () => {
  it('counts what the assistant says, every time, with its end token', async () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      user('Hi'),
      assistant('Hello.'),
      user('Bye'),
      assistant('So long.')
    ]
    const { examples } = await examplesOf(chatty, [{ messages }, { messages: messages.slice(0, 4) }])
    expect(marked(chatty, examples[0]!)).to.equal(
      `<system>\nBe brief.${END}\n<user>\nHi${END}\n<assistant>\n[Hello.${END}]\n<user>\nBye${END}\n<assistant>\n[So long.${END}]\n`
    )
    expect(marked(chatty, examples[1]!)).to.equal(
      `<system>\nBe brief.${END}\n<user>\nHi${END}\n<assistant>\n[Hello.${END}]\n<user>\nBye${END}\n`
    )
  })

  it('gets an end token if the template puts none: after an answer it counts', async () => {
    const bare = embedded(
      "{% for m in messages %}{{ '<' + m.role + '>\\n' + m.content + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<assistant>\\n' }}{% endif %}"
    )
    const messages = [user('Hi'), assistant('Hello.')]
    const { examples } = await examplesOf(bare, [{ messages }, { messages: [...messages, user('Bye')] }])
    expect(marked(bare, examples[0]!)).to.equal(`<user>\nHi\n<assistant>\n[Hello.\n${END}]`)
    expect(marked(bare, examples[1]!)).to.equal(`<user>\nHi\n<assistant>\n[Hello.\n]<user>\nBye\n${END}`)
  })

  it('is refused with its line if the model has no template, or the template refuses it', async () => {
    const line = { messages: [user('Hi'), assistant('Hello.')] }
    const missing = await refusal(plain, [line], 'NO_CHAT_TEMPLATE')
    expect(missing.message).to.include('a.jsonl, line 1: ').and.to.include('no chat template')
    const strict = embedded(
      "{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}"
    )
    const refused = await refusal(strict, [{ messages: [assistant('Hello.')] }], 'BAD_DATA')
    expect(refused.message).to.include('a.jsonl, line 1: ').and.to.include('user first')
    const backwards = embedded('{% for m in messages[::-1] %}{{ m.content }} {% endfor %}')
    expect((await refusal(backwards, [line], 'BAD_DATA')).message).to.include('line 1: message 2: ')
  })

  it('with a template that cannot be read is the model’s fault, not the data’s', async () => {
    const error = await encode(embedded('{% for %}'), [{ messages: [assistant('Hello.')] }]).catch(
      (error: unknown) => error
    )
    expect(error).to.be.instanceOf(ModelError).and.to.have.property('code', 'BAD_CHAT_TEMPLATE')
  })
})

describe('encoded data', () => {
  it('keeps no example longer than a window, and counts what it cuts and what it leaves out', async () => {
    const words = 'word '.repeat(40)
    const lines = [
      { prompt: 'short', completion: ' answer' },
      { prompt: 'short', completion: words },
      { prompt: words, completion: 'answer' }
    ]
    const data = await examplesOf(plain, lines, 16)
    expect([data.truncated, data.unanswered, data.tokensMax]).to.deep.equal([1, 1, 17])
    expect(data.examples.map(({ ids }) => ids.length)).to.deep.equal([
      plain.encode('short answer').length + 1,
      17
    ])
    const whole = await examplesOf(plain, lines.slice(1, 2))
    expect(data.examples[1]!.ids).to.deep.equal(whole.examples[0]!.ids.slice(0, 17))
  })

  it('leaves blank texts out, and counts them', async () => {
    const data = await encode(plain, [{ text: 'a' }, { text: ' \n' }, { text: 'b' }])
    expect(data).to.deep.equal({ kind: 'texts', documents: [plain.encode('a'), plain.encode('b')], blank: 1 })
    expect(await encode(plain, [])).to.deep.equal({ kind: 'texts', documents: [], blank: 0 })
  })

  it('is of one kind: the line that is of another is named', async () => {
    const error = await refusal(plain, [{ text: 'a' }, { prompt: 'a', completion: 'b' }], 'BAD_DATA')
    expect(error.message).to.include('a.jsonl, line 2: it has "prompt" and "completion"')
    expect(error.message).to.include('those before it have "text"')
  })
})

describe('encodeSpans', () => {
  const pieces = fc.array(fc.constantFrom('a', ' the', 'Union', '\n\n', '十', '😀', ' ', END), {
    maxLength: 12
  })

  for (const [name, tokenizer] of [
    ['byte-level', plain],
    ['SentencePiece', sentencePiece]
  ] as const) {
    it(`marks the tokens of a span, and one that lies across its beginning (${name})`, () => {
      const alphabet =
        name === 'byte-level' ? pieces : fc.array(fc.constantFrom('a', 'b', ' ', 'ab'), { maxLength: 12 })
      fc.assert(
        fc.property(alphabet, alphabet, alphabet, (before, within, after) => {
          const [a, b, c] = [before.join(''), within.join(''), after.join('')]
          const span = { start: a.length, end: a.length + b.length }
          const { ids, counts } = encodeSpans(tokenizer, a + b + c, [span])
          expect(ids).to.deep.equal(tokenizer.encode(a + b + c))
          const first = counts.indexOf(1)
          const last = counts.lastIndexOf(1)
          if (b !== '' && c === '') expect(last).to.equal(ids.length - 1)
          if (first < 0) return
          expect(counts.subarray(first, last + 1).includes(0)).to.equal(false)
          // What precedes the marked tokens is a beginning of what precedes the span; likewise at its end.
          const decoded = (to: number) => tokenizer.decode(ids.subarray(0, to)).trimStart()
          expect(a.trimStart().startsWith(decoded(first).replaceAll('\ufffd', ''))).to.equal(true)
          expect((a + b).trimStart().startsWith(decoded(last + 1).replaceAll('\ufffd', ''))).to.equal(true)
        })
      )
    })
  }

  it('marks several spans exactly where they begin and end between tokens', () => {
    const text = `one${END}two${END}three${END}four`
    const spans = ['two', 'four'].map(word => ({
      start: text.indexOf(word),
      end: text.indexOf(word) + word.length
    }))
    const tokens = encodeSpans(plain, text, spans)
    expect(marked(plain, tokens)).to.equal(`one${END}[two]${END}three${END}[four]`)
    expect(encodeSpans(plain, text, []).counts.includes(1)).to.equal(false)
  })
})
