/** Text generation for a person: the same prompt and seed, without and with the adapter. */
import { setImmediate } from 'node:timers/promises'
import { seededRandom } from '../../aggregation/random.ts'
import type { Backend } from '../backend/backend.ts'
import { ModelError } from '../model/errors.ts'
import { FrozenModel } from '../model/frozen-model.ts'
import { openModel } from '../model/model-files.ts'
import type { Tokenizer } from '../model/tokenizer.ts'
import { AdaptedModel } from '../peft/adapted-model.ts'
import { PeftError } from '../peft/errors.ts'
import { loadAdapter, readAdapterConfig } from '../peft/peft-files.ts'
import { embeddedModelName, modelDir } from '../platform/embedded-model.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { openBackend } from '../platform/open-backend.ts'
import { generateTokens } from '../runtime/generate.ts'
import type { CommandHost } from './host.ts'
import { UserError } from './user-error.ts'

/** The flags of the command. */
export interface ChatOptions {
  readonly adapter: string
  readonly prompt: string
  readonly model?: string
  readonly tokens: number
  readonly temperature: number
  readonly seed: number
}

interface Speaker {
  readonly model: AdaptedModel
  readonly tokenizer: Tokenizer
  readonly adapter: Float32Array
  readonly modelName: string
  readonly backend: Backend
}

/** @throws UserError, ModelError, PeftError, FilesError; the signal's reason if it fires */
export async function chat(options: ChatOptions, host: CommandHost): Promise<void> {
  const { output } = host
  const { model, tokenizer, adapter, modelName, backend } = await openSpeaker(options)
  const prompt = tokenizer.encode(options.prompt)
  if (prompt.length === 0) throw new UserError('--prompt: empty. Give it a few words to continue.', 2)
  const { maxPositions } = model.base.config
  if (prompt.length + options.tokens > maxPositions) {
    output.warn(`the model sees ${maxPositions} tokens at a time: the beginning falls out of its sight`)
  }
  output.say(`base model ${modelName}, temperature ${options.temperature}, seed ${options.seed}`)
  output.say('\n--- without the adapter ---')
  const withoutAdapter = await speak(null)
  output.say('\n--- with the adapter ---')
  const withAdapter = await speak(adapter)
  const { temperature, seed } = options
  const said = { prompt: options.prompt, withoutAdapter, withAdapter }
  output.event({
    event: 'done',
    model: modelName,
    adapter: options.adapter,
    backend: backend.name,
    temperature,
    seed,
    ...said
  })

  async function speak(values: Float32Array | null): Promise<string> {
    const { endTokenId } = tokenizer
    const settings = {
      newTokensMax: options.tokens,
      temperature: options.temperature,
      ...(endTokenId === undefined ? {} : { endTokenId })
    }
    const ids: number[] = []
    let shown = ''
    output.words.write(options.prompt)
    for await (const id of generateTokens(model, values, prompt, settings, seededRandom(options.seed))) {
      ids.push(id)
      const text = tokenizer.decode(ids)
      // A letter may be spread over several tokens: it is shown once it is whole.
      if (!text.endsWith('\ufffd')) {
        output.words.write(text.slice(shown.length))
        shown = text
      }
      // Lets Ctrl-C through between two tokens.
      await setImmediate()
      host.signal.throwIfAborted()
    }
    output.words.write('\n')
    return tokenizer.decode(ids)
  }
}

async function openSpeaker(options: ChatOptions): Promise<Speaker> {
  const adapterFiles = nodeFiles(options.adapter)
  const config = await namingFolder(options.adapter, () => readAdapterConfig(adapterFiles, ''))
  const modelName = options.model ?? config.baseModel
  if (modelName === '') {
    throw new UserError(
      `${options.adapter}: adapter_config.json names no base model: say which with --model`,
      2
    )
  }
  const opened = await openModel(nodeFiles(modelDir(modelName)), modelName).catch((error: unknown) => {
    if (options.model !== undefined || modelName === embeddedModelName) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new UserError(
      `${message}\nThis is the base model that ${options.adapter}/adapter_config.json names; ` +
        'if you have it elsewhere, say where with --model.',
      2,
      { cause: error }
    )
  })
  const { backend } = await openBackend({ name: 'auto' })
  const base = await FrozenModel.load(backend, opened.config, opened.weights)
  const model = new AdaptedModel(base, config.settings)
  const adapter = await namingFolder(options.adapter, () =>
    loadAdapter(adapterFiles, '', config, model.adapter)
  )
  return { model, tokenizer: opened.tokenizer, adapter, modelName, backend }
}

/** Puts the adapter's folder, as the person wrote it, before what is wrong in it. */
async function namingFolder<T>(folder: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof PeftError || error instanceof ModelError)) throw error
    throw new UserError(`${folder}: ${error.message}`, 2, { cause: error })
  }
}
