import { expect } from 'chai'
import fc from 'fast-check'
import { parseTokenizer, type Tokenizer } from '../../../node/model/tokenizer.ts'
import { nodeCodecs } from '../../../node/platform/node-codecs.ts'
import { type EncodedData, encodeData } from '../../../node/train/data/encode-data.ts'
import { readData } from '../../../node/train/data/read-data.ts'
import {
  encodedShard,
  heldOutText,
  pooledShard,
  type ShardOptions,
  type TokenizedShard,
  trainText
} from '../../../node/train/dataset.ts'
import { TrainError } from '../../../node/train/errors.ts'
import { exampleRanges, type TokenText } from '../../../node/train/token-text.ts'
import { tokenizerConfigJson, tokenizerJson } from '../../../scripts/pretrain/bpe.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** One token per byte, and one for the end of text. */
const bytewise: Tokenizer = parseTokenizer(utf8(tokenizerJson([])), utf8(tokenizerConfigJson(64)))

const END = '<|endoftext|>'

function encoded(lines: readonly object[], windowTokens: number): Promise<EncodedData> {
  const content = utf8(lines.map(line => JSON.stringify(line)).join('\n'))
  return encodeData(
    bytewise,
    readData(memoryFiles([['a.jsonl', content]]), 'a.jsonl', nodeCodecs),
    windowTokens
  )
}

async function shard(
  lines: readonly object[],
  options: Partial<ShardOptions> = {},
  heldOutLines?: readonly object[]
): Promise<TokenizedShard> {
  const { windowTokens = 100 } = options
  const data = await encoded(lines, windowTokens)
  const heldOut = heldOutLines === undefined ? null : await encoded(heldOutLines, windowTokens)
  return encodedShard(bytewise, 'a.jsonl', { data, heldOut }, { windowTokens, ...options })
}

/** Each example as text, with what counts in brackets. */
function shown(text: TokenText): string[] {
  return exampleRanges(text).map(({ start, end }) => {
    const first = text.examples!.counts.indexOf(1, start)
    return `${bytewise.decode(text.ids.subarray(start, first))}[${bytewise.decode(text.ids.subarray(first, end))}]`
  })
}

const questions = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ prompt: `${i}?`, completion: ` ${i}.` }))

const shownQuestions = (count: number) => Array.from({ length: count }, (_, i) => `${i}?[ ${i}.${END}]`)

