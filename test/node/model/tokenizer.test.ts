import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { ModelError } from '../../../node/model/errors.ts'
import {
  checkTokenizerFits,
  loadTokenizer,
  parseTokenizer,
  type Tokenizer
} from '../../../node/model/tokenizer.ts'
import { embeddedModelDir } from '../../../node/platform/embedded-model.ts'
import { nodeFiles } from '../../../node/platform/node-files.ts'
import { memoryFiles } from '../../../sim/memory-files.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value))

/** Whole characters only: half a surrogate pair is no UTF-8 text, so no file can hold it. */
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.lorem())

function refusal(run: () => unknown): ModelError {
  try {
    run()
  } catch (error) {
    expect(error).to.be.instanceOf(ModelError)
    return error as ModelError
  }
  throw new Error('not refused')
}

/** SentencePiece in Hugging Face's form: U+2581 for a space, `<0x0A>` for bytes that have no token. */
const sentencePiece = {
  added_tokens: [
    { id: 0, content: '<s>', special: true },
    { id: 5, content: '<tool>', special: false }
  ],
  normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' },
  pre_tokenizer: null,
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: {}
  },
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' }
    ]
  },
  model: {
    type: 'BPE',
    byte_fallback: true,
    vocab: { '<s>': 0, '\u2581': 1, a: 2, '\u2581a': 3, '<0x0A>': 4, '\u00e9': 6 },
    merges: ['\u2581 a']
  }
}

