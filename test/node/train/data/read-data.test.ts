import { expect } from 'chai'
import fc from 'fast-check'
import { nodeCodecs } from '../../../../node/platform/node-codecs.ts'
import type { DataExample } from '../../../../node/train/data/example.ts'
import { isDataFile, readData } from '../../../../node/train/data/read-data.ts'
import { TrainError, type TrainErrorCode } from '../../../../node/train/errors.ts'
import type { Files } from '../../../../protocols/ports.ts'
import { memoryFiles } from '../../../../sim/memory-files.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

async function examplesIn(files: Files, path: string): Promise<Array<DataExample & { at: string }>> {
  const found = []
  for await (const { example, place } of readData(files, path, nodeCodecs))
    found.push({ ...example, at: `${place.unit} ${place.number}` })
  return found
}

const read = (path: string, content: string | Uint8Array) =>
  examplesIn(memoryFiles([[path, typeof content === 'string' ? utf8(content) : content]]), path)

async function textsIn(path: string, content: string | Uint8Array): Promise<string[]> {
  return (await read(path, content)).map(example => {
    if (example.kind !== 'text') throw new Error(`expected a text, got ${example.kind}`)
    return example.text
  })
}

async function refusal(
  path: string,
  content: string | Uint8Array,
  code: TrainErrorCode
): Promise<TrainError> {
  const error = await read(path, content).then(
    () => new Error('not refused'),
    error => error
  )
  expect(error).to.be.instanceOf(TrainError)
  expect(error.code).to.equal(code)
  return error
}

/** Each refusal of a line names the file, the line, and says what is wrong with it. */
async function expectBadLine(path: string, content: string, line: number, words: string): Promise<void> {
  const error = await refusal(path, content, 'BAD_DATA')
  expect(error.data).to.deep.equal({ path, line })
  expect(error.message).to.include(`${path}, line ${line}: `).and.to.include(words)
}

describe('data files', () => {
  it('are told by their endings', async () => {
    expect(['a.txt', 'b.jsonl', 'c.CSV', 'd.parquet'].every(isDataFile)).to.equal(true)
    expect(['a.json', 'txt', 'b.csv.gz', 'c'].some(isDataFile)).to.equal(false)
    const error = await refusal('a.docx', 'x', 'UNSUPPORTED_DATA')
    expect(error.message).to.include('a.docx is not .txt, .jsonl, .csv or .parquet')
  })

  it('that are not there are named', async () => {
    for (const path of ['a.txt', 'a.jsonl', 'a.csv', 'a.parquet']) {
      const error = await examplesIn(memoryFiles(), path).catch((error: unknown) => error)
      expect(error).to.be.instanceOf(TrainError).and.to.have.property('code', 'MISSING_DATA')
      expect((error as Error).message)
        .to.include(`no data file ${path}`)
        .and.to.include('--data')
    }
  })

  it('that are not UTF-8 are refused with the command that converts them', async () => {
    for (const path of ['a.txt', 'a.jsonl', 'a.csv']) {
      const latin1 = await refusal(path, Uint8Array.of(...utf8('text\nno'), 0xe9, 0x20), 'BAD_DATA')
      expect(latin1.message).to.include('iconv -f latin1')
      const utf16 = await refusal(path, Uint8Array.of(0xff, 0xfe, 0x74, 0, 0x65, 0), 'BAD_DATA')
      expect(utf16.message).to.include('iconv -f utf-16')
      await refusal(path, Uint8Array.of(...utf8('text\nno'), 0xe2, 0x82), 'BAD_DATA')
    }
  })

  it('are the same wherever the reads of them end', async () => {
    // The first read ends after 2^20 bytes: before, within and after the face.
    for (let face = 2 ** 20 - 5; face <= 2 ** 20 + 1; face++) {
      const text = `${'x'.repeat(face - 2)}é😀 – end`
      expect((await textsIn('a.txt', text))[0] === text).to.equal(true)
      const inJson = text.slice('{"text":"'.length)
      const [first, second] = await textsIn('a.jsonl', `{"text":"${inJson}"}\n{"text":"b"}`)
      expect([first === inJson, second]).to.deep.equal([true, 'b'])
    }
  })
})

