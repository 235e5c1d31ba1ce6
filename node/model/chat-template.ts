import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'
import { ModelError } from './errors.ts'

/** One message of a conversation. A template may look at more fields than these two, such as a name. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, or what else the template knows. */
  readonly role: string
  readonly content: string
  readonly [field: string]: unknown
}

/** Turns a conversation into the text that a model was trained on. */
export interface ChatTemplate {
  /** The text of the model's end token, if it has one. */
  readonly endToken: string | undefined
  /**
   * @param addGenerationPrompt - end with the words after which the model answers
   * @throws ModelError BAD_CHAT_TEMPLATE, CHAT_REFUSED
   */
  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string
}

/** The character range [start, end) of an assistant's answer and of the words that end it. */
export interface AssistantTurn {
  readonly start: number
  readonly end: number
}

/** A conversation as text, and what of it the assistant says. */
export interface RenderedChat {
  readonly text: string
  /** In order, without overlap. */
  readonly turns: readonly AssistantTurn[]
}

/**
 * A chat template in the Jinja that Hugging Face models use (`chat_template` of tokenizer_config.json, or
 * chat_template.jinja), with its settings: blocks trimmed, `tools` and `documents` none.
 * Source: https://huggingface.co/docs/transformers/chat_templating_writing
 * @param source - parsed when it is first used: a model may be used without its template
 * @param specialTokens - `bos_token`, `eos_token` and so on, by name
 */
export function chatTemplate(
  source: string,
  specialTokens: Readonly<Record<string, string>>,
  path: string
): ChatTemplate {
  let program: ReturnType<typeof parse> | null = null
  return {
    endToken: specialTokens['eos_token'],
    render(messages, addGenerationPrompt) {
      program ??= parsed(source, path)
      const environment = new Environment()
      const variables = {
        ...globals,
        ...specialTokens,
        messages,
        tools: null,
        documents: null,
        add_generation_prompt: addGenerationPrompt
      }
      for (const [name, value] of Object.entries(variables)) environment.set(name, value)
      try {
        return String(new Interpreter(environment).run(program).value)
      } catch (error) {
        const reason = (error as Error).message
        const message = `the model's chat template refuses these messages: ${reason}`
        throw new ModelError('CHAT_REFUSED', { path, reason }, message, { cause: error })
      }
    }
  }
}

/**
 * Renders a conversation and finds the assistant's answers in it: one begins where the text ends that asks the model to
 * answer, and ends where the text of the conversation up to it ends. White space after the end token is no part of it.
 * A template that writes an old answer otherwise than a new one (thoughts left out) is searched for its end token.
 * @throws ModelError BAD_CHAT_TEMPLATE; CHAT_REFUSED if an answer cannot be found
 */
export function renderChat(template: ChatTemplate, messages: readonly ChatMessage[]): RenderedChat {
  const text = template.render(messages, false)
  const turns: AssistantTurn[] = []
  messages.forEach(({ role }, i) => {
    if (role !== 'assistant') return
    const asked = template.render(messages.slice(0, i), true)
    const start = asked.length
    const end = text.startsWith(asked) ? turnEnd(template, messages, i, text, start) : null
    if (end === null || start < (turns.at(-1)?.end ?? 0)) throw hiddenTurn(i)
    turns.push({ start, end })
  })
  return { text, turns }
}

function turnEnd(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  i: number,
  text: string,
  start: number
): number | null {
  const { endToken } = template
  const answered = template.render(messages.slice(0, i + 1), false)
  if (answered.length >= start && text.startsWith(answered)) {
    const trimmed = answered.trimEnd()
    return endToken !== undefined && trimmed.endsWith(endToken)
      ? Math.max(start, trimmed.length)
      : answered.length
  }
  if (endToken === undefined) return null
  const at = text.indexOf(endToken, start)
  if (at < 0) return null
  const said = text.slice(start, at).trim()
  const { content } = messages[i]!
  const isWhole = said === '' ? content.trim() === '' : content.includes(said)
  return isWhole ? at + endToken.length : null
}

function hiddenTurn(index: number): ModelError {
  return new ModelError(
    'CHAT_REFUSED',
    { message: index },
    `message ${index + 1}: the model's chat template does not let the assistant's answer be told from the rest. Leave ` +
      'out the messages after the first answer, or give "prompt" and "completion" instead'
  )
}

function parsed(source: string, path: string): ReturnType<typeof parse> {
  try {
    return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
  } catch (error) {
    const reason = (error as Error).message
    throw new ModelError(
      'BAD_CHAT_TEMPLATE',
      { path, reason },
      `${path}: the model's chat template cannot be read: ${reason}. Use the one that was published with these weights.`,
      { cause: error }
    )
  }
}

/** What a template may call besides its variables. No clock: the same data must give the same tokens on another day. */
const globals = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range: (first: number, end?: number, step = 1) => {
    const [from, to] = end === undefined ? [0, first] : [first, end]
    return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step)
  },
  raise_exception: (reason: unknown) => {
    throw new Error(String(reason))
  },
  strftime_now: (format: string) =>
    format.replace(/%([a-zA-Z%])/g, (whole, directive: string) => fixedDay[directive] ?? whole)
}

/** 26 July 2024, as in the templates of Llama 3 where there is no clock; strftime's directives. */
const fixedDay: Readonly<Record<string, string>> = {
  A: 'Friday',
  a: 'Fri',
  B: 'July',
  b: 'Jul',
  d: '26',
  m: '07',
  Y: '2024',
  y: '24',
  H: '00',
  M: '00',
  S: '00',
  '%': '%'
}
