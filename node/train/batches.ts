import type { Random } from '../../aggregation/random.ts'
import type { TokenBatch } from '../model/transformer.ts'

/** Inputs and the token that follows each. */
export interface TrainingBatch {
  readonly tokens: TokenBatch
  /** [batch * time] */
  readonly targets: Int32Array
}

/** An unbiased integer in [0, bound): draws above the largest multiple of `bound` are thrown away. */
function below(random: Random, bound: number): number {
  const limit = 2 ** 32 - (2 ** 32 % bound)
  for (;;) {
    const draw = random.nextUint32()
    if (draw < limit) return draw % bound
  }
}

/**
 * `batch` windows of `time` + 1 tokens at random places; `pick` chooses the text of each window.
 * A text shorter than a window is repeated from its start.
 */
export function randomWindows(
  pick: () => Int32Array,
  batch: number,
  time: number,
  random: Random
): TrainingBatch {
  const ids = new Int32Array(batch * time)
  const targets = new Int32Array(batch * time)
  for (let b = 0; b < batch; b++) {
    const text = pick()
    const start = text.length > time + 1 ? below(random, text.length - time) : 0
    for (let t = 0; t < time; t++) {
      ids[b * time + t] = text[(start + t) % text.length]!
      targets[b * time + t] = text[(start + t + 1) % text.length]!
    }
  }
  return { tokens: { ids, batch, time }, targets }
}