describe('tokenizer', () => {
  let embedded: Tokenizer
  before(async () => {
    embedded = await loadTokenizer(nodeFiles(embeddedModelDir()))
  })

  describe('of the embedded model', () => {
    it('has 1024 tokens, the end of text among them', () => {
      expect(embedded.vocabularySize).to.equal(1024)
      expect(embedded.decode([embedded.endTokenId!])).to.equal('<|endoftext|>')
    })

    it('gives back any text', () => {
      fc.assert(
        fc.property(text, text => {
          expect(embedded.decode(embedded.encode(text))).to.equal(text)
        }),
        { numRuns: 500, examples: [[''], [' a  b\n\n c\t'], ['word , word .'], ['\ufefftext']] }
      )
    })

    it('gives the ids that the Rust library gives', () => {
      const vectors = JSON.parse(
        readFileSync(new URL('../../vectors/embedded-tokenizer-ids.json', import.meta.url), 'utf8')
      )
      for (const { text, ids } of vectors.cases) {
        expect([...embedded.encode(text)], text.slice(0, 40)).to.deep.equal(ids)
      }
    })

    it('counts the bytes that its tokens stand for', () => {
      fc.assert(
        fc.property(text, text => {
          const bytes = embedded.encode(text).reduce((sum, id) => sum + embedded.tokenBytes(id), 0)
          expect(bytes).to.equal(utf8(text).length)
        }),
        { numRuns: 500 }
      )
    })

    it('gives no bytes to the end of text, and refuses ids that it does not have', () => {
      expect(embedded.tokenBytes(embedded.endTokenId!)).to.equal(0)
      expect(() => embedded.tokenBytes(1024)).to.throw(RangeError, 'below 1024, got 1024')
    })

    it('adds no begin or end token of its own', () => {
      expect(embedded.encode('').length).to.equal(0)
      expect([...embedded.encode('the')]).to.not.include(embedded.endTokenId)
    })
  })

  describe('in SentencePiece form', () => {
    const tokenizer = parseTokenizer(json(sentencePiece), json({ eos_token: { content: '<s>' } }))

    it('counts bytes with U+2581 as a space and byte tokens as one', () => {
      expect([0, 1, 2, 3, 4, 5, 6].map(id => tokenizer.tokenBytes(id))).to.deep.equal([0, 1, 1, 2, 1, 6, 2])
    })

    it('leaves out the begin token that its template would add', () => {
      expect([...tokenizer.encode(' a\n')]).to.deep.equal([3, 4])
    })

    it('names that begin token, for whoever wants it', () => {
      expect([...tokenizer.beginTokenIds]).to.deep.equal([0])
      const bare = parseTokenizer(json({ ...sentencePiece, post_processor: null }), null)
      expect([...bare.beginTokenIds]).to.deep.equal([])
    })

    it('finds the end token in either form of tokenizer_config.json', () => {
      expect(tokenizer.endTokenId).to.equal(0)
      expect(parseTokenizer(json(sentencePiece), json({ eos_token: '<s>' })).endTokenId).to.equal(0)
      expect(parseTokenizer(json(sentencePiece), null).endTokenId).to.equal(undefined)
    })
  })

  describe('has a chat template', () => {
    const rendered = (settings: object | null, template: string | null = null) =>
      parseTokenizer(
        json(sentencePiece),
        settings === null ? null : json(settings),
        template === null ? null : utf8(template)
      ).chatTemplate?.render([{ role: 'user', content: 'Hi' }], false)

    const source = '{{ bos_token }}{{ messages[0].content }}{{ eos_token }}'

    it('from tokenizer_config.json, with its special tokens in either form', () => {
      const settings = {
        chat_template: source,
        bos_token: '<s>',
        eos_token: { content: '</s>' },
        add_bos_token: true
      }
      expect(rendered(settings)).to.equal('<s>Hi</s>')
      expect(rendered({ chat_template: source, bos_token: null })).to.equal('Hi')
    })

    it('of several, the one named default', () => {
      const named = [
        { name: 'tool_use', template: 'tools' },
        { name: 'default', template: source }
      ]
      expect(rendered({ chat_template: named })).to.equal('Hi')
      expect(rendered({ chat_template: named.slice(0, 1) })).to.equal(undefined)
    })

    it('from chat_template.jinja, before any other', async () => {
      expect(rendered({ chat_template: 'old', eos_token: '</s>' }, source)).to.equal('Hi</s>')
      const files = memoryFiles([
        ['tokenizer.json', json(sentencePiece)],
        ['chat_template.jinja', utf8(source)]
      ])
      const { chatTemplate } = await loadTokenizer(files)
      expect(chatTemplate!.render([{ role: 'user', content: 'Hi' }], true)).to.equal('Hi')
    })

    it('or none', () => {
      expect(rendered(null)).to.equal(undefined)
      expect(rendered({ chat_template: null })).to.equal(undefined)
      expect(embedded.chatTemplate).to.equal(null)
    })
  })

  it('that is larger than the model names both sizes and the fix', () => {
    const error = refusal(() => checkTokenizerFits({ vocabularySize: 1024 }, 1000))
    expect(error.code).to.equal('TOKENIZER_MISMATCH')
    expect(error.data).to.deep.equal({ tokenizerSize: 1024, modelSize: 1000 })
    expect(error.message)
      .to.include('1024 tokens')
      .and.to.include('1000')
      .and.to.include('Use the tokenizer.json')
    checkTokenizerFits({ vocabularySize: 1000 }, 1024)
  })

  describe('is refused if', () => {
    const cases: Array<[what: string, content: Uint8Array, reason: string]> = [
      ['it is not JSON', utf8('{"model":'), 'it is not JSON'],
      ['it is no object', utf8('[]'), 'it must hold one JSON object'],
      ['parts are missing', utf8('{}'), 'tokenizer.json cannot be used'],
      [
        'it has a kind of model that nobody knows',
        json({ ...sentencePiece, model: { type: 'Runes' } }),
        'Runes'
      ],
      [
        'its decoder hides how tokens spell bytes',
        json({ ...sentencePiece, decoder: { type: 'WordPiece', prefix: '##', cleanup: false } }),
        'its decoder is WordPiece'
      ]
    ]
    for (const [what, content, reason] of cases) {
      it(what, () => {
        const error = refusal(() => parseTokenizer(content, null))
        expect(error.code).to.equal('BAD_TOKENIZER')
        expect(error.message).to.include(reason).and.to.include('Use the Hugging Face tokenizer.json')
      })
    }

    it('it is not there', async () => {
      const error = await loadTokenizer(memoryFiles()).catch(error => error)
      expect(error).to.be.instanceOf(ModelError).and.to.have.property('code', 'MISSING_FILE')
    })
  })
})
