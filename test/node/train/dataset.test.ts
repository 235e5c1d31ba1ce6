import { expect } from 'chai'
import fc from 'fast-check'
import { parseTokenizer, type Tokenizer } from '../../../node/model/tokenizer.ts'
import {
  pooledShard,
  type ShardOptions,
  type ShardSource,
  tokenizeShard
} from '../../../node/train/dataset.ts'
import { TrainError } from '../../../node/train/errors.ts'
import { tokenizerConfigJson, tokenizerJson } from '../../../scripts/pretrain/bpe.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** One token per byte, byte b as id b + 1, the end of text as 0: every count below can be read off the text. */
const bytewise: Tokenizer = parseTokenizer(utf8(tokenizerJson([])), utf8(tokenizerConfigJson(64)))

function shard(documents: string[], options: Partial<ShardOptions> = {}, heldOutDocuments?: string[]) {
  const source: ShardSource = {
    name: 'notes.txt',
    documents,
    ...(heldOutDocuments ? { heldOutDocuments } : {})
  }
  return tokenizeShard(bytewise, source, { windowTokens: 1, ...options })
}

function shardError(...given: Parameters<typeof shard>): TrainError {
  try {
    shard(...given)
  } catch (error) {
    expect(error).to.be.instanceOf(TrainError)
    return error as TrainError
  }
  throw new Error('not refused')
}

describe('shard of a client', () => {
  it('holds out the last tenth', () => {
    const { train, heldOut } = shard(['0123456789abcdefghij'])
    expect(bytewise.decode(train)).to.equal('0123456789abcdefgh')
    expect(bytewise.decode(heldOut)).to.equal('ij')
  })

  it('holds out another share, or other documents, if asked', () => {
    expect(bytewise.decode(shard(['01234567'], { heldOutFraction: 0.5 }).heldOut)).to.equal('4567')
    const explicit = shard(['01234567'], {}, ['test'])
    expect(bytewise.decode(explicit.train)).to.equal('01234567')
    expect(bytewise.decode(explicit.heldOut)).to.equal('test')
  })

  it('of several documents holds out whole ones, the same ones every time', () => {
    const documents = Array.from({ length: 40 }, (_, i) => String.fromCharCode(48 + i).repeat(5 + (i % 3)))
    const { train, heldOut } = shard(documents)
    const named = (ids: Int32Array) => bytewise.decode(ids).split('<|endoftext|>')
    expect([...named(train), ...named(heldOut)].sort()).to.deep.equal([...documents].sort())
    expect(named(train)).to.deep.equal(documents.filter(document => !named(heldOut).includes(document)))
    expect(named(heldOut).length).to.be.within(3, 5)
    // Files are often sorted: the last ones would be of one kind.
    expect(named(heldOut)).not.to.deep.equal(documents.slice(-named(heldOut).length))
    expect(shard(documents).heldOut).to.deep.equal(heldOut)
  })

  it('of a few long documents holds out the end, if no whole ones come near the share', () => {
    const { train, heldOut } = shard(['a'.repeat(50), 'b'.repeat(49)])
    expect(bytewise.decode(heldOut)).to.equal('b'.repeat(10))
    expect(train.length).to.equal(90)
    // Whole ones would be seven tokens with the end between them: too few for a window.
    const short = shard(['a'.repeat(90), 'bbbbb', 'd'], { windowTokens: 8 })
    expect(bytewise.decode(short.heldOut)).to.equal('aa<|endoftext|>bbbbb<|endoftext|>d')
    const enough = shard(['a'.repeat(90), 'bbbbb', 'd'], { windowTokens: 6 })
    expect(bytewise.decode(enough.heldOut)).to.equal('bbbbb<|endoftext|>d')
  })

  it('joins documents by the end of text', () => {
    const { train } = shard(['ab', 'c'], {}, ['xy'])
    expect([...train]).to.deep.equal([...bytewise.encode('ab'), bytewise.endTokenId, ...bytewise.encode('c')])
  })

  it('knows the bytes of every held-out token', () => {
    const { heldOutTokenBytes } = shard(['train'], {}, ['é', 'x'])
    expect([...heldOutTokenBytes]).to.deep.equal([1, 1, 0, 1])
  })

  it('keeps no more than the limits, and says so', () => {
    const limited = shard(['0123456789'], { trainTokensMax: 3, heldOutTokensMax: 2 }, ['abcdef'])
    expect(bytewise.decode(limited.train)).to.equal('012')
    expect(bytewise.decode(limited.heldOut)).to.equal('ab')
    expect(limited.description).to.equal(
      'notes.txt: 3 training tokens (the first of 10), 2 held-out tokens (the first of 6)'
    )
    const whole = shard(['x'.repeat(2000)], { trainTokensMax: 5000 })
    expect(whole.description).to.equal('notes.txt: 1,800 training tokens, 200 held-out tokens')
  })

  it('never trains on what it holds out, and loses nothing in between', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', ' ', '\n', 'é', '十', '😀'), minLength: 40 }),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        (text, heldOutFraction) => {
          const { train, heldOut } = shard([text], { heldOutFraction })
          expect(bytewise.decode([...train, ...heldOut])).to.equal(text)
        }
      )
    )
  })

  it('that is empty or too short says how many tokens there were and how many are needed', () => {
    const empty = shardError([], { windowTokens: 96 })
    expect(empty.code).to.equal('TOO_LITTLE_DATA')
    expect(empty.data).to.deep.equal({ name: 'notes.txt', part: 'training', got: 0, needed: 97 })
    expect(empty.message).to.include('notes.txt has no training tokens, but one window needs 97')

    const short = shardError(['x'.repeat(100)], { windowTokens: 20 })
    expect(short.data).to.include({ part: 'held-out', got: 10, needed: 21 })
    expect(short.message).to.include('only 10 held-out tokens').and.to.include('Add more text')
    expect(shard(['x'.repeat(210)], { windowTokens: 20 }).heldOut.length).to.equal(21)
  })

  it('pools with others', () => {
    const pool = pooledShard([shard(['aaaa'], {}, ['xx']), shard(['bb'], {}, ['yyy'])])
    expect(bytewise.decode(pool.train)).to.equal('aaaabb')
    expect(bytewise.decode(pool.heldOut)).to.equal('xxyyy')
    expect([...pool.heldOutTokenBytes]).to.deep.equal([1, 1, 1, 1, 1])
    expect(pool.description).to.include('all 2 clients together')
  })
})