describe('shard of examples', () => {
  it('holds out whole examples, drawn at random, the same ones every time', async () => {
    const made = await shard(questions(50))
    const [train, heldOut] = [shown(trainText(made)), shown(heldOutText(made))]
    expect(heldOut).to.have.length(5)
    expect([...train, ...heldOut].sort()).to.deep.equal(shownQuestions(50).sort())
    expect(heldOut).not.to.deep.equal(shownQuestions(50).slice(-5))
    expect(await shard(questions(50))).to.deep.equal(made)
  })

  it('holds out another share, at least one, or another file, whole', async () => {
    const heldOutOf = async (...given: Parameters<typeof shard>) => shown(heldOutText(await shard(...given)))
    expect(await heldOutOf(questions(10), { heldOutFraction: 0.5 })).to.have.length(5)
    expect(await heldOutOf(questions(2))).to.have.length(1)
    const other = await shard(questions(3), {}, [{ prompt: 'a', completion: 'b' }])
    expect(shown(trainText(other)).sort()).to.deep.equal(shownQuestions(3))
    expect(shown(heldOutText(other))).to.deep.equal([`a[b${END}]`])
  })

  it('may be measured on a text, and a text on examples', async () => {
    const text = { text: 'x'.repeat(120) }
    const onText = await shard(questions(3), {}, [text])
    expect([onText.heldOutExamples, onText.heldOut.length]).to.deep.equal([undefined, 120])
    const onExamples = await shard([text], {}, questions(3))
    expect([onExamples.trainExamples, onExamples.train.length]).to.deep.equal([undefined, 120])
    expect(shown(heldOutText(onExamples)).sort()).to.deep.equal(shownQuestions(3))
  })

  it('keeps whole examples up to the limits, and says so', async () => {
    const made = await shard(questions(10), { heldOutTokensMax: 13, trainTokensMax: 1 }, questions(5))
    expect(shown(heldOutText(made))).to.have.length(2)
    expect(shown(trainText(made))).to.have.length(1)
    expect(made.description).to.equal(
      'a.jsonl: 1 training examples (the first of 10) of 6 tokens, 4 of them to predict, ' +
        '2 held-out examples (the first of 5) of 12 tokens, 8 of them to predict'
    )
  })

  it('says what was cut and what was left out', async () => {
    const lines = [
      ...questions(9),
      { prompt: 'long', completion: 'x'.repeat(30) },
      { prompt: 'x'.repeat(30), completion: 'long' },
      { prompt: 'nothing', completion: '' }
    ]
    const { description } = await shard(lines, { windowTokens: 19 })
    expect(description)
      .to.include('a.jsonl: 9 training examples of ')
      .and.to.include(', 1 held-out examples of ')
    expect(description).to.include(', 1 cut to 20 tokens, ')
    expect(description).to.include(', 1 left out because nothing to predict is in their first 20 tokens, ')
    expect(description).to.include(', 1 left out because the completion is blank')
    const texts = await shard([{ text: 'x'.repeat(2000) }, { text: ' ' }])
    expect(texts.description).to.equal(
      'a.jsonl: 1,800 training tokens, 200 held-out tokens, 1 blank texts left out'
    )
  })

  it('knows the bytes of every held-out token', async () => {
    const { heldOutTokenBytes } = await shard(questions(2), {}, [{ prompt: 'é', completion: 'x' }])
    expect([...heldOutTokenBytes]).to.deep.equal([1, 1, 1, 0])
  })

  it('with too few says how many there were', async () => {
    const refusal = async (...given: Parameters<typeof shard>) => {
      const error = await shard(...given).catch((error: unknown) => error)
      expect(error).to.be.instanceOf(TrainError)
      return error as TrainError
    }
    const one = await refusal(questions(1))
    expect(one.code).to.equal('TOO_LITTLE_DATA')
    expect(one.message).to.equal('a.jsonl has no training examples. Add more examples.')
    const blank = await refusal([{ prompt: 'a', completion: '' }])
    expect(blank.data).to.deep.equal({ name: 'a.jsonl', part: 'training', got: 0, needed: 1 })
    const unmeasured = await refusal(questions(2), {}, [{ prompt: 'a', completion: '' }])
    expect(unmeasured.message).to.include('no held-out examples')
  })

  it('keeps what its parts promise: examples of two tokens and more, the first never predicted', async () => {
    const line = fc.record({ prompt: fc.string({ maxLength: 12 }), completion: fc.string({ maxLength: 12 }) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.integer({ min: 2, max: 16 }),
        async (lines, windowTokens) => {
          const made = await shard(lines, { windowTokens }).catch((error: unknown) => error)
          const usable = lines.filter(
            ({ prompt, completion }) => completion.trim() !== '' && utf8(prompt).length <= windowTokens
          )
          if (made instanceof TrainError) {
            expect(made.code).to.equal('TOO_LITTLE_DATA')
            expect(usable.length).to.be.at.most(1)
            return
          }
          let found = 0
          for (const text of [trainText(made as TokenizedShard), heldOutText(made as TokenizedShard)]) {
            for (const { start, end } of exampleRanges(text)) {
              found++
              const counts = text.examples!.counts.subarray(start, end)
              expect(end - start).to.be.within(2, windowTokens + 1)
              expect(counts[0]).to.equal(0)
              expect(counts.includes(1)).to.equal(true)
            }
          }
          expect(found).to.equal(usable.length)
        }
      )
    )
  })
})

describe('pooled shards', () => {
  it('of examples keep them apart', async () => {
    const parts = await Promise.all([shard(questions(6)), shard(questions(4), {}, questions(3))])
    const pool = pooledShard(parts)
    expect(shown(trainText(pool))).to.deep.equal(parts.flatMap(part => shown(trainText(part))))
    expect(shown(heldOutText(pool))).to.deep.equal(parts.flatMap(part => shown(heldOutText(part))))
    expect(pool.heldOutTokenBytes).to.have.length(pool.heldOut.length)
    expect(pool.description).to.include('all 2 clients together: 9 training examples of ')
  })

  it('of texts and examples cut the texts, and lose nothing', async () => {
    const text = 'abcdefghijklmnopqrstuvwxyz'
    const parts = await Promise.all([
      shard(questions(2), {}, questions(1)),
      shard([{ text: text.repeat(5) }], { windowTokens: 9 }, [{ text }])
    ])
    const { ids, examples } = heldOutText(pooledShard(parts))
    expect(bytewise.decode(ids)).to.equal(`0? 0.${END}${text}`)
    // None is longer than the longest example, which has six tokens.
    expect([...examples!.starts]).to.deep.equal([0, 6, 11, 16, 21, 26])
    const firsts = Array.from(examples!.counts.entries()).filter(([, count]) => count === 0)
    expect(firsts.map(([i]) => i)).to.deep.equal([0, 1, 6, 11, 16, 21, 26])
  })
})