describe('.txt', () => {
  it('is one document', async () => {
    expect(await textsIn('a.txt', 'one\n\ntwo\r\n')).to.deep.equal(['one\n\ntwo\r\n'])
    expect(await textsIn('a.txt', '')).to.deep.equal([''])
  })

  it('of Windows begins with a mark that is not text', async () => {
    expect(await textsIn('a.txt', '\ufeffone')).to.deep.equal(['one'])
  })

  it('that is too long for one document is refused before it is read', async () => {
    const files = { ...memoryFiles(), size: async () => 48_000_001, readRange: () => expect.fail('read') }
    const error = await examplesIn(files, 'a.txt').catch((error: unknown) => error)
    expect(error).to.be.instanceOf(TrainError).and.to.have.property('code', 'BAD_DATA')
    expect((error as Error).message)
      .to.include('16 million characters')
      .and.to.include('.jsonl')
  })
})

describe('.jsonl', () => {
  it('is one example per line, and blank lines are none', async () => {
    const content = '\ufeff{"text":"one"}\n\n{"id":7,"text":"two\\nlines"}\r\n \t\n{"text":"\u2028"}'
    expect(await read('a.jsonl', content)).to.deep.equal([
      { kind: 'text', text: 'one', at: 'line 1' },
      { kind: 'text', text: 'two\nlines', at: 'line 3' },
      { kind: 'text', text: '\u2028', at: 'line 5' }
    ])
    expect(await read('a.jsonl', '')).to.deep.equal([])
  })

  it('holds prompts with completions, and conversations', async () => {
    const messages = [
      { role: 'user', content: 'Hi', name: 'Ann' },
      { role: 'assistant', content: 'Hello.' }
    ]
    const content = `${JSON.stringify({ prompt: 'a', completion: 'b' })}\n${JSON.stringify({ messages })}`
    expect(await read('a.jsonl', content)).to.deep.equal([
      { kind: 'completion', prompt: 'a', completion: 'b', at: 'line 1' },
      { kind: 'chat', messages, at: 'line 2' }
    ])
  })

  it('with several forms in one line means messages, then prompt and completion, then text', async () => {
    const messages = [{ role: 'assistant', content: 'Hello.' }]
    const kindOf = async (value: object) => (await read('a.jsonl', JSON.stringify(value)))[0]!.kind
    expect(await kindOf({ text: 'a', prompt: 'b', completion: 'c', messages })).to.equal('chat')
    expect(await kindOf({ text: 'a', prompt: 'b', completion: 'c' })).to.equal('completion')
    expect(await kindOf({ text: 'a', prompt: 'b' })).to.equal('text')
  })

  const wrong: ReadonlyArray<readonly [line: string, words: string]> = [
    ['{"text":', 'not JSON'],
    ['[1]', 'it holds no JSON object'],
    ['3', 'it holds no JSON object'],
    ['null', 'it holds no JSON object'],
    ['{}', 'neither "text", or "prompt" and "completion", nor "messages"'],
    ['{"texts":"x"}', 'what it has: "texts"'],
    ['{"text":7}', '"text" must be a string, but it is of type number'],
    ['{"text":null}', '"text" must be a string, but it is null'],
    ['{"prompt":"a"}', 'it has a "prompt" but no "completion"'],
    ['{"completion":"a"}', 'it has a "completion" but no "prompt"'],
    ['{"prompt":["a"],"completion":"b"}', '"prompt" must be a string, but it is a list'],
    ['{"messages":"hi"}', '"messages" must be a list'],
    ['{"messages":[]}', '"messages" must be a list'],
    ['{"messages":[null]}', 'message 1: "role" must be a string, but it is missing'],
    [
      '{"messages":[{"role":"user","content":[]}]}',
      'message 1: "content" must be a string, but it is a list'
    ],
    ['{"messages":[{"role":"user","content":"a"}]}', 'no message has the role "assistant"']
  ]
  for (const [line, words] of wrong) {
    it(`refuses ${line} with its line`, async () => {
      await expectBadLine('a.jsonl', `{"text":"one"}\n\n${line}\n`, 3, words)
    })
  }

  it('gives back what was written, line by line', async () => {
    const unit = fc.constantFrom('a', ' ', '"', '\\', '\n', '\r', '\0', '\u2028', 'é', '😀')
    const texts = fc.array(fc.string({ unit }), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom('\n', '\r\n'), async (texts, lineBreak) => {
        const content = texts.map(text => JSON.stringify({ text }) + lineBreak).join('')
        expect(await textsIn('a.jsonl', content)).to.deep.equal(texts)
      })
    )
  })

  it('with a line that never ends is refused before it fills the memory', async () => {
    let reads = 0
    const readRange = async (_: string, offset: number, length: number) => {
      reads++
      return new Uint8Array(length).fill(offset === 0 ? 10 : 97)
    }
    const files = { ...memoryFiles(), size: async () => 2 ** 40, readRange }
    const error = await examplesIn(files, 'a.jsonl').catch((error: unknown) => error)
    expect(error).to.be.instanceOf(TrainError)
    expect((error as Error).message).to.include('longer than 16 million characters')
    expect((error as TrainError).data['line']).to.equal(2 ** 20 + 1)
    expect(reads).to.equal(17)
  })
})

