/** One text, shown as it comes. */
import { setImmediate } from 'node:timers/promises'
import { seededRandom } from '../../../aggregation/random.ts'
import type { Tokenizer } from '../../model/tokenizer.ts'
import { generateTokens, type NextTokenModel } from '../../runtime/generate.ts'
import type { CommandHost } from '../host.ts'

export interface SpeakSettings {
  /** At least one. */
  readonly prompt: Int32Array
  readonly newTokensMax: number
  readonly temperature: number
  readonly seed: number
  readonly endTokenIds: ReadonlySet<number>
}

export interface Speech {
  readonly text: string
  readonly speed: Speed
}

export interface Speed {
  readonly promptTokens: number
  /** Until the first new token is there. */
  readonly promptSeconds: number
  readonly newTokens: number
  /** Of the tokens after the first; null if there are none. */
  readonly tokensPerSecond: number | null
  /** `end`: by an end token; `limit`: newTokensMax were made. */
  readonly ended: 'end' | 'limit'
}

/**
 * @param adapter - null for the base alone
 * @throws the signal's reason if it fires
 */
export async function speak(
  model: NextTokenModel,
  adapter: Float32Array | null,
  tokenizer: Pick<Tokenizer, 'decode'>,
  { prompt, seed, ...settings }: SpeakSettings,
  { output, signal }: CommandHost
): Promise<Speech> {
  const startedAtMs = performance.now()
  const tokens = generateTokens(model, adapter, prompt, settings, seededRandom(seed))
  const ids: number[] = []
  let shown = ''
  let firstAtMs: number | null = null
  let ended: Speed['ended'] | null = null
  while (ended === null) {
    const { done, value } = await tokens.next()
    firstAtMs ??= performance.now()
    if (done === true) ended = value
    else {
      ids.push(value)
      const text = tokenizer.decode(ids)
      // A letter may be spread over several tokens: it is shown once it is whole.
      if (!text.endsWith('\ufffd')) {
        output.words.write(text.slice(shown.length))
        shown = text
      }
      // Lets Ctrl-C through between two tokens.
      await setImmediate()
      signal.throwIfAborted()
    }
  }
  const text = tokenizer.decode(ids)
  output.words.write(`${text.slice(shown.length)}\n`)
  const endedAtMs = performance.now()
  const promptEndMs = firstAtMs ?? endedAtMs
  // An end token costs as much as one that is shown.
  const later = ids.length - (ended === 'end' ? 0 : 1)
  return {
    text,
    speed: {
      promptTokens: prompt.length,
      promptSeconds: (promptEndMs - startedAtMs) / 1000,
      newTokens: ids.length,
      tokensPerSecond: later > 0 ? (1000 * later) / (endedAtMs - promptEndMs) : null,
      ended
    }
  }
}

export function speedText({ promptTokens, promptSeconds, newTokens, tokensPerSecond, ended }: Speed): string {
  const rate = tokensPerSecond === null ? '' : `, ${tokensPerSecond.toFixed(1)} per second`
  const end = ended === 'end' ? 'the model ended it' : 'cut at --tokens'
  return `[${newTokens} tokens${rate}, after ${promptTokens} of the prompt in ${promptSeconds.toFixed(2)} s; ${end}]`
}
