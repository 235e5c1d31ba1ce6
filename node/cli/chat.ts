/** Text generation for a person: a base model, or the same prompt and seed without and with an adapter. */
import type { Backend } from '../backend/backend.ts'
import { openBackend } from '../platform/open-backend.ts'
import { type BackendOptions, backendRequest, tellBackend } from './backend-options.ts'
import { framePrompt } from './chat/frame-prompt.ts'
import { type Speech, speak, speedText } from './chat/speak.ts'
import { type FoundSpeaker, findSpeaker, loadSpeaker } from './chat/speaker.ts'
import type { CommandHost } from './host.ts'

/** The flags of the command. */
export interface ChatOptions extends BackendOptions {
  readonly adapter?: string
  readonly prompt: string
  readonly system?: string
  /** False with --no-template. */
  readonly template: boolean
  readonly model?: string
  readonly tokens: number
  readonly temperature: number
  readonly seed: number
}

/** @throws UserError, ModelError, HubError, BackendError, FilesError; the signal's reason if it fires */
export async function chat(options: ChatOptions, host: CommandHost): Promise<void> {
  const found = await findSpeaker(options, host)
  const prompt = framePrompt(found.tokenizer, options)
  // A token at a time is as little work for each operation as a narrow model is, whatever the model's width:
  // TensorFlow's fixed cost of an operation would be most of it.
  const { backend, notes } = await openBackend({ ...backendRequest(options), modelWidth: 1 })
  try {
    tellBackend({ ...backend, notes }, host.output)
    await converse(found, prompt, backend, options, host)
  } finally {
    await backend.close()
  }
}

async function converse(
  found: FoundSpeaker,
  { tokens: prompt, isChat }: ReturnType<typeof framePrompt>,
  backend: Backend,
  options: ChatOptions,
  host: CommandHost
): Promise<void> {
  const { output } = host
  const { tokenizer, modelName, endTokenIds } = found
  const { temperature, seed, tokens: newTokensMax } = options
  output.say(
    `base model ${modelName}, temperature ${temperature}, seed ${seed}, ` +
      (isChat ? 'in its chat template' : 'continuing the plain text')
  )
  const { model, adapter } = await loadSpeaker(found, backend, host.signal)
  if (prompt.length + newTokensMax > model.positionsMax) {
    output.warn(`the model sees ${model.positionsMax} tokens at a time: the beginning falls out of its sight`)
  }
  const settings = { prompt, temperature, seed, newTokensMax, endTokenIds }
  const say = async (title: string, values: Float32Array | null): Promise<Speech> => {
    output.say(`\n--- ${title} ---`)
    if (!isChat) output.words.write(options.prompt)
    const speech = await speak(model, values, tokenizer, settings, host)
    output.say(speedText(speech.speed))
    return speech
  }
  const without = await say(adapter === null ? 'the base model' : 'without the adapter', null)
  const withAdapter = adapter === null ? null : await say('with the adapter', adapter)
  output.event({
    event: 'done',
    model: modelName,
    adapter: options.adapter ?? null,
    backend: backend.name,
    temperature,
    seed,
    chatTemplate: isChat,
    prompt: options.prompt,
    withoutAdapter: without.text,
    withAdapter: withAdapter?.text ?? null,
    speed: { withoutAdapter: without.speed, withAdapter: withAdapter?.speed ?? null }
  })
}
