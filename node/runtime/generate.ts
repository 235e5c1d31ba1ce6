import type { Random } from '../../aggregation/random.ts'
import type { FrozenModel } from '../model/frozen-model.ts'
import { KeyValueCache } from '../model/key-value-cache.ts'

/** What says which token comes next: a model with an adapter (AdaptedModel), or a base alone. */
export interface NextTokenModel {
  /** Longest text in tokens. */
  readonly positionsMax: number
  /** For a new text. The caller disposes of it. */
  cache(): KeyValueCache
  /**
   * Logits of the token after a text: -> [vocabulary].
   * @param ids - the tokens that `cache` has not seen yet
   */
  nextLogits(ids: Int32Array, cache: KeyValueCache, adapter: Float32Array | null): Promise<Float32Array>
}

export interface GenerateOptions {
  /** At most this many tokens. */
  readonly newTokensMax: number
  /** 0 takes the likeliest token each time; 1 draws from the model's own distribution. */
  readonly temperature: number
  /** Draw among this many of the likeliest tokens only; all by default. */
  readonly topK?: number
  /** Any of them ends the text; it is not yielded. */
  readonly endTokenIds?: ReadonlySet<number>
}

/** A base model that no adapter is meant for. */
export function baseAlone(base: FrozenModel): NextTokenModel {
  return {
    positionsMax: base.config.maxPositions,
    cache: () => new KeyValueCache(base.backend),
    nextLogits(ids, cache, adapter) {
      if (adapter !== null) throw new RangeError('expected no adapter, got one for a base model alone')
      return base.nextLogits(ids, cache)
    }
  }
}

/**
 * Continues a text token by token. Where it outgrows the positions that the model has, its older half falls out of sight.
 * @param adapter - [layout.length], or null for the base alone
 * @param prompt - at least one token
 * @returns whether an end token ended it, or newTokensMax did
 * @throws RangeError if the prompt is empty or the temperature is negative
 */
export async function* generateTokens(
  model: NextTokenModel,
  adapter: Float32Array | null,
  prompt: Int32Array,
  options: GenerateOptions,
  random: Random
): AsyncGenerator<number, 'end' | 'limit'> {
  const { newTokensMax, temperature, topK = Number.POSITIVE_INFINITY, endTokenIds } = options
  if (prompt.length === 0) throw new RangeError('expected a prompt of at least one token, got none')
  if (!(temperature >= 0)) throw new RangeError(`expected a temperature of at least 0, got ${temperature}`)
  const text = [...prompt]
  const cache = model.cache()
  try {
    let unseen = text.slice(-model.positionsMax)
    for (let made = 0; made < newTokensMax; made++) {
      const logits = await model.nextLogits(Int32Array.from(unseen), cache, adapter)
      const token = sampleToken(logits, temperature, topK, random)
      if (endTokenIds?.has(token) === true) return 'end'
      text.push(token)
      yield token
      unseen = [token]
      if (cache.positions === model.positionsMax) {
        cache.dispose()
        unseen = text.slice(-Math.ceil(model.positionsMax / 2))
      }
    }
    return 'limit'
  } finally {
    cache.dispose()
  }
}

/**
 * Draws a token from softmax(logits / temperature) over the `topK` likeliest.
 * @param logits - [vocabulary]
 * @param temperature - 0 takes the likeliest, the first of equals
 */
export function sampleToken(logits: Float32Array, temperature: number, topK: number, random: Random): number {
  const best = likeliest(logits)
  if (temperature === 0) return best
  const candidates = topK < logits.length ? likeliestOf(logits, Math.max(1, topK)) : null
  const count = candidates?.length ?? logits.length
  const weights = new Float64Array(count)
  let sum = 0
  for (let i = 0; i < count; i++) {
    weights[i] = Math.exp((logits[candidates?.[i] ?? i]! - logits[best]!) / temperature)
    sum += weights[i]!
  }
  let left = (random.nextUint32() / 2 ** 32) * sum
  for (let i = 0; i < count; i++) {
    left -= weights[i]!
    if (left < 0) return candidates?.[i] ?? i
  }
  // Only rounding leads here.
  return best
}

function likeliest(logits: Float32Array): number {
  let best = 0
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id
  return best
}

/** Ids of the `count` largest logits, ascending; the first of equals. */
function likeliestOf(logits: Float32Array, count: number): number[] {
  const least = logits.toSorted()[logits.length - count]!
  const above = logits.reduce((sum, logit) => sum + Number(logit > least), 0)
  let equalsLeft = count - above
  const ids: number[] = []
  for (let id = 0; id < logits.length; id++) {
    if (logits[id]! > least || (logits[id] === least && equalsLeft-- > 0)) ids.push(id)
  }
  return ids
}
