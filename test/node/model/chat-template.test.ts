import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type ChatMessage, chatTemplate, renderChat } from '../../../node/model/chat-template.ts'
import { ModelError, type ModelErrorCode } from '../../../node/model/errors.ts'

interface Vectors {
  readonly templates: ReadonlyArray<{
    readonly name: string
    readonly template: string
    readonly specialTokens: Record<string, string>
    readonly cases: ReadonlyArray<{
      readonly name: string
      readonly messages: readonly ChatMessage[]
      readonly addGenerationPrompt: boolean
      /** Or the error that the template raises. */
      readonly text?: string
      readonly error?: string
    }>
  }>
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL('../../vectors/hf/chat-templates.json', import.meta.url), 'utf8')
)

const template = (source: string, specialTokens: Record<string, string> = {}) =>
  chatTemplate(source, specialTokens, 'chat_template.jinja')

function refusal(run: () => unknown, code: ModelErrorCode): ModelError {
  try {
    run()
  } catch (error) {
    expect(error).to.be.instanceOf(ModelError)
    expect((error as ModelError).code).to.equal(code)
    return error as ModelError
  }
  throw new Error('not refused')
}

const says = (role: string, content: string): ChatMessage => ({ role, content })

const conversation = [
  says('user', 'Hi'),
  says('assistant', 'Hello.'),
  says('user', 'Bye'),
  says('assistant', 'So long.')
]

describe('chat templates (vectors: transformers, apply_chat_template)', () => {
  for (const { name, template: source, specialTokens, cases } of vectors.templates) {
    it(`${name} gives the text that transformers gives`, () => {
      const used = template(source, specialTokens)
      for (const { name, messages, addGenerationPrompt, text, error } of cases) {
        const render = () => used.render(messages, addGenerationPrompt)
        if (error === undefined) expect(render(), name).to.equal(text)
        else expect(refusal(render, 'CHAT_REFUSED').data['reason'], name).to.equal(error)
      }
    })

    it(`${name}: each answer is found, with its end token`, () => {
      const used = template(source, specialTokens)
      const answers = cases.filter(
        ({ messages, error }) => error === undefined && messages.some(({ role }) => role === 'assistant')
      )
      expect(answers).not.to.deep.equal([])
      for (const { name, messages } of answers) {
        const { text, turns } = renderChat(used, messages)
        const said = turns.map(({ start, end }) => text.slice(start, end))
        const wanted = messages.filter(({ role }) => role === 'assistant')
        expect(said).to.have.length(wanted.length)
        said.forEach((answer, i) => {
          expect(answer.endsWith(used.endToken!), name).to.equal(true)
          // Templates trim; the words themselves are all there, and nothing else.
          expect(answer.slice(0, -used.endToken!.length).trim(), name).to.equal(wanted[i]!.content.trim())
        })
      }
    })
  }
})

describe('a chat template', () => {
  it('has its special tokens, no tools, and a calendar that stands still', () => {
    const source =
      "{{ bos_token }}{{ tools is none }} {{ strftime_now('%d %b %Y, %A %%') }}{% for i in range(1, 7, 2) %} {{ i }}{% endfor %}"
    const text = '<s>true 26 Jul 2024, Friday % 1 3 5'
    expect(template(source, { bos_token: '<s>' }).render([], false)).to.equal(text)
  })

  it('sees every field of a message, and never takes words of one for its own', () => {
    const source = '{% for m in messages %}{{ m.name }}: {{ m.content }};{% endfor %}'
    const messages = [{ ...says('user', '{{ 7 * 7 }}{% raise %}'), name: 'Ann' }]
    expect(template(source).render(messages, false)).to.equal('Ann: {{ 7 * 7 }}{% raise %};')
  })

  it('that cannot be read is refused when it is used, with its file', () => {
    const broken = template('{% for m in %}')
    const error = refusal(() => broken.render([], false), 'BAD_CHAT_TEMPLATE')
    expect(error.message).to.include('chat_template.jinja').and.to.include('published with these weights')
  })

  it('that refuses a conversation says why', () => {
    const strict = template(
      "{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}"
    )
    const error = refusal(() => strict.render([says('assistant', 'a')], false), 'CHAT_REFUSED')
    expect(error.message).to.include('refuses these messages: user first')
  })
})

describe('the answers in a conversation', () => {
  const turnsOf = (
    source: string,
    specialTokens: Record<string, string>,
    messages: readonly ChatMessage[]
  ) => {
    const { text, turns } = renderChat(template(source, specialTokens), messages)
    return turns.map(({ start, end }) => text.slice(start, end))
  }

  it('begin after the words that ask for them', () => {
    const source =
      '{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>\n\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}'
    expect(turnsOf(source, { eos_token: '<end>' }, conversation)).to.deep.equal([
      'Hello.<end>',
      'So long.<end>'
    ])
    expect(turnsOf(source, {}, conversation)).to.deep.equal(['Hello.<end>\n\n', 'So long.<end>\n\n'])
  })

  it('may say what others say', () => {
    const source =
      '{% for m in messages %}[{{ m.role }}] {{ m.content }}</s>{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}'
    const echo = [
      says('user', 'user'),
      says('assistant', 'user'),
      says('user', 'assistant'),
      says('assistant', '')
    ]
    expect(turnsOf(source, { eos_token: '</s>' }, echo)).to.deep.equal(['user</s>', '</s>'])
  })

  it('are found where the last is written otherwise than the ones before it', () => {
    const source =
      "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' and loop.last %}<think></think>{% endif %}" +
      "{{ m.content.split('</think>')[-1] }}<end>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    const thinking = [
      says('user', 'Hi'),
      says('assistant', '<think>hm</think>Hello.'),
      ...conversation.slice(2)
    ]
    const answers = ['Hello.<end>', '<think></think>So long.<end>']
    expect(turnsOf(source, { eos_token: '<end>' }, thinking)).to.deep.equal(answers)
    const silent = [says('user', 'Hi'), says('assistant', ''), ...conversation.slice(2)]
    expect(turnsOf(source, { eos_token: '<end>' }, silent)[0]).to.equal('<end>')
  })

  it('that cannot be told from the rest are refused, with the message', () => {
    const lastFirst = '{% for m in messages[::-1] %}<{{ m.content }}>{% endfor %}'
    const error = refusal(() => renderChat(template(lastFirst), conversation), 'CHAT_REFUSED')
    expect(error.message).to.include('message 2: ').and.to.include('give "prompt" and "completion"')
    const forgetful =
      '{% for m in messages %}{% if loop.last or loop.index0 % 2 == 0 %}<{{ m.content }}>{% endif %}{% endfor %}'
    refusal(() => renderChat(template(forgetful), conversation), 'CHAT_REFUSED')
    expect(renderChat(template(forgetful), conversation.slice(0, 2)).turns).to.deep.equal([
      { start: 4, end: 12 }
    ])
  })
})