describe('.csv', () => {
  it('has a first line of column names and an example per record; other columns do not matter', async () => {
    const content = '\ufeffid, prompt ,completion\r\n1,"a, b","c\nd"\r\n\r\n2,"say ""hi""",e\n3,,f'
    expect(await read('a.csv', content)).to.deep.equal([
      { kind: 'completion', prompt: 'a, b', completion: 'c\nd', at: 'line 2' },
      { kind: 'completion', prompt: 'say "hi"', completion: 'e', at: 'line 5' },
      { kind: 'completion', prompt: '', completion: 'f', at: 'line 6' }
    ])
    expect(await textsIn('a.csv', 'text\none\n"two"')).to.deep.equal(['one', 'two'])
    expect(await read('a.csv', 'text\n')).to.deep.equal([])
    expect(await read('a.csv', '')).to.deep.equal([])
  })

  const wrong: ReadonlyArray<readonly [what: string, content: string, line: number, words: string]> = [
    ['columns of other names', 'question,answer\na,b\n', 1, 'what it has: "question", "answer"'],
    ['a prompt without completion', 'prompt,answer\na,b\n', 1, 'it has a "prompt" but no "completion"'],
    ['conversations', 'messages\n[]\n', 1, 'the first line must name the columns'],
    ['semicolons', 'prompt;completion\na;b\n', 1, 'by commas, not by ";"'],
    ['tabs', 'prompt\tcompletion\na\tb\n', 1, 'by commas, not by "\\t"'],
    ['two columns of one name', 'text,text\na,b\n', 1, 'two columns are named "text"'],
    ['a field too many', 'text,id\n"a\nb",1\nc,2,3\n', 4, 'more or fewer fields than the first line'],
    ['a field too few', 'text,id\na,1\nb\n', 3, 'more or fewer fields than the first line'],
    ['a quote that never ends', 'text\na\n"b\nc\nd\n', 3, 'never ends'],
    ['a quote in a plain field', 'text\na\nb"c\n', 3, 'write the quote as ""'],
    ['text after a quote', 'text\na\n"b"c\n', 3, 'write a quote as ""']
  ]
  for (const [what, content, line, words] of wrong) {
    it(`with ${what} is refused with the line`, () => expectBadLine('a.csv', content, line, words))
  }

  it('gives back what was written, with the line on which each record begins', async () => {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
    const field = fc.string({ unit: fc.constantFrom('a', ' ', ',', '"', '\n', 'é', '😀', ';') })
    const records = fc.array(fc.record({ prompt: field, completion: field }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(records, fc.constantFrom('\n', '\r\n'), async (records, lineBreak) => {
        const written = records.map(({ prompt, completion }) => `${quoted(prompt)},${quoted(completion)}`)
        const content = ['prompt,completion', ...written].map(line => line + lineBreak).join('')
        let line = 2
        const expected = records.map((record, i) => {
          const at = `line ${line}`
          line += written[i]!.split('\n').length
          return { kind: 'completion', ...record, at }
        })
        expect(await read('a.csv', content)).to.deep.equal(expected)
      })
    )
  })
})
