import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { scratchFolder } from '../../support/cli.ts'
import { type EndedHere, runHere } from '../../support/cli-here.ts'
import { folderConfig, writeAdapterFolder, writeModelFolder } from '../../support/model-folder.ts'

/** In the manner of ChatML, with words that the embedded tokenizer has. */
const template =
  "{% for message in messages %}<{{ message['role'] }}> {{ message['content'] }}\n{% endfor %}" +
  '{% if add_generation_prompt %}<assistant> {% endif %}'

/** Not what this machine happens to have. */
const anywhere = ['chat', '--backend', 'wasm', '--threads', '1']

describe('chat', () => {
  const scratch = scratchFolder()
  const model = join(scratch.path, 'model')
  const chatModel = join(scratch.path, 'chat-model')
  const adapter = join(scratch.path, 'adapter')

  before(async () => {
    writeModelFolder(model)
    await writeAdapterFolder(adapter, model)
    writeChatModel(chatModel)
  })
  after(() => scratch.remove())

  /** The model, with a chat template. */
  function writeChatModel(folder: string, generationConfig?: unknown): void {
    cpSync(model, folder, { recursive: true })
    const settings = join(folder, 'tokenizer_config.json')
    const json = JSON.parse(readFileSync(settings, 'utf8'))
    writeFileSync(settings, JSON.stringify({ ...json, chat_template: template }))
    if (generationConfig !== undefined)
      writeFileSync(join(folder, 'generation_config.json'), JSON.stringify(generationConfig))
  }

  const say = (...args: string[]): Promise<EndedHere> =>
    runHere([...anywhere, '--prompt', 'The war', '--tokens', '12', ...args])

  /** The one JSON line. */
  async function said(...args: string[]): Promise<Record<string, unknown>> {
    const { exitCode, stderr, events } = await say('--json', '--temperature', '0', ...args)
    expect(exitCode, stderr).to.equal(0)
    expect(events).to.have.length(1)
    return events[0]!
  }

  it('continues the text without and with the adapter, and they differ', async () => {
    const { exitCode, stdout } = await say('--adapter', adapter)
    expect(exitCode).to.equal(0)
    const [, without, withAdapter] =
      /--- without the adapter ---\nThe war(.*)\n\[12 tokens, [\d.]+ per second, .*\]\n\n--- with the adapter ---\nThe war(.*)\n\[12 tokens.*\]\n$/s.exec(
        stdout
      )!
    expect(without).not.to.equal('')
    expect(withAdapter).not.to.equal(without)
  })

  it('says the same with the base model alone as without the adapter', async () => {
    const { stdout } = await say('--model', model)
    expect(stdout).to.match(/--- the base model ---\nThe war.*\n\[12 tokens.*\]\n$/s)
    const both = await said('--adapter', adapter)
    const alone = await said('--model', model)
    expect(both).to.include({ model, adapter, chatTemplate: false, prompt: 'The war' })
    expect(alone).to.include({
      model,
      adapter: null,
      withoutAdapter: both['withoutAdapter'],
      withAdapter: null
    })
  })

  it('takes the embedded model where neither a model nor an adapter is named', async () => {
    expect(await said('--tokens', '1')).to.include({ model: 'embedded', adapter: null })
  })

  it('draws the same text from the same seed, another from another', async () => {
    const drawn = async (seed: string) => {
      const line = await said('--adapter', adapter, '--temperature', '1', '--seed', seed)
      return [line['withoutAdapter'], line['withAdapter']]
    }
    const first = await drawn('1')
    expect(await drawn('1')).to.deep.equal(first)
    expect(await drawn('2')).not.to.deep.equal(first)
  })

  it('shows with a temperature of 0 what is likeliest, whatever the seed', async () => {
    const one = await said('--adapter', adapter, '--seed', '1')
    const two = await said('--adapter', adapter, '--seed', '2')
    expect(one['withAdapter']).to.equal(two['withAdapter'])
  })

  it('says how many tokens it read and made, and how fast', async () => {
    const { speed } = await said('--adapter', adapter, '--model', chatModel, '--no-template')
    for (const voice of ['withoutAdapter', 'withAdapter']) {
      const { promptTokens, newTokens, ended, tokensPerSecond, promptSeconds } = (
        speed as Record<string, Record<string, number>>
      )[voice]!
      expect([promptTokens, newTokens, ended]).to.deep.equal([3, 12, 'limit'])
      expect(tokensPerSecond).to.be.above(0)
      expect(promptSeconds).to.be.above(0)
    }
  })

  it('answers in the chat template of the model: the same as continuing what the template writes', async () => {
    const answered = await said('--model', chatModel, '--system', 'Be kind.')
    expect(answered['chatTemplate']).to.equal(true)
    const text = '<system> Be kind.\n<user> The war\n<assistant> '
    const continued = await said('--model', chatModel, '--no-template', '--prompt', text)
    expect(continued).to.include({ chatTemplate: false, withoutAdapter: answered['withoutAdapter'] })
    const plain = await said('--model', chatModel, '--no-template')
    expect(plain['withoutAdapter']).not.to.equal(answered['withoutAdapter'])
    const { stdout } = await say('--model', chatModel)
    expect(stdout).to.contain('in its chat template').and.not.to.contain('The war')
  })

  it('stops at an end token of generation_config.json', async () => {
    const all = Array.from({ length: folderConfig.vocabularySize }, (_, id) => id)
    const silent = join(scratch.path, 'silent')
    writeChatModel(silent, { eos_token_id: all })
    const { withoutAdapter, speed } = await said('--model', silent)
    expect(withoutAdapter).to.equal('')
    expect(speed).to.have.nested.property('withoutAdapter.ended', 'end')
    expect(speed).to.have.nested.property('withoutAdapter.newTokens', 0)
    expect((await say('--model', silent)).stdout).to.match(/\[0 tokens, .*; the model ended it\]\n$/)
  })

  it('stops between two tokens when it is told to', async () => {
    const controller = new AbortController()
    controller.abort(new Error('enough'))
    const args = [...anywhere, '--prompt', 'The war', '--adapter', adapter]
    const { exitCode, stdout } = await runHere(args, controller.signal)
    expect(exitCode).to.equal(1)
    expect(stdout).not.to.contain('with the adapter ---\nThe war')
  })

  it('warns when the text outgrows what the model sees', async () => {
    const { exitCode, stderr } = await say('--model', model, '--tokens', '80')
    expect(exitCode).to.equal(0)
    expect(stderr).to.contain('sees 64 tokens at a time')
  })

  describe('refuses', () => {
    const wrong: Array<[string, () => string[], RegExp]> = [
      ['an empty prompt', () => ['--model', model, '--prompt', ''], /--prompt: empty/],
      [
        '--system where there is no template',
        () => ['--model', model, '--system', 'Be kind.'],
        /no chat template/
      ],
      [
        '--system beside --no-template',
        () => ['--model', chatModel, '--system', 'Be kind.', '--no-template'],
        /--system: --no-template/
      ]
    ]
    for (const [what, args, expected] of wrong) {
      it(what, async () => {
        const { exitCode, stdout, stderr } = await say(...args())
        expect([exitCode, stdout]).to.deep.equal([2, ''])
        expect(stderr).to.match(expected)
      })
    }

    it('a generation_config.json with an end token that is none', async () => {
      const broken = join(scratch.path, 'broken')
      writeChatModel(broken, { eos_token_id: 'the end' })
      const { exitCode, stderr } = await say('--model', broken)
      expect(exitCode).to.equal(2)
      expect(stderr).to.contain(`${broken}/generation_config.json: eos_token_id`)
    })
  })
})
