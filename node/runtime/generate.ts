import type { Random } from '../../aggregation/random.ts'
import type { AdaptedModel } from '../peft/adapted-model.ts'

export interface GenerateOptions {
  /** At most this many tokens. */
  readonly newTokensMax: number
  /** 0 takes the likeliest token each time; 1 draws from the model's own distribution. */
  readonly temperature: number
  /** Draw among this many of the likeliest tokens only; all by default. */
  readonly topK?: number
  /** Ends the text; it is not yielded. */
  readonly endTokenId?: number
}

/**
 * Continues a text token by token. Where it outgrows the positions that the model has, its older half falls out of sight.
 * @param adapter - [layout.length], or null for the base alone
 * @param prompt - at least one token
 * @throws RangeError if the prompt is empty or the temperature is negative
 */
export async function* generateTokens(
  model: AdaptedModel,
  adapter: Float32Array | null,
  prompt: Int32Array,
  options: GenerateOptions,
  random: Random
): AsyncGenerator<number, void> {
  const { newTokensMax, temperature, topK = Number.POSITIVE_INFINITY, endTokenId } = options
  if (prompt.length === 0) throw new RangeError('expected a prompt of at least one token, got none')
  if (!(temperature >= 0)) throw new RangeError(`expected a temperature of at least 0, got ${temperature}`)
  const text = [...prompt]
  const cache = model.cache()
  try {
    let unseen = text.slice(-model.positionsMax)
    for (let made = 0; made < newTokensMax; made++) {
      const logits = await model.nextLogits(Int32Array.from(unseen), cache, adapter)
      const token = sampleToken(logits, temperature, topK, random)
      if (token === endTokenId) return
      text.push(token)
      yield token
      unseen = [token]
      if (cache.positions === model.positionsMax) {
        cache.dispose()
        unseen = text.slice(-Math.ceil(model.positionsMax / 2))
      }
    }
  } finally {
    cache.dispose()
  }
}

/**
 * Draws a token from softmax(logits / temperature) over the `topK` likeliest.
 * @param logits - [vocabulary]
 */
export function sampleToken(logits: Float32Array, temperature: number, topK: number, random: Random): number {
  const order = Array.from(logits, (_, i) => i).sort((a, b) => logits[b]! - logits[a]! || a - b)
  const best = order[0]!
  if (temperature === 0) return best
  const candidates = order.slice(0, Math.max(1, topK))
  const weights = candidates.map(i => Math.exp((logits[i]! - logits[best]!) / temperature))
  let left = (random.nextUint32() / 2 ** 32) * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [i, candidate] of candidates.entries()) {
    left -= weights[i]!
    if (left < 0) return candidate
  }
  return candidates.at(-1)!
}
