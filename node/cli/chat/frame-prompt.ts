/** From what a person writes to what the model reads. */
import type { Tokenizer } from '../../model/tokenizer.ts'
import { UserError } from '../user-error.ts'

export interface PromptOptions {
  readonly prompt: string
  readonly system?: string
  /** Whether to put the prompt in the model's chat template, if it has one. */
  readonly template: boolean
}

export interface FramedPrompt {
  /** At least one. */
  readonly tokens: Int32Array
  /** Whether the model answers it, in its chat template, instead of continuing it. */
  readonly isChat: boolean
}

/** @throws UserError; ModelError BAD_CHAT_TEMPLATE, CHAT_REFUSED */
export function framePrompt(
  { beginTokenIds, chatTemplate, encode }: Pick<Tokenizer, 'beginTokenIds' | 'chatTemplate' | 'encode'>,
  { prompt, system, template }: PromptOptions
): FramedPrompt {
  if (prompt === '') throw new UserError('--prompt: empty. Give it a few words to continue or to answer.', 2)
  if (chatTemplate === null || !template) {
    if (system !== undefined) {
      const reason = template
        ? 'the model has no chat template'
        : '--no-template leaves the chat template out'
      throw new UserError(`--system: ${reason}, so there is no place for it. Put its words into --prompt.`, 2)
    }
    return { tokens: Int32Array.of(...beginTokenIds, ...encode(prompt)), isChat: false }
  }
  const before = system === undefined ? [] : [{ role: 'system', content: system }]
  // The template itself writes the begin token, where the model has one.
  const text = chatTemplate.render([...before, { role: 'user', content: prompt }], true)
  return { tokens: encode(text), isChat: true }
}
